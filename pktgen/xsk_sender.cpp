// SPDX-License-Identifier: BSD-2-Clause
// Sends by AF_XDP: what the kernel has no room for waits, in its order. A frame takes its number when it is
// laid into the shared memory; what the device does not take after all is told as refused. Works with every
// device, in copy mode; drivers that can are given the frames without a copy. Its frames leave by the queue
// whose socket they are given to, so several queues are several sockets.
#include <fmt/format.h>
#include <sched.h>
#include <time.h>

#include <algorithm>
#include <set>

#include "pktgen/netns.h"
#include "pktgen/paced_sender.h"
#include "pktgen/xsk_outlet.h"

namespace xdpfwd::pktgen {
namespace {

class XskSender final : public PacedSender {
 public:
  XskSender(const StreamSet& streams, const SendOptions& options, NetNamespace netns)
      : PacedSender("pktgen-xsk", streams, options),
        netns_(std::move(netns)),
        outlets_(options.devices.size()) {}
  ~XskSender() override { end(); }
  Result<void> set_device(uint32_t member, const std::string& device) override;

 private:
  struct Outlet {
    std::string device;
    // Of each queue; none: taken out. Members that leave by one device share them: a queue takes one socket.
    std::vector<std::shared_ptr<XskOutlet>> queues;
    bool down = false;  // as the last flush found it: no frame is taken at all
    uint64_t full_since_ns = 0;
    uint64_t retries = 0;
    uint64_t skipped = 0;   // frames made while it was down or full, which took no number
    uint64_t dropped = 0;   // frames that it dropped
    uint64_t stranded = 0;  // frames that it was never asked to take, or never finished
    int last_errno = 0;
  };
  void close(Outlet& outlet);
  void flush(Outlet& outlet);
  Put put(size_t stream_index) override;
  void flush() override {
    for (Outlet& outlet : outlets_) flush(outlet);
  }
  void wait_until(uint64_t due_ns, uint64_t now_ns) override;
  void drain() override;
  [[nodiscard]] DeviceReport device_report(size_t member) const override {
    const Outlet& outlet = outlets_[member];
    return {"", outlet.dropped, outlet.skipped + outlet.stranded, outlet.retries, outlet.last_errno};
  }
  [[nodiscard]] uint64_t refused() const override {
    uint64_t refused = 0;
    for (const Outlet& outlet : outlets_) refused += outlet.dropped + outlet.stranded;
    return refused;
  }

  NetNamespace netns_;
  std::vector<Outlet> outlets_;
};

Result<void> XskSender::set_device(uint32_t member, const std::string& device) {
  if (member >= outlets_.size())
    return fail(fmt::format("member {} of the sender", member), fmt::format("there are {}", outlets_.size()));
  const std::lock_guard lock(mutex_);
  close(outlets_[member]);
  outlets_[member].device = device;
  if (device.empty()) return {};
  for (const Outlet& other : outlets_)
    if (!other.queues.empty() && other.device == device) {
      outlets_[member].queues = other.queues;
      return {};
    }
  auto inside = InNamespace::enter(netns_);
  if (!inside) return std::unexpected(inside.error());
  std::vector<std::shared_ptr<XskOutlet>> queues;
  for (uint32_t queue = 0; queue < options_.queues; ++queue) {
    auto opened = XskOutlet::open(device, queue);
    if (!opened) return std::unexpected(opened.error());
    queues.push_back(std::move(*opened));
  }
  outlets_[member].queues = std::move(queues);
  return {};
}

// What waits in a socket ends with it.
void XskSender::close(Outlet& outlet) {
  for (const auto& xsk : outlet.queues)
    if (xsk.use_count() == 1) outlet.stranded += xsk->waiting();
  outlet.queues.clear();
  outlet.down = false;
  outlet.full_since_ns = 0;
}

void XskSender::flush(Outlet& outlet) {
  outlet.down = false;
  for (const auto& xsk : outlet.queues) {
    const int error = xsk->flush();
    xsk->reap();
    if (const uint64_t dropped = xsk->take_dropped(); dropped > 0) {
      outlet.dropped += dropped;
      outlet.last_errno = EBUSY;
    }
    if (error == 0) continue;
    outlet.last_errno = error;
    if (error == EAGAIN || error == ENOBUFS || error == EBUSY)
      ++outlet.retries;
    else
      outlet.down = true;
  }
}

PacedSender::Put XskSender::put(size_t stream_index) {
  const Stream& stream = streams_[stream_index];
  Outlet& outlet = outlets_[stream.member];
  if (outlet.queues.empty()) return Put::kLeftOut;
  XskOutlet& xsk = *outlet.queues[stream_index % outlet.queues.size()];
  const std::span<uint8_t> room = xsk.take();
  if (room.empty() && !outlet.down && has_patience(outlet.full_since_ns)) return Put::kNoRoom;
  if (room.empty() || outlet.down) {
    ++outlet.skipped;
    if (outlet.last_errno == 0) outlet.last_errno = ENOBUFS;  // it took frames, and never finished them
    return Put::kTaken;
  }
  outlet.full_since_ns = 0;
  std::ranges::copy(stream.sent_head, room.begin());
  std::ranges::copy(stream.fill(), room.begin() + static_cast<std::ptrdiff_t>(stream.sent_head.size()));
  const Stamp stamp{sent_[stream_index]++, monotonic_ns()};
  stamp.write(room.data() + stream.sent_head.size() - Stamp::kSize, stream.id);
  xsk.put(stream.sent_size());
  last_ns_ = stamp.sent_ns;
  return Put::kTaken;
}

// A sleep for long gaps only: it is late by tens of microseconds.
void XskSender::wait_until(uint64_t due_ns, uint64_t now_ns) {
  const uint64_t gap = due_ns - now_ns;
  if (gap <= 200'000) return;
  const timespec nap{0, static_cast<long>(std::min<uint64_t>(gap - 100'000, 50'000'000))};
  (void)::nanosleep(&nap, nullptr);
}

// What was put is sent, unless a device takes nothing any more.
void XskSender::drain() {
  const uint64_t end_of_patience_ns = monotonic_ns() + kPatienceNs;
  for (bool waiting = true; waiting && monotonic_ns() < end_of_patience_ns;) {
    waiting = false;
    const std::lock_guard lock(mutex_);
    flush();
    for (const Outlet& outlet : outlets_)
      for (const auto& xsk : outlet.queues) waiting = waiting || (!outlet.down && xsk->under_way() > 0);
    if (waiting) ::sched_yield();
  }
  const std::lock_guard lock(mutex_);
  std::set<const XskOutlet*> told;  // members may share them
  for (Outlet& outlet : outlets_)
    for (const auto& xsk : outlet.queues)
      if (told.insert(xsk.get()).second) outlet.stranded += xsk->under_way();
}

}  // namespace

Result<std::unique_ptr<Sender>> make_xsk_sender(const StreamSet& streams, const SendOptions& options) {
  auto netns = NetNamespace::open(options.netns);
  if (!netns) return std::unexpected(netns.error());
  auto sender = std::make_unique<XskSender>(streams, options, std::move(*netns));
  if (auto prepared = sender->prepare(); !prepared) return std::unexpected(prepared.error());
  return sender;
}

}  // namespace xdpfwd::pktgen
