# SPDX-License-Identifier: BSD-2-Clause
# tuning.napi = "busy-poll" under systemd, with the units that are installed: the poller is started and polls, frames are
# forwarded, also while it is dead; it comes back, and goes when it is not wanted any more; and so do the kernel's threads, where
# it polls by those (6.19). Where the kernel polls for nobody
# (before 6.13 on igb, where it does not tell of NAPI instances at all before 6.8) the queues are deferred, and that is said.
# lab: --root system --systemd --timeout 1500 --silence 900
. "$LAB_GUEST/topology.sh"
. "$LAB_GUEST/product.sh"
. "$LAB_GUEST/traffic.sh"
. "$LAB_GUEST/units.sh"

tune() { { echo '[tuning]'; printf '%s\n' 'apply = "auto"' 'on_stop = "revert"' 'profile = "none"' 'cpus = "2"' "$@"; } >/etc/xdpfwd/xdpfwd.d/tuning.toml; }
main_pid() { systemctl show -P MainPID xdpfwd-poller@cpu2; }
threads() { pgrep -d ' ' '^napi/eth'; }
no_threads() { [ -z "$(threads)" ]; }
deferral() { cat /sys/class/net/eth0/napi_defer_hard_irqs; }
exposure() { systemd-analyze security "$1" --no-pager | sed -n 's/.*Overall exposure level for [^:]*: \([0-9.]*\).*/\1/p'; }
frames=(--dev eth2 --guest "mac=$(guest_mac 1),vlan=100,tap=tap1")

until_true 180 system_is_up
must nics_up
must bonds_up active-backup
must readers 1
configure 1
mkdir -p /etc/xdpfwd/xdpfwd.d
tune 'napi = "softirq"'
must install_units
must systemctl start xdpfwd
must until_true 120 forwarding
must until_true 60 has_native_xdp eth1
active eth0 || must ip link set bond0 type bond active_slave eth0
must until_true 60 active eth0
note "$(uname -r), $(nproc) CPUs, eth0 has $(ls -d /sys/class/net/eth0/queues/rx-* | wc -l) receive queues"

tune 'napi = "busy-poll"'
check "a reload" systemctl reload xdpfwd
before=$(reason forwarded)
if kernel_polls_for_processes; then
  check "the poller is started" until_true 120 poller_polls cpu2
  poller_counters cpu2 | jq -c '.queues[]' | sed 's/^/# /'
  check_equal "by io_uring" io_uring "$(poller_counters cpu2 | jq -r '[.queues[].handle] | unique | join(" ")')"
  check "nothing is wrong" until_true 60 eval '[ -z "$(problem)" ] || ! problem | sed "s/^/# /"'
  check_equal "without any capability" 0000000000000000 "$(sed -n 's/^CapPrm:\t//p' "/proc/$(main_pid)/status")"
  own=$(poller_sum cpu2 own_packets)
  PPS=1000 send 2000 "${frames[@]}" >/dev/null
  check "frames are forwarded" until_true 60 all_forwarded $((before + 2000))
  check "by the poller's own polls" until_true 60 eval '[ "$(poller_sum cpu2 own_packets)" -gt "$own" ]'
  old=$(main_pid)
  systemctl kill -s KILL xdpfwd-poller@cpu2
  check "it is dead" until_true 30 eval '[ "$(main_pid)" != "$old" ]'
  PPS=1000 send 2000 "${frames[@]}" >/dev/null
  check "frames are forwarded when it has died" until_true 60 all_forwarded $((before + 4000))
  check "systemd starts it again" until_true 120 poller_polls cpu2
  check "the daemon that dies leaves it alone" eval 'old=$(main_pid); systemctl kill -s KILL xdpfwd && until_true 120 forwarding && [ "$(main_pid)" = "$old" ]'
  check "and knows it again" until_true 60 eval '[ -z "$(problem)" ]'
  systemctl stop xdpfwd-poller@cpu2
  check "one that is stopped by hand is started again" until_true 120 poller_polls cpu2
  if [ "$(printf '%s\n' 6.19 "$(uname -r)" | sort -V | head -1)" = 6.19 ]; then
    mkdir -p /etc/systemd/system/xdpfwd-poller@.service.d
    sed -n "s|^ExecStart=\(.*\)|[Service]\nRestartSec=20s\nExecStart=\nExecStart=\1 --handle threaded|p" \
      /etc/systemd/system/xdpfwd-poller@.service >/etc/systemd/system/xdpfwd-poller@.service.d/threads.conf
    systemctl daemon-reload
    systemctl restart xdpfwd-poller@cpu2
    check "by threads of the kernel: $(threads)" [ -n "$(threads)" ]
    systemctl kill -s KILL xdpfwd-poller@cpu2
    check "which go when it has died" until_true 15 no_threads
    check "and come with the next" until_true 120 eval '! no_threads'
    systemctl kill -s KILL xdpfwd-poller@cpu2
    check "a revert when it has died" xdpctl tune revert
    check "leaves none" no_threads
    rm -r /etc/systemd/system/xdpfwd-poller@.service.d
    systemctl daemon-reload
    must xdpctl tune apply >/dev/null
    check "and by io_uring again" until_true 120 poller_polls cpu2
  fi
else
  check "nothing polls for it here, and that is said" until_true 120 eval 'problem | grep -q "nothing on this kernel polls its queues" ||
    xdpctl tune plan | grep -q "the kernel is too old to tell of NAPI"'
  problem | sed 's/^/# /'
  check "the queues are deferred" until_true 60 eval '[ "$(deferral)" = 100 ]'
  check "no poller is left" until_true 60 eval '[ "$(systemctl is-active xdpfwd-poller@cpu2)" = inactive ] && ! [ -e /run/xdpfwd/pollers/cpu2.conf ]'
  PPS=1000 send 2000 "${frames[@]}" >/dev/null
  check "frames are forwarded" until_true 60 all_forwarded $((before + 2000))
fi
for unit in xdpfwd xdpfwd-poller@cpu2; do
  found=$(exposure $unit)
  check "systemd-analyze security $unit: $found, at most 2.0" awk -v found="${found:-10}" 'BEGIN { exit !(found <= 2.0) }'
done
before=$(reason forwarded)
tune 'napi = "softirq"'
check "softirq again" systemctl reload xdpfwd
check "the poller is stopped, and its file gone" until_true 60 eval '[ "$(systemctl is-active xdpfwd-poller@cpu2)" = inactive ] && ! [ -e /run/xdpfwd/pollers/cpu2.conf ]'
check "without deferral" until_true 60 eval '[ "$(deferral)" = 0 ]'
PPS=1000 send 1000 "${frames[@]}" >/dev/null
check "frames are forwarded by softirqs" until_true 60 all_forwarded $((before + 1000))
if kernel_polls_for_processes; then
  changes=/run/xdpfwd-poller/mine/changes
  printf '%s\n' 'cpu = 1' 'queue = ["eth1:0"]' 'set-deferral = true' >/run/xdpfwd/pollers/mine.conf
  check "a poller of the operator's own" systemctl start xdpfwd-poller@mine
  check "notes what it has set" [ -s $changes ]
  must ip link set eth1 down
  check "is stopped while its NIC is down" systemctl stop xdpfwd-poller@mine
  check "and that stays noted" [ -s $changes ]
  check "as long as the NIC is down" eval '! xdpfwd-poller --release --name mine'
  check_equal "as its user's own" "$(stat -c %u /run/xdpfwd-poller/mine/)" "$(stat -c %u $changes)"
  must ip link set eth1 up
  check "once the NIC is up it is put back" until_true 60 xdpfwd-poller --release --name mine
  check "and noted no more" [ ! -e $changes ]
  rm /run/xdpfwd/pollers/mine.conf
fi
tune 'napi = "busy-poll"'
check "busy-poll again" systemctl reload xdpfwd
check "a stop that puts back" systemctl stop xdpfwd
check "ends the poller, too" until_true 60 eval '[ "$(systemctl is-active xdpfwd-poller@cpu2)" != active ] && ! [ -e /run/xdpfwd/pollers/cpu2.conf ]'
[ "$checks_failed" -eq 0 ] || journalctl --no-pager -u xdpfwd -u 'xdpfwd-poller@*' | tail -60
readers_end >/dev/null
finish
