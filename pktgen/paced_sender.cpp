// SPDX-License-Identifier: BSD-2-Clause
#include "pktgen/paced_sender.h"

#include <algorithm>

#include "pktgen/worker_thread.h"

namespace xdpfwd::pktgen {

PacedSender::PacedSender(std::string thread_name, const StreamSet& streams, const SendOptions& options)
    : streams_(streams),
      options_(options),
      sent_(streams.size()),
      thread_name_(std::move(thread_name)),
      pace_(Pace::of_pps(options.pps)),
      arrivals_(pace_, options.burst, options.poisson) {}

Result<void> PacedSender::prepare() {
  for (uint32_t member = 0; member < options_.devices.size(); ++member)
    if (auto done = set_device(member, options_.devices[member]); !done) return done;
  return {};
}

Result<void> PacedSender::start() {
  auto runner = start_worker(thread_name_, options_.cpu, [this] { run(); });
  if (!runner) return std::unexpected(runner.error());
  runner_ = std::move(*runner);
  return {};
}

Result<SendReport> PacedSender::wait() {
  if (runner_.joinable()) runner_.join();
  return report();
}

void PacedSender::end() {
  stop();
  if (runner_.joinable()) runner_.join();
}

void PacedSender::run() {
  begin();
  if (options_.realtime) (void)go_before_others();
  start_ns_ = monotonic_ns();
  if (options_.duration) end_ns_ = start_ns_ + static_cast<uint64_t>(options_.duration->count());
  const uint64_t limit = options_.count.value_or(UINT64_MAX);
  const uint64_t max_lag_ns = (pace_.interval_q16() * options_.max_late) >> 16;
  size_t stream = 0;
  while (!stopping_ && done_ < limit) {
    const uint64_t now = monotonic_ns();
    if (now >= end_ns_) {
      time_up_ = true;
      break;
    }
    const uint64_t elapsed = now - start_ns_;
    if (arrivals_.due_ns() > elapsed) {
      wait_until(start_ns_ + arrivals_.due_ns(), now);
      continue;
    }
    const std::lock_guard lock(mutex_);
    for (size_t i = 0; i < kBatch && done_ < limit && arrivals_.due_ns() <= elapsed; ++i) {
      if (max_lag_ns > 0 && elapsed - arrivals_.due_ns() > max_lag_ns) {
        ++unsent_;
      } else {
        const Put result = put(stream);
        if (result == Put::kNoRoom) break;
        if (result == Put::kLeftOut) ++left_out_;
        stream = stream + 1 < streams_.size() ? stream + 1 : 0;
      }
      ++done_;
      arrivals_.next();
    }
    flush();
  }
  drain();
  ended_ = true;
}

SendReport PacedSender::report() const {
  SendReport report;
  for (const std::atomic<uint64_t>& sent : sent_) {
    report.per_stream.push_back(sent);
    report.handed_over += report.per_stream.back();
  }
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < options_.devices.size(); ++i) {
    report.devices.push_back(device_report(i));
    report.devices.back().name = options_.devices[i];
  }
  report.refused = refused();
  report.left_out = left_out_;
  report.unsent = unsent_;
  report.asked_pps = options_.pps;
  if (last_ns_ > start_ns_)
    report.seconds = static_cast<double>(last_ns_ - start_ns_ + (pace_.interval_q16() >> 16)) / 1e9;
  // Who was held up at the end has not kept the pace.
  if (time_up_)
    report.seconds = std::max(report.seconds, std::chrono::duration<double>(*options_.duration).count());
  return report;
}

}  // namespace xdpfwd::pktgen
