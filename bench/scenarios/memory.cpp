// SPDX-License-Identifier: BSD-2-Clause
// Memory of each contender by the number of its guests: what its processes hold resident, and what its BPF
// maps take in the kernel, where a process holds them. Socket buffers, FDB entries of the kernel's and flow
// tables are not seen by this.
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "bench/grid.h"

namespace xdpfwd::bench {
namespace {

// Of the maps that the process holds open: the kernel says it for each descriptor.
double map_mib(pid_t pid) {
  double bytes = 0;
  std::set<std::string> counted;
  std::error_code gone;
  for (const auto& entry : std::filesystem::directory_iterator(fmt::format("/proc/{}/fdinfo", pid), gone)) {
    std::ifstream file(entry.path());
    std::string id;
    double memory = 0;
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("map_id:")) id = line;
      if (line.starts_with("memlock:")) memory = std::stod(line.substr(8));
    }
    if (!id.empty() && counted.insert(id).second) bytes += memory;
  }
  return bytes / 1024 / 1024;
}

Result<void> run_memory(Run& run) {
  const auto measure = [](Stand& stand, const Point&) -> Result<Metrics> {
    Metrics metrics = {{"rss_mib", stand.cost().rss_mib}};
    for (const Child* child : stand.contender().processes()) metrics["map_mib"] += map_mib(child->pid());
    return metrics;
  };
  for (const double guests :
       run.options.quick ? std::vector<double>{1, 16} : std::vector<double>{1, 16, 64, 256}) {
    Grid grid{.contenders = present_contenders(run, [](const ContenderKind& kind) { return kind.delivers; }),
              .points = {{{"guests", guests}}},
              .repetitions = run.repetitions(3, 1),
              .warm_up = false,
              .rig = {.guests = static_cast<unsigned>(guests), .ring_slots = 256},
              .possible = [](const ContenderKind& kind,
                             const Point& point) { return point.at("guests") <= kind.most_guests; },
              .measure = measure};
    if (auto done = run_grid(run, grid); !done) return done;
    if (run.interrupted()) return {};
  }
  return {};
}

const RegisteredScenario memory(
    {.name = "memory",
     .summary = "memory of each contender's processes and BPF maps by number of guests",
     .run = run_memory,
     .plots = {{"resident memory of the processes", "guests", "guests", "rss_mib", "MiB", true, false}},
     .table = {"rss_mib", "map_mib"},
     .order = 60});

}  // namespace
}  // namespace xdpfwd::bench
