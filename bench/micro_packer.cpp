// SPDX-License-Identifier: BSD-2-Clause
// Google Benchmark of one decision of the packer, for 128 NAPIs and 96 CPUs: with everything at rest, while
// it empties a host's CPUs, and in a burst that moves everything.
#include <benchmark/benchmark.h>

#include <memory>
#include <vector>

#include "packer/model/contenders.h"
#include "packer/packer.h"

namespace xdpfwd::bench {
namespace {

using namespace packer;

constexpr size_t kNapis = 128;
constexpr uint32_t kCpus = 96;

struct Loads {
  std::vector<NapiLoad> napis;

  Loads() : napis(kNapis) {
    const std::vector<uint32_t> cpus = pinned_placement(kNapis, kCpus);
    for (size_t i = 0; i < kNapis; ++i)
      napis[i] = {.napi = static_cast<uint32_t>(i), .node = model_node_of(i, kNapis), .cpu = cpus[i]};
  }
  void offer(float factor) {
    for (size_t i = 0; i < kNapis; ++i) napis[i].busy = factor * (0.15F + 0.01F * static_cast<float>(i % 16));
  }
  void apply(const Decision& decision) {
    for (const Move& move : decision.moves) napis[move.napi].cpu = move.to;
  }
};

Packer fresh() {
  return std::move(*Packer::make({}, model_topology(kCpus)));
}

void decide_at_rest(benchmark::State& state) {
  Packer packer = fresh();
  Loads loads;
  loads.offer(1);
  for (int i = 0; i < 100; ++i) loads.apply(packer.decide(loads.napis));
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(packer.decide(loads.napis));
}
BENCHMARK(decide_at_rest)->Name("packer/decide/at_rest")->Unit(benchmark::kMicrosecond);

// From one NAPI a CPU until nothing moves: each iteration is one decision of the way.
void decide_consolidating(benchmark::State& state) {
  Packer packer = fresh();
  Loads loads;
  loads.offer(1);
  int decisions = 0;
  for ([[maybe_unused]] auto _ : state) {
    const Decision decision = packer.decide(loads.napis);
    loads.apply(decision);
    if (++decisions % 20 == 0) {
      state.PauseTiming();
      packer = fresh();
      loads = Loads();
      loads.offer(1);
      state.ResumeTiming();
    }
  }
}
BENCHMARK(decide_consolidating)->Name("packer/decide/consolidating")->Unit(benchmark::kMicrosecond);

// Twice the load on every NAPI of a packed host.
void decide_burst(benchmark::State& state) {
  Packer packer = fresh();
  Loads loads;
  loads.offer(1);
  for (int i = 0; i < 100; ++i) loads.apply(packer.decide(loads.napis));
  loads.offer(2);
  for ([[maybe_unused]] auto _ : state) {
    state.PauseTiming();
    Packer copy = packer;
    state.ResumeTiming();
    benchmark::DoNotOptimize(copy.decide(loads.napis));
  }
}
BENCHMARK(decide_burst)->Name("packer/decide/burst")->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace xdpfwd::bench
