// SPDX-License-Identifier: BSD-2-Clause
#include "bench/environment.h"

#include <fmt/format.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <set>

#include "base/version.h"
#include "commit.h"

namespace xdpfwd::bench {
namespace {

std::string first_line(const std::string& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string field_of(const std::string& path, const std::string& name) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(name) && line.find(':') != std::string::npos) {
      const size_t at = line.find_first_not_of(" \t", line.find(':') + 1);
      return at == std::string::npos ? "" : line.substr(at);
    }
  return "";
}

// The first line of what a command says, or that it is missing.
std::string says(const std::string& command) {
  FILE* pipe = ::popen(("trap '' INT TERM HUP; " + command + " 2>/dev/null").c_str(), "re");
  if (pipe == nullptr) return "";
  std::array<char, 256> line{};
  const bool any = std::fgets(line.data(), line.size(), pipe) != nullptr;
  while (std::fgetc(pipe) != EOF) continue;
  ::pclose(pipe);
  std::string text = any ? line.data() : "not installed";
  while (text.ends_with('\n')) text.pop_back();
  return text;
}

// Of the CPU's flaws, by name.
nlohmann::json mitigations() {
  nlohmann::json all = nlohmann::json::object();
  std::error_code none;
  for (const auto& flaw :
       std::filesystem::directory_iterator("/sys/devices/system/cpu/vulnerabilities", none))
    all[flaw.path().filename().string()] = first_line(flaw.path());
  return all;
}

std::string now_text() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  (void)std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return text.data();
}

}  // namespace

nlohmann::json describe_environment(const RunOptions& options, const std::vector<std::string>& flags) {
  utsname name{};
  ::uname(&name);
  const std::string kernel = fmt::format("{} {}", name.release, name.version);
  const std::string cpu = field_of("/proc/cpuinfo", "model name");
  const long cpus = ::sysconf(_SC_NPROCESSORS_ONLN);
  const nlohmann::json versions = {{"ovs", says("ovs-vswitchd --version")},
                                   {"dpdk", says("dpkg-query -W -f='${Version}' dpdk-dev")},
                                   {"iproute2", says("ip -V")},
                                   {"ethtool", says("ethtool --version")}};
  return {{"format", kResultFormat},
          {"started", now_text()},
          {"flags", flags},
          {"version", kVersion},
          {"commit", kCommit},
          {"compiler", __VERSION__},
          {"kernel", kernel},
          {"boot", first_line("/proc/cmdline")},
          {"cpu", cpu},
          {"cpus", cpus},
          {"hypervisor", field_of("/proc/cpuinfo", "flags").find(" hypervisor") != std::string::npos},
          {"governor", first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")},
          {"memory", field_of("/proc/meminfo", "MemTotal")},
          {"microcode", field_of("/proc/cpuinfo", "microcode")},
          {"bios", first_line("/sys/class/dmi/id/bios_version")},
          {"mitigations", mitigations()},
          {"load", first_line("/proc/loadavg")},
          {"versions", versions},
          {"same",
           {{"kernel", kernel},
            {"cpu", cpu},
            {"cpus", cpus},
            {"commit", kCommit},
            {"versions", versions},
            {"quick", options.quick},
            {"repetitions", options.repetitions},
            {"contenders", std::set<std::string>(options.contenders.begin(), options.contenders.end())},
            {"rx_cpu", options.rx_cpu},
            {"tx_cpu", options.tx_cpu}}}};
}

nlohmann::json of_the_lab(nlohmann::json environment) {
  for (const char* name : {"kernel", "boot"}) environment[std::string("host_") + name] = environment[name];
  for (const char* name : {"kernel", "boot", "versions"}) environment.erase(name);
  if (environment.contains("same")) environment["same"].erase("versions");
  return environment;
}

}  // namespace xdpfwd::bench
