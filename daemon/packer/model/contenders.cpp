// SPDX-License-Identifier: BSD-2-Clause
#include "packer/model/contenders.h"

#include <algorithm>
#include <map>

#include "packer/bin_packing.h"
#include "packer/model/random.h"
#include "packer/model/trace.h"
#include "packer/packer.h"

namespace xdpfwd::packer {
namespace {

constexpr double kStepNs = 1e9 / kStepsPerSecond;

class Fixed final : public Contender {
 public:
  explicit Fixed(std::string_view name) : name_(name) {}
  [[nodiscard]] std::string_view name() const override { return name_; }

 private:
  std::string_view name_;
};

// Wake-up placement as of CFS and EEVDF, once a step: a thread wakes where it ran last if that CPU is idle at
// that moment, else on the first idle CPU after it on the same node, else where it ran last. A CPU is idle
// with the probability of what is left of it in this step.
class Scheduler final : public Contender {
 public:
  Scheduler(uint32_t cpus, uint64_t seed) : places_(model_topology(cpus)), taken_(cpus), random_(seed) {}
  [[nodiscard]] std::string_view name() const override { return kSchedulerName; }
  void step(std::span<const float> frames, std::span<const float> cost_ns,
            std::span<uint32_t> cpu_of) override {
    std::ranges::fill(taken_, 0.0);
    const size_t first = random_.below(frames.size());
    for (size_t i = 0; i < frames.size(); ++i) {
      const size_t napi = (first + i) % frames.size();
      const double wants = static_cast<double>(frames[napi]) * static_cast<double>(cost_ns[napi]) / kStepNs;
      if (wants <= 0) continue;
      cpu_of[napi] = wake(cpu_of[napi]);
      taken_[cpu_of[napi]] += wants;
    }
  }

 private:
  bool idle(size_t cpu) { return taken_[cpu] <= 0 || random_.uniform() >= taken_[cpu]; }
  uint32_t wake(uint32_t last) {
    for (size_t i = 0; i < places_.size(); ++i) {
      const size_t cpu = (last + i) % places_.size();
      if (places_[cpu].node == places_[last].node && idle(cpu)) return static_cast<uint32_t>(cpu);
    }
    return last;
  }
  std::vector<CpuPlace> places_;
  std::vector<double> taken_;
  Random random_;
};

// Best fit decreasing up to the mark, from nothing, with the mean load of the interval that is about to come.
class Oracle final : public Contender {
 public:
  Oracle(uint32_t cpus, float mark) : cpus_(cpus), mark_(mark) {}
  [[nodiscard]] std::string_view name() const override { return kOracleName; }
  void interval(std::span<const NapiLoad>, const Coming& coming, std::span<uint32_t> cpu_of) override {
    const std::vector<float> loads = mean_loads(coming);
    const Packing packing = best_fit_decreasing(loads, mark_);
    std::vector<float> sum(cpus_);
    for (const bool beyond : {false, true})
      for (size_t napi = 0; napi < loads.size(); ++napi) {
        if ((packing.bin_of[napi] >= cpus_) != beyond) continue;
        // What needs more CPUs than there are goes where least is.
        const size_t cpu =
            beyond ? static_cast<size_t>(std::ranges::min_element(sum) - sum.begin()) : packing.bin_of[napi];
        sum[cpu] += loads[napi];
        cpu_of[napi] = static_cast<uint32_t>(cpu);
      }
  }

 private:
  uint32_t cpus_;
  float mark_;
};

class PackerAtWork final : public Contender {
 public:
  explicit PackerAtWork(Packer packer) : packer_(std::move(packer)) {}
  [[nodiscard]] std::string_view name() const override { return kPackerName; }
  void interval(std::span<const NapiLoad> seen, const Coming&, std::span<uint32_t> cpu_of) override {
    if (seen.empty()) return;
    std::vector<NapiLoad> loads(seen.begin(), seen.end());
    for (size_t napi = 0; napi < loads.size(); ++napi) loads[napi].node = model_node_of(napi, loads.size());
    for (const Move& move : packer_.decide(loads).moves) cpu_of[move.napi] = move.to;
  }

 private:
  Packer packer_;
};

}  // namespace

void Contender::interval(std::span<const NapiLoad>, const Coming&, std::span<uint32_t>) {}
void Contender::step(std::span<const float>, std::span<const float>, std::span<uint32_t>) {}

std::vector<CpuPlace> model_topology(uint32_t cpus) {
  std::vector<CpuPlace> places;
  const uint32_t cores = (cpus + 1) / 2;
  for (uint32_t cpu = 0; cpu < cpus; ++cpu) {
    const uint32_t core = cpu % cores;
    places.push_back({.cpu = cpu, .node = core < (cores + 1) / 2 ? 0 : 1, .core = core});
  }
  return places;
}

int32_t model_node_of(size_t napi, size_t napis) {
  return napi < (napis + 1) / 2 ? 0 : 1;
}

std::vector<uint32_t> softirq_placement(size_t napis, uint32_t cpus) {
  std::vector<uint32_t> cpu_of;
  for (size_t napi = 0; napi < napis; ++napi) cpu_of.push_back(static_cast<uint32_t>(napi % cpus));
  return cpu_of;
}

std::vector<uint32_t> pinned_placement(size_t napis, uint32_t cpus) {
  std::map<int32_t, std::vector<uint32_t>> of_node;
  for (const CpuPlace& place : model_topology(cpus)) of_node[place.node].push_back(place.cpu);
  std::map<int32_t, size_t> next;
  std::vector<uint32_t> cpu_of;
  for (size_t napi = 0; napi < napis; ++napi) {
    int32_t node = model_node_of(napi, napis);
    if (of_node[node].empty()) node = 0;
    const std::vector<uint32_t>& near = of_node[node];
    cpu_of.push_back(near[next[node]++ % near.size()]);
  }
  return cpu_of;
}

std::vector<float> mean_loads(const Coming& coming) {
  std::vector<double> frames(coming.cost_ns.size());
  for (size_t i = 0; i < coming.frames.size(); ++i)
    frames[i % frames.size()] += static_cast<double>(coming.frames[i]);
  std::vector<float> loads;
  loads.reserve(frames.size());
  for (size_t napi = 0; napi < frames.size(); ++napi)
    loads.push_back(static_cast<float>(frames[napi] * static_cast<double>(coming.cost_ns[napi]) /
                                       (kStepNs * coming.steps)));
  return loads;
}

std::unique_ptr<Contender> make_fixed(std::string_view name) {
  return std::make_unique<Fixed>(name);
}

std::unique_ptr<Contender> make_scheduler(uint32_t cpus, uint64_t seed) {
  return std::make_unique<Scheduler>(cpus, seed);
}

std::unique_ptr<Contender> make_oracle(uint32_t cpus, float mark) {
  return std::make_unique<Oracle>(cpus, mark);
}

Result<std::unique_ptr<Contender>> make_packer(const PackerSettings& settings, uint32_t cpus) {
  auto packer = Packer::make(settings, model_topology(cpus));
  if (!packer) return std::unexpected(packer.error());
  return std::make_unique<PackerAtWork>(std::move(*packer));
}

}  // namespace xdpfwd::packer
