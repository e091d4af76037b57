// SPDX-License-Identifier: BSD-2-Clause
#include "bench/lab_boot.h"

#include <fmt/format.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "bench/child.h"
#include "bench/guest_lines.h"
#include "lab_path.h"

namespace xdpfwd::bench {
namespace {

std::string text_of(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

size_t count_of(const std::string& text, const std::string& word) {
  size_t count = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) ++count;
  return count;
}

Result<void> add_guest(ResultFile& file, const std::string& log) {
  for (const auto& [name, value] : guest_of_log(log))
    if (auto same = file.add_guest(name, value); !same) return same;
  return {};
}

}  // namespace

std::map<std::string, std::string> guest_of_log(std::string_view log) {
  std::map<std::string, std::string> guest;
  std::istringstream lines{std::string(log.substr(0, log.rfind('\n') + 1))};  // npos + 1: nothing
  for (std::string line; std::getline(lines, line);) {
    constexpr std::string_view kOfTheGuest = "environment ";
    constexpr std::string_view kOfTheLab = "lab: QEMU ";
    if (line.starts_with(kOfTheLab)) guest["emulator"] = line.substr(std::string_view("lab: ").size());
    if (!line.starts_with(kOfTheGuest)) continue;
    line.erase(0, kOfTheGuest.size());
    if (const size_t space = line.find(' '); space != std::string::npos)
      guest[line.substr(0, space)] = line.substr(space + 1);
  }
  return guest;
}

Result<void> keep_samples(Run& run, const LabWords& words, const std::vector<Sample>& samples) {
  if (auto added = run.file.add_new(samples); !added) return added;
  constexpr size_t kEnough = 1500;
  if (!words.came_to_its_end && !run.interrupted())
    return fail("the lab did not come to its end: " +
                    words.log.substr(words.log.size() > kEnough ? words.log.size() - kEnough : 0),
                "the same command goes on from there");
  return {};
}

Result<void> measure_in_boot(
    Run& run, const LabBoot& boot,
    const std::function<Result<std::vector<Sample>>(std::string_view log)>& samples_of) {
  const auto keep = [&](const std::string& log) -> Result<void> {
    const auto samples = samples_of(log);
    if (!samples) return std::unexpected(samples.error());
    return run.file.add_new(*samples);
  };
  const auto words = run_lab_boot(run, boot, keep);
  if (!words) return std::unexpected(words.error());
  return keep_samples(run, *words, {});
}

Left left_of(const ResultFile& file, const std::vector<std::string>& contenders, unsigned repetitions) {
  Left left;
  for (const std::string& contender : contenders) {
    unsigned first = 1;
    while (first <= repetitions && file.has(contender, {}, first)) ++first;
    if (first > repetitions) continue;
    left.words += fmt::format("{}{}:{}", left.words.empty() ? "" : ",", contender, first);
    left.count += repetitions - first + 1;
  }
  return left;
}

Result<void> self_tested(std::string_view log) {
  const size_t measured = log.find("\nmeasured ");
  if (measured == std::string_view::npos) return {};
  const auto tests =
      guest_lines(log.substr(0, measured + 1), {.mark = "self-test", .names = 1, .numbers = 3});
  if (!tests) return std::unexpected(tests.error());
  if (tests->empty())
    return fail("the guest's script measured without a self-test of generator and sink",
                "see bench/lab/self_test.sh");
  for (const GuestLine& test : *tests)
    if (test.numbers[1] == 0 || test.numbers[1] != test.numbers[2])
      return bad_line(test, "without any forwarder, all that is sent has to be counted");
  return {};
}

Result<void> probe_lab() {
  if (std::filesystem::exists(kLab)) return {};
  return fail(fmt::format("{} is not there", kLab), "run this from a build in the source tree");
}

Result<LabWords> run_lab_boot(Run& run, const LabBoot& boot,
                              const std::function<Result<void>(const std::string& log)>& heard) {
  if (auto there = probe_lab(); !there) return std::unexpected(there.error());
  std::error_code failed;
  std::filesystem::remove_all(boot.folder, failed);
  std::filesystem::create_directories(boot.folder, failed);
  std::vector<std::string> command = {
      kLab,       "run",       "--cpus", std::to_string(boot.cpus), "--timeout",
      "14400",    "--silence", "900",    "--show-version",          "--out",
      boot.folder};
  run.file.begin_boot();
  const bool by_instructions = boot.cpus == 1 || !boot.counts;
  if (auto same = run.file.add_guest(fmt::format("clock of {} CPU{}", boot.cpus, boot.cpus > 1 ? "s" : ""),
                                     by_instructions ? "counts instructions" : "this machine's");
      !same)
    return std::unexpected(same.error());
  if (boot.counts) command.emplace_back("--count-instructions");
  if (by_instructions) command.emplace_back("--icount");
  command.push_back(fmt::format("{}/{}", kLabScripts, boot.script));
  command.emplace_back("--");
  command.insert(command.end(), boot.arguments.begin(), boot.arguments.end());
  const std::string log = boot.folder + "/log";
  auto lab = Child::start({.arguments = command, .log = log});
  if (!lab) return std::unexpected(lab.error());
  run.progress.begin(
      fmt::format("{}, {} virtual CPU{}", run.file.results().scenario, boot.cpus, boot.cpus > 1 ? "s" : ""),
      boot.measurements);
  size_t told = 0;
  Result<void> same;
  while (lab->running() && !run.interrupted() && same) {
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    const std::string text = text_of(log);
    same = add_guest(run.file, text);
    if (same) same = self_tested(text);
    const size_t measured = count_of(text, "\nmeasured ");
    if (same && heard && measured > told) same = heard(text);
    for (; told < measured; ++told) run.progress.step("in the guest");
  }
  lab->end(SIGTERM);
  run.progress.end();
  const std::string all = text_of(log);
  if (same) same = add_guest(run.file, all);
  if (same) same = self_tested(all);
  if (same && heard) same = heard(all);
  if (!same) return std::unexpected(same.error());
  LabWords words{.log = all, .counts = text_of(boot.folder + "/counts.jsonl")};
  words.came_to_its_end = words.log.find("\ndone\n") != std::string::npos;
  return words;
}

}  // namespace xdpfwd::bench
