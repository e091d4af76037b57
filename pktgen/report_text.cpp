// SPDX-License-Identifier: BSD-2-Clause
#include "pktgen/report_text.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <nlohmann/json.hpp>

namespace xdpfwd::pktgen {
namespace {

using Json = nlohmann::ordered_json;

double rounded(double value, int digits) {
  const double scale = std::pow(10, digits);
  return std::round(value * scale) / scale;
}

Json latency_json(const Histogram& latency) {
  const auto us = [&](double fraction) {
    return rounded(static_cast<double>(latency.percentile(fraction)) / 1e3, 2);
  };
  return {{"p50", us(0.5)},      {"p90", us(0.9)},
          {"p99", us(0.99)},     {"p999", us(0.999)},
          {"p9999", us(0.9999)}, {"max", rounded(static_cast<double>(latency.max()) / 1e3, 2)}};
}

std::string latency_text(const Histogram& latency) {
  const auto us = [&](double fraction) { return static_cast<double>(latency.percentile(fraction)) / 1e3; };
  return fmt::format("one way: p50 {:.1f} us, p99 {:.1f} us, p99.9 {:.1f} us, max {:.1f} us", us(0.5),
                     us(0.99), us(0.999), static_cast<double>(latency.max()) / 1e3);
}

Json devices_json(const SendReport& report) {
  Json devices = Json::array();
  for (const DeviceReport& device : report.devices) {
    const bool refused = device.errors != 0 || device.ring_full != 0;
    devices.push_back(
        {{"name", device.name},
         {"ring_full", device.ring_full},
         {"errors", device.errors},
         {"retries", device.retries},
         {"last_error",
          refused && device.last_errno != 0 ? Json(std::strerror(device.last_errno)) : Json()}});
  }
  return devices;
}

}  // namespace

std::string send_text(const SendReport& report, Backend backend) {
  std::string text = fmt::format("{} frames sent in {:.3f} s by {}: {:.0f} pps", report.sent(),
                                 report.seconds, backend_name(backend), report.pps());
  if (const auto deviation = report.deviation_percent())
    text += fmt::format(" ({:+.2f} % of {:.0f})", *deviation, report.asked_pps);
  if (report.unsent != 0)
    text += fmt::format("\n{} frames not sent: they would have been too late", report.unsent);
  if (report.left_out != 0)
    text += fmt::format("\n{} frames left out: their device was taken out", report.left_out);
  if (!report.refused_known) text += "\nthe kernel could not tell what the devices refused";
  if (const std::string refusals = explain_refusals(report); !refusals.empty()) text += "\n" + refusals;
  return text;
}

std::string send_json(const SendReport& report, Backend backend) {
  const auto deviation = report.deviation_percent();
  const Json json = {{"sent", report.sent()},
                     {"handed_over", report.handed_over},
                     {"refused", report.refused},
                     {"refused_known", report.refused_known},
                     {"left_out", report.left_out},
                     {"unsent", report.unsent},
                     {"seconds", rounded(report.seconds, 6)},
                     {"pps", rounded(report.pps(), 1)},
                     {"asked_pps", report.asked_pps},
                     {"deviation_percent", deviation ? Json(rounded(*deviation, 3)) : Json()},
                     {"backend", backend_name(backend)},
                     {"devices", devices_json(report)}};
  return json.dump();
}

uint64_t SinkReport::lost() const {
  uint64_t lost = 0;
  for (const auto& [id, tally] : taps.streams)
    if (tally.next > tally.delivered()) lost += tally.next - tally.delivered();
  return lost;
}

bool SinkReport::clean() const {
  const StreamTally total = taps.total();
  return lost() == 0 && total.corrupted == 0 && total.misdelivered == 0 && total.duplicated == 0 &&
         total.reordered == 0;
}

std::string sink_text(const SinkReport& report) {
  const StreamTally total = report.taps.total();
  std::string text =
      fmt::format("{} frames in {:.3f} s: {:.0f} pps\n", total.delivered(), report.seconds,
                  report.seconds > 0 ? static_cast<double>(total.delivered()) / report.seconds : 0.0);
  text += fmt::format(
      "{} lost, {} misdelivered, {} duplicated, {} out of order, {} corrupted; {} of others, {} at the "
      "stack\n",
      report.lost(), total.misdelivered, total.duplicated, total.reordered, total.corrupted,
      report.taps.foreign, report.stack.total().delivered());
  return text + latency_text(report.taps.latency_ns);
}

std::string sink_json(const SinkReport& report) {
  const StreamTally total = report.taps.total();
  const Json json = {
      {"delivered", total.delivered()},
      {"lost", report.lost()},
      {"misdelivered", total.misdelivered},
      {"duplicated", total.duplicated},
      {"reordered", total.reordered},
      {"corrupted", total.corrupted},
      {"foreign", report.taps.foreign},
      {"passed_to_stack", report.stack.total().delivered()},
      {"seconds", rounded(report.seconds, 6)},
      {"pps", report.seconds > 0 ? rounded(static_cast<double>(total.delivered()) / report.seconds, 1) : 0.0},
      {"latency_us", latency_json(report.taps.latency_ns)}};
  return json.dump();
}

std::string drop_text(const drop_counts& counts) {
  const double seconds = static_cast<double>(counts.last_ns - counts.first_ns) / 1e9;
  return fmt::format("{} frames, {} bytes dropped in {:.3f} s: {:.0f} pps", counts.frames, counts.bytes,
                     seconds, seconds > 0 ? static_cast<double>(counts.frames) / seconds : 0.0);
}

std::string drop_json(const drop_counts& counts) {
  const double seconds = static_cast<double>(counts.last_ns - counts.first_ns) / 1e9;
  const Json json = {{"dropped", counts.frames},
                     {"bytes", counts.bytes},
                     {"seconds", rounded(seconds, 6)},
                     {"pps", seconds > 0 ? rounded(static_cast<double>(counts.frames) / seconds, 1) : 0.0}};
  return json.dump();
}

std::string loop_text(const LoopReport& report) {
  std::string text = fmt::format("{:<20} {:<15} {:>8} {:>12} {:>12} {:>8}\n", "GUEST", "TAP", "VLAN", "SENT",
                                 "DELIVERED", "WRONG");
  for (const GuestResult& guest : report.per_guest)
    text += fmt::format("{:<20} {:<15} {:>8} {:>12} {:>12} {:>8}\n", guest.name, guest.tap, guest.vlan,
                        guest.handed_over, guest.delivered, guest.wrong);
  text += fmt::format("guests: {}\n", report.guests.text());
  text += fmt::format("rate:   {:.0f} pps, {:.0f} ns a frame", report.pps, report.ns_per_packet());
  if (report.overload_pps > 0)
    text += fmt::format("; overloaded, the path delivers {:.0f} pps", report.overload_pps);
  text += fmt::format("\n        {}\n", latency_text(report.latency_ns));
  if (report.control) text += fmt::format("stack:  {}\n", report.control->text());
  if (report.flooded != 0)
    text += fmt::format("        {} of them were flooded to taps by the host\n", report.flooded);
  if (report.guest_frames_at_stack != 0)
    text += fmt::format("        {} frames for guests passed to the stack\n", report.guest_frames_at_stack);
  if (const std::string refusals = explain_refusals(report.sent); !refusals.empty())
    text += fmt::format("sender: {}\n", refusals);
  text += report.interrupted ? "interrupted" : report.clean() ? "all correct" : "NOT correct";
  return text;
}

std::string loop_json(const LoopReport& report) {
  const Verdict control = report.control.value_or(Verdict{});
  Json trials = Json::array();
  for (const Trial& trial : report.trials)
    trials.push_back({{"asked_pps", std::round(trial.asked_pps)},
                      {"delivered_pps", std::round(trial.delivered_pps)},
                      {"lost", trial.lost}});
  const Json json = {{"sent", report.guests.sent},
                     {"delivered", report.guests.delivered},
                     {"lost", report.guests.lost},
                     {"misdelivered", report.guests.misdelivered},
                     {"duplicated", report.guests.duplicated},
                     {"reordered", report.guests.reordered},
                     {"corrupted", report.guests.corrupted},
                     {"passed_to_stack", report.passed_to_stack},
                     {"pps", rounded(report.pps, 1)},
                     {"ns_per_packet", rounded(report.ns_per_packet(), 1)},
                     {"latency_us", latency_json(report.latency_ns)},
                     {"correct", report.clean()},
                     {"control",
                      {{"sent", control.sent},
                       {"passed", control.delivered},
                       {"lost", control.lost},
                       {"wrong", control.corrupted + control.duplicated + control.reordered},
                       {"flooded", report.flooded}}},
                     {"guest_frames_at_stack", report.guest_frames_at_stack},
                     {"refused", report.refused},
                     {"asked_pps", rounded(report.asked_pps, 1)},
                     {"overload_pps", rounded(report.overload_pps, 1)},
                     {"seconds", rounded(report.seconds, 6)},
                     {"trials", trials}};
  return json.dump();
}

}  // namespace xdpfwd::pktgen
