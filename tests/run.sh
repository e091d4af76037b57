#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Runs the tests: the default layers, or those named.
# Installs what it needs, builds, and ends with "N passed, N failed". See docs/testing.md.
set -uo pipefail
cd "$(dirname "$0")/.."

# On request: tidy and fuzzing, which look for what is new, and for a quick look unit, property and contract, which
# sanitize contains.
default_layers=(lint sanitize fuzz bpf e2e lab package)
more_layers=(tidy fuzzing unit property contract)
all_layers=("${default_layers[@]}" "${more_layers[@]}")

usage() {
  cat <<TEXT
usage: tests/run.sh [LAYER...] [--all-kernels]
layers: ${default_layers[*]}
on request: ${more_layers[*]} (sanitize contains the last three)
--all-kernels: the lab with every kernel it offers, and what takes longer
environment: BUILD=build  JOBS=$(nproc)  XDPFWD_RANDOM_FRAMES, XDPFWD_HINT_FRAMES (see docs/testing.md)
TEXT
}

layers=()
all_kernels=false
for argument in "$@"; do
  case "$argument" in
    -h | --help) usage; exit 0 ;;
    --all-kernels) all_kernels=true ;;
    *)
      if [[ " ${all_layers[*]} " != *" $argument "* ]]; then
        echo "tests/run.sh: there is no layer '$argument'; layers: ${all_layers[*]}" >&2
        exit 2
      fi
      layers+=("$argument")
      ;;
  esac
done
[ ${#layers[@]} -gt 0 ] || layers=("${default_layers[@]}")

build=${BUILD:-build}
jobs=${JOBS:-$(nproc)}
passed=0
failed=0
allowed_skips=0
failures=()

step() { printf '\n== %s (at %d min) ==\n' "$*" $((SECONDS / 60)); }

# One check that is not a ctest: counts as one test.
check() {
  local name=$1
  shift
  step "$name"
  local start=$SECONDS
  if "$@"; then
    passed=$((passed + 1))
    echo "ok: $name ($((SECONDS - start)) s)"
  else
    failed=$((failed + 1))
    failures+=("$name")
    echo "FAILED: $name"
  fi
}

finish() {
  printf '\n'
  local failure
  for failure in "${failures[@]}"; do echo "failed: $failure"; done
  if [ "$allowed_skips" -gt 0 ]; then
    echo "$passed passed, $failed failed, $allowed_skips skipped"
  else
    echo "$passed passed, $failed failed"
  fi
  [ "$failed" -eq 0 ] || exit 1
  exit 0
}

# Runs ctest on a build tree and adds its counts. A skipped test fails when we are root.
run_ctest() {
  local tree=$1 label=$2 log
  shift 2
  log=$(mktemp)
  step "$label ($tree)"
  ctest --test-dir "$tree" -L "^$label\$" --output-on-failure --no-tests=error "$@" 2>&1 | tee "$log" |
    grep -vE '^ *[0-9]+/[0-9]+ Test +#[0-9]+: .* Passed|^ +Start +[0-9]+:'
  local bad skipped total
  total=$(sed -nE 's/.* tests failed out of ([0-9]+)$/\1/p' "$log" | tail -1)
  bad=$(sed -nE 's/.*, ([0-9]+) tests? failed out of .*/\1/p' "$log" | tail -1)
  # Debian 12 has no varlinkctl: that test alone may be skipped.
  local allowed
  allowed=$(grep '\*\*\*Skipped' "$log" | grep -c varlinkctl)
  skipped=$(grep '\*\*\*Skipped' "$log" | grep -vc varlinkctl)
  [ "$(id -u)" -eq 0 ] || skipped=0
  if [ -z "$total" ]; then
    failed=$((failed + 1))
    failures+=("$label: ctest found no tests in $tree")
  else
    bad=$((bad + skipped))
    failed=$((failed + bad))
    passed=$((passed + total - bad - allowed))
    allowed_skips=$((allowed_skips + allowed))
    while IFS= read -r line; do failures+=("$line"); done < <(grep -E '^\s*[0-9]+ - .*\((Failed|Timeout|SEGFAULT|Subprocess.*|Not Run|Skipped).*\)' "$log" | grep -v 'varlinkctl.*Skipped')
  fi
  rm -f "$log"
}

step "dependencies"
deploy/dependencies.sh test || { failed=1; failures+=("dependencies"); finish; }

# What the layers need of the main tree.
targets=(xdpfwd xdpfwd-poller xdpctl xdpfwd-pktgen xdpfwd-bench)
for layer in "${layers[@]}"; do
  case "$layer" in
    unit | property | bpf | contract | e2e | fuzz) targets+=("${layer}_tests") ;;
    lab) ! $all_kernels || targets+=(contract_tests bpf_tests e2e_tests) ;;
  esac
done

# The lab's kernels and root file systems are made beside the compilers: alone it would leave a CPU free.
lab_kernel=(--kernel 6.12)
! $all_kernels || lab_kernel=()
lab_preparation=
if [[ " ${layers[*]} " == *" lab "* ]]; then
  tests/lab/lab prepare "${lab_kernel[@]}" >/dev/null 2>&1 &
  lab_preparation=$!
fi

step "build"
. tests/package/flags.sh
# Warnings are errors by the flags.
if ! { cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_CXX_FLAGS="$(package_cxxflags | xargs)" -DXDPFWD_WERROR=OFF -DXDPFWD_TESTS=ON -DXDPFWD_BENCH=ON >"$build.log" 2>&1 && ninja -C "$build" -j "$jobs" "${targets[@]}" >>"$build.log" 2>&1; }; then
  tail -60 "$build.log"
  failed=1
  failures+=("build")
  finish
fi
rm -f "$build.log"

# Hardly optimized: that takes less than half as long to build.
build_sanitized() {
  local tree=$build-sanitized log=$build-sanitized.log flags="-O0 -gline-tables-only"
  cmake -S . -B "$tree" -G Ninja -DCMAKE_C_COMPILER=clang-19 -DCMAKE_CXX_COMPILER=clang++-19 -DCMAKE_CXX_COMPILER_LAUNCHER= -DXDPFWD_SANITIZE=ON -DXDPFWD_PRECOMPILE=ON \
    -DCMAKE_C_FLAGS_RELWITHDEBINFO="$flags" -DCMAKE_CXX_FLAGS_RELWITHDEBINFO="$flags" -DXDPFWD_TESTS=ON -DXDPFWD_BENCH=OFF \
    -DXDPFWD_WERROR=OFF >"$log" 2>&1 &&
    ninja -C "$tree" -j "$jobs" unit_tests property_tests contract_tests >>"$log" 2>&1 || { tail -40 "$log"; return 1; }
}

# The packages build while the lab runs, which leaves a CPU free.
package_build=
build_packages() {
  [[ " ${layers[*]} " == *" package "* ]] || return
  nice -n 10 tests/package/build.sh >/dev/null 2>&1 &
  package_build=$!
}

for layer in "${layers[@]}"; do
  case "$layer" in
    lint) for lint in tests/lint/*.sh; do check "lint: $(basename "$lint" .sh)" bash "$lint" "$build"; done ;;
    tidy) check "tidy" bash tests/tidy/tidy.sh "$build" ;;
    fuzzing) check "every fuzz target for a while" env SECONDS_EACH=10 bash tests/fuzz/run.sh ;;
    sanitize)
      step "build with AddressSanitizer and UndefinedBehaviorSanitizer"
      if build_sanitized; then
        # They share nothing.
        for label in unit property contract; do run_ctest "$build-sanitized" "$label" -j "$jobs"; done
      else
        failed=$((failed + 1))
        failures+=("sanitized build")
      fi
      ;;
    package)
      # Whether they do build, and what is wrong if they do not, the test says.
      [ -z "$package_build" ] || wait "$package_build"
      check "package" bash tests/package/package_test.sh
      ;;
    lab)
      # Whether it could be made, and what is wrong if not, the second time says.
      wait "$lab_preparation"
      check "lab: prepare" tests/lab/lab prepare "${lab_kernel[@]}"
      build_packages
      run_ctest "$build" lab
      if $all_kernels; then
        run_ctest "$build" lab-more
        run_ctest "$build" lab-kernels
      fi
      ;;
    *) run_ctest "$build" "$layer" ;;
  esac
done
finish
