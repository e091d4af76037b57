// SPDX-License-Identifier: BSD-2-Clause
// Google Benchmark of the control plane's single steps: rows inserted and deleted one by one and in batches,
// plan, and observe.
#include <benchmark/benchmark.h>
#include <fmt/format.h>

#include <memory>

#include "bench/stage.h"
#include "core/compile.h"
#include "core/plan.h"
#include "kernel/linux_kernel.h"

namespace xdpfwd::bench {
namespace {

std::vector<FdbRow> rows_of(size_t count) {
  std::vector<FdbRow> rows;
  rows.reserve(count);
  for (uint64_t i = 0; i < count; ++i)
    rows.push_back({.key = FdbKey::make(MacAddress::from_bits(0x525400000000 + i), VlanTag()), .slot = 0});
  return rows;
}

// A kernel with an empty table, for one benchmark.
std::unique_ptr<LinuxKernel> kernel_with_table(benchmark::State& state, uint32_t capacity) {
  const auto folder = enter_stage();
  if (!folder) {
    state.SkipWithError(folder.error().text().c_str());
    return nullptr;
  }
  auto kernel = LinuxKernel::open(*folder + "/micro");
  if (!kernel) {
    state.SkipWithError(kernel.error().text().c_str());
    return nullptr;
  }
  if (const Outcome made = (*kernel)->apply(CreateTable{capacity}); !made.status) {
    state.SkipWithError(made.status.error().text().c_str());
    return nullptr;
  }
  return std::move(*kernel);
}

void set_and_delete(benchmark::State& state) {
  const auto batch = static_cast<size_t>(state.range(0));
  const auto kernel = kernel_with_table(state, 65536);
  if (!kernel) return;
  const std::vector<FdbRow> rows = rows_of(batch);
  std::vector<FdbKey> keys;
  keys.reserve(rows.size());
  for (const FdbRow& row : rows) keys.push_back(row.key);
  for ([[maybe_unused]] auto _ : state) {
    if (!kernel->apply(SetRows{rows}).status || !kernel->apply(DeleteRows{keys}).status) {
      state.SkipWithError("a row was refused");
      break;
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0) * 2);
  kernel->apply(RemoveTable{});
}
BENCHMARK(set_and_delete)->Name("fdb/set_and_delete")->Arg(1)->Arg(64)->Arg(4096);

// A plan that has `range` rows to compare and a hundredth of them to change.
void plan_rows(benchmark::State& state) {
  State observed;
  observed.table = {.capacity = 1 << 20, .rows = rows_of(static_cast<size_t>(state.range(0)))};
  State desired = observed;
  for (size_t i = 0; i < desired.table.rows.size(); i += 100)
    desired.table.rows[i].flags = XDPFWD_FDB_KEEP_TAG;
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(plan(desired, observed));
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(plan_rows)->Name("plan/rows")->Arg(1000)->Arg(65536)->Arg(1'000'000)->Unit(benchmark::kMicrosecond);

void observe_links(benchmark::State& state) {
  const auto kernel = kernel_with_table(state, 1024);
  if (!kernel) return;
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(kernel->observe(Scope::kWithoutRows));
  kernel->apply(RemoveTable{});
}
BENCHMARK(observe_links)->Name("observe")->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace xdpfwd::bench
