// SPDX-License-Identifier: BSD-2-Clause
// Sends by AF_XDP: what the kernel has no room for waits, so every frame that took a number is on its way to
// the device. Works with every device, in copy mode; drivers that can are given the frames without a copy.
// Its frames leave by the queue whose socket they are given to, so several queues are several sockets.
#include <fmt/format.h>
#include <sched.h>
#include <time.h>

#include <algorithm>

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
    uint64_t retries = 0;
    int last_errno = 0;
  };
  Put put(size_t stream_index) override;
  void flush() override;
  void wait_until(uint64_t due_ns, uint64_t now_ns) override;
  void drain() override;
  [[nodiscard]] DeviceReport device_report(size_t member) const override {
    return {"", 0, 0, outlets_[member].retries, outlets_[member].last_errno};
  }

  NetNamespace netns_;
  std::vector<Outlet> outlets_;
};

Result<void> XskSender::set_device(uint32_t member, const std::string& device) {
  if (member >= outlets_.size())
    return fail(fmt::format("member {} of the sender", member), fmt::format("there are {}", outlets_.size()));
  const std::lock_guard lock(mutex_);
  outlets_[member].queues.clear();
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

void XskSender::flush() {
  for (Outlet& outlet : outlets_)
    for (const auto& xsk : outlet.queues) {
      const int error = xsk->flush();
      xsk->reap();
      if (error == 0) continue;
      ++outlet.retries;
      outlet.last_errno = error;
    }
}

PacedSender::Put XskSender::put(size_t stream_index) {
  const Stream& stream = streams_[stream_index];
  Outlet& outlet = outlets_[stream.member];
  if (outlet.queues.empty()) return Put::kLeftOut;
  XskOutlet& xsk = *outlet.queues[stream_index % outlet.queues.size()];
  const std::span<uint8_t> room = xsk.take();
  if (room.empty()) return Put::kNoRoom;
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
  const uint64_t patience_ns = monotonic_ns() + 2'000'000'000;
  for (bool waiting = true; waiting && monotonic_ns() < patience_ns;) {
    waiting = false;
    const std::lock_guard lock(mutex_);
    flush();
    for (const Outlet& outlet : outlets_)
      for (const auto& xsk : outlet.queues) waiting = waiting || xsk->under_way() > 0;
    if (waiting) ::sched_yield();
  }
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
