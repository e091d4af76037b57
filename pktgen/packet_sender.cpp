// SPDX-License-Identifier: BSD-2-Clause
// Sends by AF_PACKET: one socket per device, sendmmsg, absolute deadlines. A frame counts as sent, and takes
// its number, only when the kernel has accepted it; a full queue is asked again, any other refusal skips the
// frame.
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
#include <atomic>
#include <cstring>
#include <mutex>
#include <thread>

#include "base/unique_fd.h"
#include "pktgen/netns.h"
#include "pktgen/pace.h"
#include "pktgen/sender.h"
#include "pktgen/tap.h"
#include "pktgen/worker_thread.h"

namespace xdpfwd::pktgen {
namespace {

constexpr size_t kBatch = 64;
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

// One device: its socket, and the frames that wait to be handed over in one call.
struct Outlet {
  UniqueFd socket;
  uint64_t retries = 0;
  uint64_t errors = 0;  // frames skipped
  int last_errno = 0;
  size_t used = 0;
  std::array<std::vector<uint8_t>, kBatch> frames;
  std::array<size_t, kBatch> stream{};
  std::array<iovec, kBatch> vectors{};
  std::array<mmsghdr, kBatch> messages{};
};

class PacketSender final : public Sender {
 public:
  PacketSender(const StreamSet& streams, const SendOptions& options, NetNamespace netns)
      : streams_(streams),
        options_(options),
        netns_(std::move(netns)),
        pace_(Pace::of_pps(options.pps)),
        arrivals_(pace_, options.burst, options.poisson),
        outlets_(options.devices.size()),
        accepted_(streams.size()),
        numbered_(streams.size()) {}

  ~PacketSender() override {
    stop();
    if (runner_.joinable()) runner_.join();
  }

  Result<void> prepare() {
    for (uint32_t member = 0; member < options_.devices.size(); ++member)
      if (auto done = set_device(member, options_.devices[member]); !done) return done;
    return {};
  }

  Result<void> start() override {
    auto runner = start_worker("pktgen-packet", options_.cpu, [this] { run(); });
    if (!runner) return std::unexpected(runner.error());
    runner_ = std::move(*runner);
    return {};
  }
  void stop() override { stopping_ = true; }
  Result<SendReport> wait() override {
    if (runner_.joinable()) runner_.join();
    return snapshot();
  }
  [[nodiscard]] bool finished() const override { return ended_; }
  [[nodiscard]] SendReport snapshot() const override;
  Result<void> set_device(uint32_t member, const std::string& device) override;

 private:
  void run();
  void queue(size_t stream_index);
  void flush(Outlet& outlet);

  const StreamSet streams_;
  SendOptions options_;
  NetNamespace netns_;
  Pace pace_;
  Arrivals arrivals_;
  mutable std::mutex mutex_;  // guards the outlets, which set_device() changes
  std::vector<Outlet> outlets_;
  std::vector<std::atomic<uint64_t>> accepted_;  // by stream: frames the kernel took
  std::vector<uint64_t> numbered_;               // by stream: the next number; ahead of accepted_ in a batch
  std::atomic<uint64_t> left_out_ = 0;
  std::atomic<uint64_t> unsent_ = 0;
  uint64_t end_ns_ = UINT64_MAX;
  std::atomic<uint64_t> start_ns_ = 0;
  std::atomic<uint64_t> last_ns_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> ended_ = false;
  std::thread runner_;
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

// Lays the stream's next frame into its outlet's batch.
void PacketSender::queue(size_t stream_index) {
  const Stream& stream = streams_[stream_index];
  Outlet& outlet = outlets_[stream.member];
  if (!outlet.socket) {
    ++left_out_;
    return;
  }
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
  if (outlet.used == kBatch) flush(outlet);
}

// Hands the batch over. What the device refuses for good is skipped, and its number is given to a later
// frame: the frames behind it in this batch that are of the same stream are numbered anew.
void PacketSender::flush(Outlet& outlet) {
  size_t next = 0;
  while (next < outlet.used) {
    const int sent =
        ::sendmmsg(outlet.socket.get(), &outlet.messages[next], static_cast<unsigned>(outlet.used - next), 0);
    if (sent > 0) {
      for (int i = 0; i < sent; ++i) ++accepted_[outlet.stream[next++]];
      last_ns_ = monotonic_ns();
      continue;
    }
    const int code = errno;
    if (code == EINTR) continue;
    if ((code == ENOBUFS || code == EAGAIN) && !stopping_ && monotonic_ns() < end_ns_) {
      ++outlet.retries;
      ::sched_yield();
      continue;
    }
    ++outlet.errors;
    outlet.last_errno = code;
    const size_t skipped = outlet.stream[next++];
    --numbered_[skipped];
    uint64_t number = accepted_[skipped];
    for (size_t i = next; i < outlet.used; ++i) {
      if (outlet.stream[i] != skipped) continue;
      const Stream& stream = streams_[skipped];
      const Stamp stamp{number++, monotonic_ns()};
      stamp.write(outlet.frames[i].data() + stream.sent_head.size() - Stamp::kSize, stream.id);
    }
  }
  outlet.used = 0;
}

void PacketSender::run() {
  ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);  // the default adds 50 us to every sleep
  if (options_.realtime) (void)go_before_others();
  start_ns_ = monotonic_ns();
  if (options_.duration) end_ns_ = start_ns_ + static_cast<uint64_t>(options_.duration->count());
  const uint64_t limit = options_.count.value_or(UINT64_MAX);
  const uint64_t max_lag_ns = (pace_.interval_q16() * options_.max_late) >> 16;
  uint64_t made = 0;
  size_t stream = 0;
  while (!stopping_ && made < limit) {
    const uint64_t now = monotonic_ns();
    if (now >= end_ns_) break;
    const uint64_t elapsed = now - start_ns_;
    if (arrivals_.due_ns() > elapsed) {
      const uint64_t wake_ns = std::max(start_ns_ + arrivals_.due_ns(), now + kShortestSleepNs);
      // stop() is not waited for longer than this at slow paces.
      sleep_until(std::min({wake_ns, end_ns_, now + 50'000'000}));
      continue;
    }
    const std::lock_guard lock(mutex_);
    for (size_t i = 0; i < kBatch && made < limit && arrivals_.due_ns() <= elapsed; ++i) {
      if (max_lag_ns > 0 && elapsed - arrivals_.due_ns() > max_lag_ns) {
        ++unsent_;
      } else {
        queue(stream);
        stream = stream + 1 < streams_.size() ? stream + 1 : 0;
      }
      ++made;
      arrivals_.next();
    }
    for (Outlet& outlet : outlets_) flush(outlet);
  }
  ended_ = true;
}

SendReport PacketSender::snapshot() const {
  SendReport report;
  for (const std::atomic<uint64_t>& accepted : accepted_) {
    report.per_stream.push_back(accepted);
    report.handed_over += report.per_stream.back();
  }
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < outlets_.size(); ++i) {
    const Outlet& outlet = outlets_[i];
    report.devices.push_back({options_.devices[i], 0, outlet.errors, outlet.retries, outlet.last_errno});
  }
  report.left_out = left_out_;
  report.unsent = unsent_;
  report.asked_pps = options_.pps;
  if (last_ns_ > start_ns_)
    report.seconds = static_cast<double>(last_ns_ - start_ns_ + (pace_.interval_q16() >> 16)) / 1e9;
  return report;
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
