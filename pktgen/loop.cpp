// SPDX-License-Identifier: BSD-2-Clause
#include "pktgen/loop.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <thread>

namespace xdpfwd::pktgen {
namespace {

using namespace std::chrono_literals;

constexpr uint32_t kQueueLength = 16384;  // room for a reader that is held up for tens of milliseconds
constexpr uint64_t kControlFrames = 100;  // of each kind, size and member
constexpr double kControlPps = 5'000;
constexpr double kProbeRounds = 20;  // a second
constexpr double kTrialSeconds = 0.5;
constexpr double kFirstFraction = 0.9;  // of what an overloaded path delivers
constexpr double kStep = 0.8;
constexpr double kInHand = 0.8;  // of the rate that lost nothing in its trial
constexpr int kTrials = 12;
constexpr double kCheckedSeconds = 3;

std::chrono::nanoseconds seconds(double value) {
  return std::chrono::nanoseconds(static_cast<int64_t>(value * 1e9));
}

uint64_t at_stack(const StreamSet& streams, const ReceiveReport& received) {
  uint64_t count = 0;
  for (const Stream& stream : streams.streams())
    if (const auto tally = received.streams.find(stream.id); tally != received.streams.end())
      count += tally->second.delivered();
  return count;
}

}  // namespace

Result<std::unique_ptr<Loop>> Loop::prepare(LoopOptions options) {
  Scenario& scenario = options.scenario;
  if (auto checked = check_guests(scenario.guests, true); !checked) return std::unexpected(checked.error());
  if (auto checked = check_members(scenario.members); !checked) return std::unexpected(checked.error());
  if (scenario.sizes.empty()) scenario.sizes = {64};

  std::unique_ptr<Loop> loop(new Loop(std::move(options)));
  // `scenario` went with the options.
  const Scenario& held = loop->options_.scenario;
  auto receiver = TapReceiver::start({.cpu = loop->options_.rx_cpu});
  if (!receiver) return std::unexpected(receiver.error());
  loop->receiver_ = std::move(*receiver);
  for (const std::string& tap : held.taps()) {
    auto added = loop->receiver_->add_tap(
        {.name = tap, .netns = held.rx_netns, .queue_length = held.queue_length.value_or(kQueueLength)});
    if (!added) return std::unexpected(added.error());
  }
  auto sink = StackSink::start(held.rx_devices(), held.rx_netns);
  if (!sink) return std::unexpected(sink.error());
  loop->sink_ = std::move(*sink);
  return loop;
}

Result<StreamSet> Loop::guest_streams() {
  const Scenario& scenario = options_.scenario;
  auto streams =
      StreamSet::of_guests(scenario.guests, {.sizes = scenario.sizes,
                                             .members = static_cast<uint32_t>(scenario.members.size()),
                                             .first_id = next_id_,
                                             .sources = scenario.sources.value_or(1)});
  if (!streams) return streams;
  next_id_ = streams->end_id();
  receiver_->expect(*streams);
  sink_->expect(*streams);
  return streams;
}

Result<SendReport> Loop::send(Backend backend, const StreamSet& streams, double pps,
                              std::optional<uint64_t> count, std::optional<double> duration_s) {
  SendOptions options{.devices = options_.scenario.tx_devices(),
                      .netns = options_.scenario.tx_netns,
                      .pps = pps,
                      .count = count,
                      .cpu = options_.tx_cpu,
                      .batch = options_.batch};
  if (duration_s) options.duration = seconds(*duration_s);
  auto sender = make_sender(backend, streams, options);
  if (!sender) return std::unexpected(sender.error());
  const uint64_t frames_before = receiver_->frames();
  if (auto started = (*sender)->start(); !started) return std::unexpected(started.error());
  while (!(*sender)->finished()) {
    std::this_thread::sleep_for(5ms);
    if (options_.interrupted()) (*sender)->stop();
  }
  auto report = (*sender)->wait();
  // Whoever gets everything waits no longer; half a second of silence is for the rest, on a busy machine.
  if (report) receiver_->wait_for_frames(frames_before + report->sent(), 500ms, 10s);
  return report;
}

// Sends a frame of every guest over every member, from one source, again and again, until each has come
// through once.
Result<void> Loop::wait_until_forwarding() {
  if (options_.settle_s <= 0) return {};
  options_.progress("waiting until frames get through");
  const Scenario& scenario = options_.scenario;
  const size_t size = std::ranges::min(scenario.sizes);
  auto probes = StreamSet::of_guests(
      scenario.guests,
      {.sizes = {size}, .members = static_cast<uint32_t>(scenario.members.size()), .first_id = next_id_});
  if (!probes) return std::unexpected(probes.error());
  next_id_ = probes->end_id();
  receiver_->expect(*probes);
  auto sender = make_sender(Backend::kPacket, *probes,
                            {.devices = scenario.tx_devices(),
                             .netns = scenario.tx_netns,
                             .pps = kProbeRounds * static_cast<double>(probes->size()),
                             .duration = seconds(options_.settle_s)});
  if (!sender) return std::unexpected(sender.error());
  if (auto started = (*sender)->start(); !started) return started;
  std::vector<std::string> waiting;
  while (true) {
    std::this_thread::sleep_for(20ms);
    const bool last = (*sender)->finished();
    const ReceiveReport received = receiver_->report();
    waiting.clear();
    for (const Stream& probe : probes->streams())
      if (received.streams.at(probe.id).delivered() == 0) waiting.push_back(probe.label);
    if (waiting.empty() || last || options_.interrupted()) break;
  }
  (*sender)->stop();
  if (auto probed = (*sender)->wait(); !probed) return std::unexpected(probed.error());
  receiver_->wait_quiet(100ms, 2s);
  if (waiting.empty() || options_.interrupted()) return {};
  const size_t count = waiting.size();
  waiting.resize(std::min<size_t>(count, 5));
  return fail(fmt::format("{} of {} probes did not get through in {} s: {}{}", count, probes->size(),
                          options_.settle_s, fmt::join(waiting, "; "), count > waiting.size() ? "; ..." : ""),
              "is the forwarder running, does it know these guests, and are the members up?");
}

Result<Trial> Loop::try_rate(double pps) {
  auto streams = guest_streams();
  if (!streams) return std::unexpected(streams.error());
  auto sent = send(options_.scenario.backend.value_or(Backend::kLive), *streams, pps, {}, kTrialSeconds);
  if (!sent) return std::unexpected(sent.error());
  const Verdict verdict = judge_run(*streams, *sent, receiver_->report());
  Trial trial{.asked_pps = pps, .lost = verdict.lost};
  if (sent->seconds > 0) trial.delivered_pps = static_cast<double>(verdict.delivered) / sent->seconds;
  options_.progress(fmt::format("trial at {}: {:.0f} pps delivered, {} lost",
                                pps > 0 ? fmt::format("{:.0f} pps", pps) : "full speed", trial.delivered_pps,
                                trial.lost));
  if (sent->sent() == 0 && !explain_refusals(*sent).empty()) return fail(explain_refusals(*sent));
  return trial;
}

// From what the path delivers when overloaded, down in steps until a trial loses nothing.
Result<double> Loop::find_rate(LoopReport& report) {
  options_.progress("looking for a rate that loses nothing");
  auto overload = try_rate(0);
  if (!overload) return std::unexpected(overload.error());
  report.trials.push_back(*overload);
  report.overload_pps = overload->delivered_pps;
  double rate = overload->delivered_pps * kFirstFraction;
  for (int i = 0; i < kTrials && !options_.interrupted(); ++i) {
    auto trial = try_rate(rate);
    if (!trial) return std::unexpected(trial.error());
    report.trials.push_back(*trial);
    if (trial->lost == 0) return std::min(rate, trial->delivered_pps) * kInHand;
    rate *= kStep;
  }
  return rate;  // the checked phase will tell
}

Result<void> Loop::check_guests_phase(LoopReport& report) {
  const Scenario& scenario = options_.scenario;
  report.asked_pps = scenario.pps.value_or(0);
  if (report.asked_pps <= 0) {
    auto rate = find_rate(report);
    if (!rate) return std::unexpected(rate.error());
    report.asked_pps = *rate;
  }
  auto streams = guest_streams();
  if (!streams) return std::unexpected(streams.error());
  std::optional<double> duration = scenario.duration_s;
  if (!scenario.count && !duration) duration = kCheckedSeconds;
  options_.progress(fmt::format("checking {} streams at {:.0f} pps", streams->size(), report.asked_pps));
  receiver_->forget_latencies();
  auto sent =
      send(scenario.backend.value_or(Backend::kLive), *streams, report.asked_pps, scenario.count, duration);
  if (!sent) return std::unexpected(sent.error());
  const ReceiveReport received = receiver_->report();
  report.sent = *sent;
  report.refused = sent->refused;
  report.guests = judge_run(*streams, *sent, received);
  report.latency_ns = received.latency_ns;
  report.seconds = sent->seconds;
  if (report.seconds > 0) report.pps = static_cast<double>(report.guests.delivered) / report.seconds;
  report.guest_frames_at_stack = at_stack(*streams, sink_->report());
  for (const Guest& guest : scenario.guests)
    report.per_guest.push_back({.name = guest.name, .tap = guest.tap, .vlan = guest.vlan.text()});
  for (size_t i = 0; i < streams->size(); ++i) {
    const StreamVerdict one = judge_stream((*streams)[i], sent->per_stream[i], received);
    GuestResult& guest = report.per_guest[(*streams)[i].guest];
    guest.handed_over += one.handed_over;
    guest.delivered += one.received.delivered();
    guest.wrong +=
        one.received.corrupted + one.received.misdelivered + one.received.duplicated + one.received.reordered;
  }
  return {};
}

Result<void> Loop::check_control_phase(LoopReport& report) {
  const Scenario& scenario = options_.scenario;
  const uint64_t each = scenario.control_frames.value_or(kControlFrames);
  if (each == 0) return {};
  const std::vector<Control> kinds = {Control::kUnknownUnicast, Control::kBroadcast, Control::kLacp};
  auto streams = StreamSet::of_control(
      kinds,
      {.sizes = {64, 256}, .members = static_cast<uint32_t>(scenario.members.size()), .first_id = next_id_});
  if (!streams) return std::unexpected(streams.error());
  next_id_ = streams->end_id();
  receiver_->expect(*streams);
  sink_->expect(*streams);
  options_.progress("sending unknown unicast, broadcast and LACP frames for the stack");
  auto sent = send(Backend::kPacket, *streams, kControlPps, each * streams->size(), {});
  if (!sent) return std::unexpected(sent.error());
  std::this_thread::sleep_for(50ms);
  const ReceiveReport received = sink_->report();
  report.control = judge_run(*streams, *sent, received);
  report.passed_to_stack = at_stack(*streams, received);
  const ReceiveReport at_taps = receiver_->report();
  for (const Stream& stream : streams->streams())
    report.flooded += at_taps.streams.at(stream.id).misdelivered;
  return {};
}

Result<LoopReport> Loop::run() {
  LoopReport report;
  if (auto done = wait_until_forwarding(); !done) return std::unexpected(done.error());
  if (!options_.interrupted())
    if (auto done = check_guests_phase(report); !done) return std::unexpected(done.error());
  if (!options_.interrupted())
    if (auto done = check_control_phase(report); !done) return std::unexpected(done.error());
  report.interrupted = options_.interrupted();
  return report;
}

}  // namespace xdpfwd::pktgen
