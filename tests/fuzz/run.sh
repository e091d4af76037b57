#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Fuzzes every target for a while (SECONDS_EACH, default 15), from its corpus; a crash fails and is kept in
# build-fuzz/crashes. With --keep what was found goes to the corpus, made small.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${SECONDS_EACH:-15}
build=${BUILD:-build}-fuzz
# Little optimised: building takes longer than running.
flags="-O1 -gline-tables-only"
targets=(config guest_file call link frame undo_text)

mkdir -p "$build"
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo -DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19 -DXDPFWD_FUZZ=ON \
  -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="$flags" -DCMAKE_C_FLAGS_RELWITHDEBINFO="$flags" -DXDPFWD_BENCH=OFF -DXDPFWD_WERROR=OFF >/dev/null
ninja -C "$build" "${targets[@]/#/fuzz_}" >"$build/log" 2>&1 || { tail -40 "$build/log"; exit 1; }
mkdir -p "$build/crashes"
status=0
for target in "${targets[@]}"; do
  mkdir -p "$build/found/$target"
  if ! "$build/tests/fuzz_$target" -max_total_time="$seconds" -max_len=4096 -timeout=10 -rss_limit_mb=2048 -verbosity=0 \
    -print_final_stats=1 -artifact_prefix="$build/crashes/$target-" "$build/found/$target" "tests/fuzz/corpus/$target" \
    >"$build/$target.log" 2>&1; then
    tail -40 "$build/$target.log"
    echo "fuzz_$target failed"
    status=1
  else
    echo "fuzz_$target: $(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$target.log") runs"
  fi
  if [ "${1:-}" = --keep ]; then
    "$build/tests/fuzz_$target" -merge=1 "tests/fuzz/corpus/$target" "$build/found/$target" >/dev/null 2>&1
  fi
done
exit $status
