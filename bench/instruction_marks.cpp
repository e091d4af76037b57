// SPDX-License-Identifier: BSD-2-Clause
#include "bench/instruction_marks.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <sstream>

namespace xdpfwd::bench {
namespace {

std::string_view whole_lines(std::string_view text) {
  return text.substr(0, text.rfind('\n') + 1);  // npos + 1: nothing
}

}  // namespace

bool takes_nothing(std::string_view contender) {
  return contender == "nobody" || contender == "xdp-drop";
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
      VcpuCount count = {.user = vcpu.value("user", uint64_t{0}),
                         .softirq = vcpu.value("softirq", uint64_t{0}),
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
  std::vector<Sample> samples;
  std::map<std::string, double> frames_per_poll;
  std::istringstream lines{std::string(whole_lines(log))};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string word;
    std::string contender;
    std::string pps;
    std::string guests;
    std::string poll;
    unsigned repetition = 0;
    double sent = 0;
    double arrived = 0;
    double usecs = 0;
    double in_time = 0;  // arrived when the sender was known to be done
    if (!(words >> word) || (word != "measured" && word != "polled")) continue;
    if (!(words >> contender >> pps >> guests >> poll)) return fail("the guest's script said: " + line);
    const std::string point = fmt::format("{}/{}/{}/{}", contender, pps, guests, poll);
    if (word == "polled") {
      double hundredths = 0;
      if (!(words >> hundredths)) return fail("the guest's script said: " + line);
      frames_per_poll[point] = hundredths / 100;
      continue;
    }
    if (!(words >> repetition >> sent >> arrived >> usecs >> in_time))
      return fail("the guest's script said: " + line);
    const std::string name = fmt::format("{}/{}", point, repetition);
    const auto start = marks.find(name + "/begin");
    const auto end = marks.find(name + "/end");
    if (start == marks.end() || end == marks.end() || end->second.size() <= receiving_cpu ||
        start->second.size() <= receiving_cpu)
      return fail(fmt::format("there are no instruction counts for {}", name));
    const VcpuCount& first = start->second[receiving_cpu];
    const VcpuCount& last = end->second[receiving_cpu];
    // Nothing done is no cheap way of doing it.
    if (arrived <= 0 && !takes_nothing(contender)) return fail(fmt::format("nothing arrived in {}", name));
    const double packets = takes_nothing(contender) ? sent : arrived;
    Metrics metrics = {
        {"softirq_instructions_per_packet", static_cast<double>(last.softirq - first.softirq) / packets},
        {"softirqs_per_packet", static_cast<double>(last.softirqs - first.softirqs) / packets},
        {"sent", sent},
        {"lost", sent - arrived}};
    // Looked at once a point: repeated in every sample it would seem to be measured as often.
    if (const auto polled = frames_per_poll.find(point);
        repetition == 1 && polled != frames_per_poll.end() && polled->second > 0)
      metrics["frames_per_poll"] = polled->second;
    if (usecs > 0) metrics["sent_pps"] = sent / usecs * 1e6;
    if (usecs > 0 && arrived > 0) metrics["delivered_pps"] = in_time / usecs * 1e6;
    samples.push_back(
        {contender,
         {{"pps", std::stod(pps)}, {"vms", std::stod(guests)}, {"poll", std::stod(poll)}, {"cpus", cpus}},
         repetition,
         std::move(metrics)});
  }
  return samples;
}

}  // namespace xdpfwd::bench
