# SPDX-License-Identifier: BSD-2-Clause
# Our own tests on a stock Debian kernel: the contract with Linux, the programs frame by frame, the daemon end to end.
# lab: --root system --nic none --timeout 3000 --silence 600
. "$LAB_GUEST/checks.sh"
modprobe -a tun veth bridge bonding
export XDPFWD_RANDOM_FRAMES=20000 XDPFWD_HINT_FRAMES=2000
# An emulated machine's time is not a clock: our packet generator's pace, and the harness, which refuses to measure on a machine
# that cannot keep it, are tested on real ones.
declare -A left_out=([e2e]='*PktgenBackendTest*:BenchTest*')
for layer in contract bpf e2e; do
  [ -x "$LAB_BUILD/tests/${layer}_tests" ] || { not_ok "$layer: $LAB_BUILD has no ${layer}_tests: build them"; continue; }
  "${layer}_tests" --gtest_filter="-${left_out[$layer]:-}" 2>&1 | tee "/run/$layer.log" | grep --line-buffered -oE '^\[ +(OK|FAILED|SKIPPED) +\] [A-Za-z]+\..*' | sed -u 's/^/# /'
  status=${PIPESTATUS[0]}
  check_equal "$layer: $(grep -oE '[0-9]+ tests? from .* ran' "/run/$layer.log" || echo 'none ran'), no failure" 0 "$status"
  [ "$status" = 0 ] || grep -B 30 -E '^\[ +FAILED' "/run/$layer.log" | tail -80
done
finish
