// SPDX-License-Identifier: BSD-2-Clause
// Who decides where NAPIs run in a simulation: the packer, and what it is compared with. All work on the same
// host model and the same load.
#pragma once

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "packer/host.h"

namespace xdpfwd::packer {

// A control interval as the oracle sees it before it comes: frames[step * NAPIs + napi].
struct Coming {
  std::span<const float> frames;
  std::span<const float> cost_ns;
  uint32_t steps = 0;
};

class Contender {
 public:
  virtual ~Contender() = default;
  [[nodiscard]] virtual std::string_view name() const = 0;
  // Before each interval but the first: what was seen in the last one. Only the oracle may look at `coming`.
  virtual void interval(std::span<const NapiLoad> seen, const Coming& coming, std::span<uint32_t> cpu_of);
  // Before each step: the frames that arrive in it, as a scheduler sees wake-ups.
  virtual void step(std::span<const float> frames, std::span<const float> cost_ns,
                    std::span<uint32_t> cpu_of);
};

inline constexpr std::string_view kPackerName = "packer";
inline constexpr std::string_view kOracleName = "oracle";
inline constexpr std::string_view kPinnedName = "pinned";
inline constexpr std::string_view kSoftirqName = "softirq-rss";
inline constexpr std::string_view kSchedulerName = "scheduler";

// Two NUMA nodes of cores with two threads, numbered as Linux does: all first threads, then their siblings.
std::vector<CpuPlace> model_topology(uint32_t cpus);
// The bond has a NIC on each node, and each NIC half of the queues.
int32_t model_node_of(size_t napi, size_t napis);

// The CPU of each NAPI at the start.
std::vector<uint32_t> softirq_placement(size_t napis, uint32_t cpus);  // queue q on CPU q
std::vector<uint32_t> pinned_placement(size_t napis, uint32_t cpus);   // one a CPU, near its NIC

std::unique_ptr<Contender> make_fixed(std::string_view name);  // stays where it started
std::unique_ptr<Contender> make_scheduler(uint32_t cpus, uint64_t seed);
std::unique_ptr<Contender> make_oracle(uint32_t cpus, float mark);
Result<std::unique_ptr<Contender>> make_packer(const PackerSettings& settings, uint32_t cpus);

// What each NAPI asks for in the interval, as a share of a CPU.
std::vector<float> mean_loads(const Coming& coming);

}  // namespace xdpfwd::packer
