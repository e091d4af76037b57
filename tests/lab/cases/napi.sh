# SPDX-License-Identifier: BSD-2-Clause
# Modes of NAPI on igb: deferral is set and frames are forwarded by the timer; threads run on their queue's CPU, and are found again
# when the driver makes others; all of it is put back. That interrupts stop while a queue is polled is not seen here: QEMU's igb
# raises the next one all the same (it leaves EIMS alone where the driver has GPIE.EIAME, as Linux has); nic/napi.sh shows it.
# lab: --timeout 1200
. "$LAB_GUEST/topology.sh"
. "$LAB_GUEST/product.sh"
. "$LAB_GUEST/traffic.sh"
. "$LAB_GUEST/tuning.sh"

threads() { pgrep "^napi/$1-" | wc -l; }
# cpus_of NIC: where each thread may run, by the instance's id.
cpus_of() { for thread in $(pgrep "^napi/$1-" | sort -n); do taskset -cp "$thread" | sed 's/.*: //'; done | paste -sd' '; }
# Since 6.13 each instance has values of its own, which sysfs does not show.
each_has_its_own() { [ "$(printf '%s\n' 6.13 "$(uname -r)" | sort -V | head -1)" = 6.13 ]; }
napi_knobs() {
  for nic in eth0 eth1; do
    cat /sys/class/net/$nic/{threaded,napi_defer_hard_irqs,gro_flush_timeout}
  done
  each_has_its_own || return 0
  for nic in eth0 eth1; do python3 "$LAB_GUEST/napi_values.py" $nic; done
}
# deferral: of eth0, "POLLS NANOSECONDS"; of all its instances, each that there is once.
deferral() {
  if each_has_its_own; then
    python3 "$LAB_GUEST/napi_values.py" eth0 | cut -d' ' -f2,3 | sort -u
  else
    cat /sys/class/net/eth0/{napi_defer_hard_irqs,gro_flush_timeout} | paste -sd' '
  fi
}
frames=(--dev eth2 --guest "mac=$(guest_mac 1),vlan=100,tap=tap1")
# mode TEXT...: another configuration, in force.
mode() {
  tune_with 'profile = "none"' "$@"
  xdpctl reload && xdpctl tune apply >/run/apply.log && until_true 60 tuned
}

must nics_up
must bonds_up active-backup
must readers 1
configure 1
tune_with 'profile = "none"'
must daemon_up
must until_true 60 forwarding
must until_true 60 has_native_xdp eth1
active eth0 || must ip link set bond0 type bond active_slave eth0
must until_true 30 active eth0
napi_knobs >/run/napi.before
before=$(reason forwarded)

check "deferred" mode 'napi = "deferred"' 'napi_usecs = 2000' 'napi_polls = 1000'
check_equal "by the timer" "1000 2000000" "$(deferral)"
PPS=2000 send 4000 "${frames[@]}" >/dev/null
check "frames are forwarded" until_true 20 eval '[ "$(reason forwarded)" -ge $((before + 4000)) ]'

check "threaded" mode 'napi = "threaded"' 'napi_thread = "other -5"' 'cpus = "1"'
check "each instance has a thread" [ "$(threads eth0)" -ge 3 ]
check_equal "on the CPU of its queue" 1 "$(cpus_of eth0 | tr ' ' '\n' | sort -u | paste -sd' ')"
check_equal "with its nice value" "-5" "$(ps -e -o ni=,comm= | awk '$2 ~ "^napi/eth0-" { print $1 }' | sort -u | paste -sd' ')"
check_equal "the timer is off" "0 0" "$(deferral)"
PPS=2000 send 2000 "${frames[@]}" >/dev/null
check "threads forward" until_true 20 eval '[ "$(reason forwarded)" -ge $((before + 6000)) ]'
old=$(pgrep "^napi/eth0-" | sort -n | paste -sd' ')
must ethtool -L eth0 combined 1
must until_true 60 nothing_to_tune
must ethtool -L eth0 combined 3
other_threads() { [ "$(pgrep "^napi/eth0-" | sort -n | paste -sd' ')" != "$old" ] && [ "$(cpus_of eth0 | tr ' ' '\n' | sort -u | paste -sd' ')" = 1 ]; }
check "other channels, other threads: on that CPU again" until_true 60 other_threads

check "put back" xdpctl tune revert
# Linux 6.12 keeps the threads, without work, until the NIC is reset.
napi_knobs >/run/napi.after
check "as it was before" diff /run/napi.before /run/napi.after
readers_end >/dev/null
finish
