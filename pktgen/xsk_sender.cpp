// SPDX-License-Identifier: BSD-2-Clause
// Sends by AF_XDP: what the kernel has no room for waits, so every frame that took a number is on its way to
// the device. Works with every device, in copy mode; drivers that can are given the frames without a copy.
#include <fmt/format.h>
#include <sched.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>

#include "pktgen/netns.h"
#include "pktgen/pace.h"
#include "pktgen/sender.h"
#include "pktgen/worker_thread.h"
#include "pktgen/xsk_outlet.h"

namespace xdpfwd::pktgen {
namespace {

constexpr unsigned kBatch = 64;

class XskSender final : public Sender {
 public:
  XskSender(const StreamSet& streams, const SendOptions& options, NetNamespace netns)
      : streams_(streams),
        options_(options),
        netns_(std::move(netns)),
        pace_(Pace::of_pps(options.pps)),
        arrivals_(pace_, options.burst, options.poisson),
        outlets_(options.devices.size()),
        sent_(streams.size()) {}
  ~XskSender() override {
    stop();
    if (runner_.joinable()) runner_.join();
  }

  Result<void> prepare() {
    for (uint32_t member = 0; member < options_.devices.size(); ++member)
      if (auto done = set_device(member, options_.devices[member]); !done) return done;
    return {};
  }
  Result<void> start() override {
    auto runner = start_worker("pktgen-xsk", options_.cpu, [this] { run(); });
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
  struct Outlet {
    std::string device;
    std::shared_ptr<XskOutlet> xsk;  // members that leave by one device share it: a queue takes one socket
    uint64_t retries = 0;
    int last_errno = 0;
  };
  void run();
  bool send_next(size_t stream_index);
  void flush(Outlet& outlet);

  const StreamSet streams_;
  SendOptions options_;
  NetNamespace netns_;
  Pace pace_;
  Arrivals arrivals_;
  mutable std::mutex mutex_;  // guards the outlets, which set_device() changes
  std::vector<Outlet> outlets_;
  std::vector<std::atomic<uint64_t>> sent_;  // by stream: the next number
  std::atomic<uint64_t> left_out_ = 0;
  std::atomic<uint64_t> unsent_ = 0;
  std::atomic<uint64_t> start_ns_ = 0;
  std::atomic<uint64_t> last_ns_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> ended_ = false;
  std::thread runner_;
};

Result<void> XskSender::set_device(uint32_t member, const std::string& device) {
  if (member >= outlets_.size())
    return fail(fmt::format("member {} of the sender", member), fmt::format("there are {}", outlets_.size()));
  const std::lock_guard lock(mutex_);
  outlets_[member].xsk.reset();
  outlets_[member].device = device;
  if (device.empty()) return {};
  for (const Outlet& other : outlets_)
    if (other.xsk && other.device == device) {
      outlets_[member].xsk = other.xsk;
      return {};
    }
  auto inside = InNamespace::enter(netns_);
  if (!inside) return std::unexpected(inside.error());
  auto opened = XskOutlet::open(device);
  if (!opened) return std::unexpected(opened.error());
  outlets_[member].xsk = std::move(*opened);
  return {};
}

void XskSender::flush(Outlet& outlet) {
  if (!outlet.xsk) return;
  const int error = outlet.xsk->flush();
  outlet.xsk->reap();
  if (error == 0) return;
  ++outlet.retries;
  outlet.last_errno = error;
}

// False: no room now.
bool XskSender::send_next(size_t stream_index) {
  const Stream& stream = streams_[stream_index];
  Outlet& outlet = outlets_[stream.member];
  if (!outlet.xsk) {
    ++left_out_;
    return true;
  }
  const std::span<uint8_t> room = outlet.xsk->take();
  if (room.empty()) return false;
  std::ranges::copy(stream.sent_head, room.begin());
  std::ranges::copy(stream.fill(), room.begin() + static_cast<std::ptrdiff_t>(stream.sent_head.size()));
  const Stamp stamp{sent_[stream_index]++, monotonic_ns()};
  stamp.write(room.data() + stream.sent_head.size() - Stamp::kSize, stream.id);
  outlet.xsk->put(stream.sent_size());
  return true;
}

void XskSender::run() {
  if (options_.realtime) (void)go_before_others();
  start_ns_ = monotonic_ns();
  const uint64_t end_ns =
      options_.duration ? start_ns_ + static_cast<uint64_t>(options_.duration->count()) : UINT64_MAX;
  const uint64_t limit = options_.count.value_or(UINT64_MAX);
  const uint64_t max_lag_ns = (pace_.interval_q16() * options_.max_late) >> 16;
  uint64_t made = 0;
  size_t stream = 0;
  while (!stopping_ && made < limit) {
    const uint64_t now = monotonic_ns();
    if (now >= end_ns) break;
    const uint64_t elapsed = now - start_ns_;
    if (arrivals_.due_ns() > elapsed) {
      // A sleep for long gaps only: it is late by tens of microseconds.
      const uint64_t gap = arrivals_.due_ns() - elapsed;
      if (gap > 200'000) {
        const timespec nap{0, static_cast<long>(std::min<uint64_t>(gap - 100'000, 50'000'000))};
        (void)::nanosleep(&nap, nullptr);
      }
      continue;
    }
    const std::lock_guard lock(mutex_);
    for (unsigned i = 0; i < kBatch && made < limit && arrivals_.due_ns() <= elapsed; ++i) {
      if (max_lag_ns > 0 && elapsed - arrivals_.due_ns() > max_lag_ns) {
        ++unsent_;
      } else {
        if (!send_next(stream)) break;
        stream = stream + 1 < streams_.size() ? stream + 1 : 0;
        last_ns_ = now;
      }
      ++made;
      arrivals_.next();
    }
    for (Outlet& outlet : outlets_) flush(outlet);
  }
  // What was put is sent, unless a device takes nothing any more.
  const uint64_t patience_ns = monotonic_ns() + 2'000'000'000;
  for (bool waiting = true; waiting && monotonic_ns() < patience_ns;) {
    waiting = false;
    const std::lock_guard lock(mutex_);
    for (Outlet& outlet : outlets_) {
      flush(outlet);
      waiting = waiting || (outlet.xsk && outlet.xsk->under_way() > 0);
    }
    if (waiting) ::sched_yield();
  }
  ended_ = true;
}

SendReport XskSender::snapshot() const {
  SendReport report;
  for (const std::atomic<uint64_t>& sent : sent_) {
    report.per_stream.push_back(sent);
    report.handed_over += report.per_stream.back();
  }
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < outlets_.size(); ++i)
    report.devices.push_back({options_.devices[i], 0, 0, outlets_[i].retries, outlets_[i].last_errno});
  report.left_out = left_out_;
  report.unsent = unsent_;
  report.asked_pps = options_.pps;
  if (last_ns_ > start_ns_)
    report.seconds = static_cast<double>(last_ns_ - start_ns_ + (pace_.interval_q16() >> 16)) / 1e9;
  return report;
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
