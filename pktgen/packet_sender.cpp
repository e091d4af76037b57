// SPDX-License-Identifier: BSD-2-Clause
// Sends by AF_PACKET: one socket per device, sendmmsg, absolute deadlines. A frame counts as sent, and takes
// its number, only when the kernel has accepted it; a full queue is asked again for a while, any other
// refusal skips the frame.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/unique_fd.h"
#include "pktgen/netns.h"
#include "pktgen/paced_sender.h"
#include "pktgen/tap.h"

namespace xdpfwd::pktgen {
namespace {

// Sleeping shorter than this costs more than it evens out.
constexpr uint64_t kShortestSleepNs = 50'000;

void sleep_until(uint64_t deadline_ns) {
  const timespec deadline{static_cast<time_t>(deadline_ns / 1'000'000'000),
                          static_cast<long>(deadline_ns % 1'000'000'000)};
  (void)::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, nullptr);
}

Result<UniqueFd> open_device(const std::string& name, bool qdisc_bypass) {
  auto index = device_index(name);
  if (!index) return std::unexpected(index.error());
  UniqueFd fd(
      ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));  // protocol 0: receives nothing
  if (!fd) return fail_errno("a packet socket", errno, "run as root, or with CAP_NET_RAW");
  const int yes = 1;
  if (qdisc_bypass && ::setsockopt(fd.get(), SOL_PACKET, PACKET_QDISC_BYPASS, &yes, sizeof(yes)) != 0)
    return fail_errno(fmt::format("device '{}': bypassing the queueing discipline", name), errno);
  const int buffer = 4 << 20;
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = static_cast<int>(*index);
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
    return fail_errno(fmt::format("device '{}': binding a packet socket", name), errno);
  return fd;
}

class PacketSender final : public PacedSender {
 public:
  PacketSender(const StreamSet& streams, const SendOptions& options, NetNamespace netns)
      : PacedSender("pktgen-packet", streams, options),
        netns_(std::move(netns)),
        outlets_(options.devices.size()),
        numbered_(streams.size()) {}
  ~PacketSender() override { end(); }
  Result<void> set_device(uint32_t member, const std::string& device) override;

 private:
  // One device: its socket, and the frames that wait to be handed over in one call.
  struct Outlet {
    UniqueFd socket;
    uint64_t retries = 0;
    uint64_t errors = 0;         // frames skipped
    uint64_t full_since_ns = 0;  // 0: it took the last frame
    int last_errno = 0;
    size_t used = 0;
    std::array<std::vector<uint8_t>, kBatch> frames;
    std::array<size_t, kBatch> stream{};
    std::array<iovec, kBatch> vectors{};
    std::array<mmsghdr, kBatch> messages{};
  };
  Put put(size_t stream_index) override;
  void flush() override {
    for (Outlet& outlet : outlets_) hand_over(outlet);
  }
  void hand_over(Outlet& outlet);
  void wait_until(uint64_t due_ns, uint64_t now_ns) override;
  void begin() override {
    ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  }  // the default adds 50 us to a sleep
  [[nodiscard]] DeviceReport device_report(size_t member) const override {
    const Outlet& outlet = outlets_[member];
    return {"", 0, outlet.errors, outlet.retries, outlet.last_errno};
  }

  NetNamespace netns_;
  std::vector<Outlet> outlets_;
  std::vector<uint64_t> numbered_;  // by stream: the next number; ahead of sent_ in a batch
};

Result<void> PacketSender::set_device(uint32_t member, const std::string& device) {
  if (member >= outlets_.size())
    return fail(fmt::format("member {} of the sender", member), fmt::format("there are {}", outlets_.size()));
  UniqueFd socket;
  if (!device.empty()) {
    auto inside = InNamespace::enter(netns_);
    if (!inside) return std::unexpected(inside.error());
    auto opened = open_device(device, options_.qdisc_bypass);
    if (!opened) return std::unexpected(opened.error());
    socket = std::move(*opened);
  }
  const std::lock_guard lock(mutex_);
  outlets_[member].socket = std::move(socket);
  return {};
}

// Lays the stream's next frame into its outlet's batch. What is not taken after all is numbered anew.
PacedSender::Put PacketSender::put(size_t stream_index) {
  const Stream& stream = streams_[stream_index];
  Outlet& outlet = outlets_[stream.member];
  if (!outlet.socket) return Put::kLeftOut;
  const size_t slot = outlet.used++;
  std::vector<uint8_t>& frame = outlet.frames[slot];
  frame.resize(stream.sent_size());
  std::ranges::copy(stream.sent_head, frame.begin());
  std::ranges::copy(stream.fill(), frame.begin() + static_cast<std::ptrdiff_t>(stream.sent_head.size()));
  const Stamp stamp{numbered_[stream_index]++, monotonic_ns()};
  stamp.write(frame.data() + stream.sent_head.size() - Stamp::kSize, stream.id);
  outlet.stream[slot] = stream_index;
  outlet.vectors[slot] = {frame.data(), frame.size()};
  outlet.messages[slot].msg_hdr = {};
  outlet.messages[slot].msg_hdr.msg_iov = &outlet.vectors[slot];
  outlet.messages[slot].msg_hdr.msg_iovlen = 1;
  if (outlet.used == kBatch) hand_over(outlet);
  return Put::kTaken;
}

// Hands the batch over. What the device refuses for good is skipped, and its number is given to a later
// frame: the frames behind it in this batch that are of the same stream are numbered anew.
void PacketSender::hand_over(Outlet& outlet) {
  size_t next = 0;
  while (next < outlet.used) {
    const int sent =
        ::sendmmsg(outlet.socket.get(), &outlet.messages[next], static_cast<unsigned>(outlet.used - next), 0);
    if (sent > 0) {
      for (int i = 0; i < sent; ++i) ++sent_[outlet.stream[next++]];
      last_ns_ = monotonic_ns();
      outlet.full_since_ns = 0;
      continue;
    }
    const int code = errno;
    if (code == EINTR) continue;
    if ((code == ENOBUFS || code == EAGAIN) && going_on() && has_patience(outlet.full_since_ns)) {
      ++outlet.retries;
      ::sched_yield();
      continue;
    }
    ++outlet.errors;
    outlet.last_errno = code;
    const size_t skipped = outlet.stream[next++];
    --numbered_[skipped];
    uint64_t number = sent_[skipped];
    for (size_t i = next; i < outlet.used; ++i) {
      if (outlet.stream[i] != skipped) continue;
      const Stream& stream = streams_[skipped];
      const Stamp stamp{number++, monotonic_ns()};
      stamp.write(outlet.frames[i].data() + stream.sent_head.size() - Stamp::kSize, stream.id);
    }
  }
  outlet.used = 0;
}

// stop() is not waited for longer than 50 ms at slow paces.
void PacketSender::wait_until(uint64_t due_ns, uint64_t now_ns) {
  sleep_until(std::min({std::max(due_ns, now_ns + kShortestSleepNs), end_ns(), now_ns + 50'000'000}));
}

}  // namespace

Result<std::unique_ptr<Sender>> make_packet_sender(const StreamSet& streams, const SendOptions& options) {
  auto netns = NetNamespace::open(options.netns);
  if (!netns) return std::unexpected(netns.error());
  auto sender = std::make_unique<PacketSender>(streams, options, std::move(*netns));
  if (auto prepared = sender->prepare(); !prepared) return std::unexpected(prepared.error());
  return sender;
}

}  // namespace xdpfwd::pktgen
