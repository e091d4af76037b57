// SPDX-License-Identifier: BSD-2-Clause
// Google Benchmark of what mode auto asks of the kernel, on a veth with 128 NAPI threads at rest: reading
// them, moving one and 64, and what setting a thread's CPUs costs as any other knob.
#include <benchmark/benchmark.h>
#include <fmt/format.h>
#include <net/if.h>

#include <memory>
#include <vector>

#include "bench/stage.h"
#include "kernel/host_knobs.h"

namespace xdpfwd::bench {
namespace {

constexpr uint32_t kNapis = 128;

struct Threads {
  HostKnobs knobs;
  TunedDevice nic;
  std::unique_ptr<ThreadMeter> meter;
};

Result<Threads> make_threads() {
  if (auto stage = enter_stage(); !stage) return std::unexpected(stage.error());
  if (auto made =
          run(fmt::format("ip link del moves0 2>/dev/null; "
                          "ip link add moves0 numrxqueues {0} numtxqueues {0} type veth peer name moves1 "
                          "numrxqueues {0} numtxqueues {0} && ip link set moves0 up && "
                          "ip link set moves1 up && ethtool -K moves0 gro on && "
                          "echo 1 >/sys/class/net/moves0/threaded",
                          kNapis));
      !made)
    return std::unexpected(made.error());
  auto knobs = HostKnobs::open();
  if (!knobs) return std::unexpected(knobs.error());
  const TunedDevice nic{.ifindex = if_nametoindex("moves0"), .name = InterfaceName::parse("moves0").value()};
  const auto seen = knobs->observe({.nics = {nic}, .taps = {}});
  if (!seen) return std::unexpected(seen.error());
  std::vector<NapiThread> threads;
  for (const Nic& one : seen->nics)
    for (const uint32_t napi : one.napis) threads.push_back({.nic = nic, .napi = napi});
  if (threads.size() != kNapis) return fail("the veth has other NAPI instances than queues");
  auto meter = knobs->meter_threads(threads);
  if (!meter) return std::unexpected(meter.error());
  return Threads{.knobs = std::move(*knobs), .nic = nic, .meter = std::move(*meter)};
}

// What each benchmark does in an iteration, with the thread that is next and the CPU that it is not on.
template <typename Step>
void with_threads(benchmark::State& state, Step step) {
  auto threads = make_threads();
  if (!threads) return state.SkipWithError(threads.error().text().c_str());
  uint32_t turn = 0;
  for ([[maybe_unused]] auto _ : state) {
    const Result<void> done = step(*threads, turn);
    if (!done) return state.SkipWithError(done.error().text().c_str());
  }
  (void)run("ip link del moves0");
}

// Each to CPU 0, then each to CPU 1, and so on.
Result<void> move_next(Threads& threads, uint32_t& turn) {
  const uint32_t nth = turn % kNapis, cpu = turn / kNapis % 2;
  ++turn;
  return threads.meter->move_thread(nth, cpu);
}

void read_all(benchmark::State& state) {
  with_threads(state, [](Threads& threads, uint32_t&) -> Result<void> {
    auto read = threads.meter->read();
    return read ? Result<void>() : std::unexpected(read.error());
  });
}
BENCHMARK(read_all)->Name("napi/read/128")->Unit(benchmark::kMicrosecond);

void move_some(benchmark::State& state) {
  with_threads(state, [&](Threads& threads, uint32_t& turn) -> Result<void> {
    for (int64_t i = 0; i < state.range(0); ++i)
      if (auto moved = move_next(threads, turn); !moved) return moved;
    return {};
  });
}
BENCHMARK(move_some)->Name("napi/move")->Arg(1)->Arg(64)->Unit(benchmark::kMicrosecond);

void set_knob(benchmark::State& state) {
  with_threads(state, [&](Threads& threads, uint32_t& turn) {
    const uint32_t place = turn % kNapis, cpu = turn / kNapis % 2;
    ++turn;
    return threads.knobs.set({.setting = {threads.nic.ifindex, Knob::kThreadCpus, place},
                              .name = threads.nic.name,
                              .value = fmt::format("{}", cpu)});
  });
}
BENCHMARK(set_knob)->Name("napi/set_knob")->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace xdpfwd::bench
