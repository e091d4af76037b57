// SPDX-License-Identifier: BSD-2-Clause
#include "bench/instruction_marks.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "bench/contender.h"
#include "bench/guest_lines.h"

namespace xdpfwd::bench {
namespace {

std::string_view whole_lines(std::string_view text) {
  return text.substr(0, text.rfind('\n') + 1);  // npos + 1: nothing
}

// Of "CONTENDER PPS GUESTS POLL REPETITION ...", as the marks are named.
constexpr size_t kRepetition = 3;
std::string point_of(const GuestLine& line) {
  return fmt::format("{}/{}/{}/{}", line.names[0], line.numbers[0], line.numbers[1], line.numbers[2]);
}

}  // namespace

bool takes_nothing(std::string_view contender) {
  const ContenderKind* kind = find_contender(std::string(contender));
  return contender == "nobody" || (kind != nullptr && !kind->delivers);
}

Result<InstructionMarks> parse_marks(std::string_view text) {
  InstructionMarks marks;
  std::istringstream lines{std::string(whole_lines(text))};
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) continue;
    const nlohmann::json json = nlohmann::json::parse(line, nullptr, false);
    if (!json.is_object() || !json.contains("mark") || !json.contains("vcpus"))
      return fail("the instruction counts have a line that is no mark: " + line.substr(0, 100));
    std::vector<VcpuCount> vcpus;
    for (const nlohmann::json& vcpu : json["vcpus"]) {
      VcpuCount count = {.softirq = vcpu.value("softirq", uint64_t{0}),
                         .softirqs = vcpu.value("softirqs", uint64_t{0})};
      for (const char* context : {"user", "process", "irq", "softirq"})
        count.all += vcpu.value(context, uint64_t{0});
      vcpus.push_back(count);
    }
    const nlohmann::json& mark = json["mark"];
    if (!mark.is_object())
      return fail("the instruction counts have a mark without a name: " + line.substr(0, 100));
    marks[mark.value("name", "") + "/" + mark.value("edge", "")] = std::move(vcpus);
  }
  return marks;
}

Result<std::vector<Sample>> samples_of_log(std::string_view log, const InstructionMarks& marks,
                                           size_t receiving_cpu, unsigned cpus) {
  const auto measured =
      guest_lines(log, {.mark = "measured", .names = 1, .numbers = 8, .repetition = kRepetition});
  if (!measured) return std::unexpected(measured.error());
  const auto polled = guest_lines(log, {.mark = "polled", .names = 1, .numbers = 4});
  if (!polled) return std::unexpected(polled.error());
  std::map<std::string, double> frames_per_poll;
  for (const GuestLine& line : *polled) frames_per_poll[point_of(line)] = line.number(3) / 100;
  std::vector<Sample> samples;
  for (const GuestLine& line : *measured) {
    const std::string& contender = line.names[0];
    const double sent = line.number(4);
    const double arrived = line.number(5);
    const double usecs = line.number(6);
    const double in_time = line.number(7);  // arrived when the sender was known to be done
    const std::string point = point_of(line);
    const std::string name = fmt::format("{}/{}", point, line.repetition);
    const auto start = marks.find(name + "/begin");
    const auto end = marks.find(name + "/end");
    if (start == marks.end() || end == marks.end() || end->second.size() <= receiving_cpu ||
        start->second.size() <= receiving_cpu)
      return fail(fmt::format("there are no instruction counts for {}", name));
    const VcpuCount& first = start->second[receiving_cpu];
    const VcpuCount& last = end->second[receiving_cpu];
    // Nothing done is no cheap way of doing it.
    if (arrived <= 0 && !takes_nothing(contender)) return fail(fmt::format("nothing arrived in {}", name));
    if (sent <= 0) return bad_line(line, "nothing was sent");
    const double packets = takes_nothing(contender) ? sent : arrived;
    Metrics metrics = {
        {"softirq_instructions_per_packet", static_cast<double>(last.softirq - first.softirq) / packets},
        {"softirqs_per_packet", static_cast<double>(last.softirqs - first.softirqs) / packets},
        {"sent", sent},
        {"lost", sent - arrived}};
    // Looked at once a point: repeated in every sample it would seem to be measured as often.
    if (const auto found = frames_per_poll.find(point);
        line.repetition == 1 && found != frames_per_poll.end() && found->second > 0)
      metrics["frames_per_poll"] = found->second;
    if (usecs > 0) metrics["sent_pps"] = sent / usecs * 1e6;
    if (usecs > 0 && arrived > 0) metrics["delivered_pps"] = in_time / usecs * 1e6;
    samples.push_back(
        {contender,
         {{"pps", line.number(0)}, {"vms", line.number(1)}, {"poll", line.number(2)}, {"cpus", cpus}},
         line.repetition,
         std::move(metrics)});
  }
  return samples;
}

}  // namespace xdpfwd::bench
