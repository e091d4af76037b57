# SPDX-License-Identifier: BSD-2-Clause
# Host tuning on two igb in an 802.3ad bond: applied, seen in what happens, set again, put back as it was.
# lab: --timeout 1500
. "$LAB_GUEST/topology.sh"
. "$LAB_GUEST/product.sh"
. "$LAB_GUEST/traffic.sh"
. "$LAB_GUEST/tuning.sh"

rx_usecs() { ethtool -c "$1" | awk '$1 == "rx-usecs:" { print $2 }'; }
rx_ring() { ethtool -g "$1" | sed '1,/^Current/d' | awk '$1 == "RX:" { print $2 }'; }
tap_qdiscs() { for tap in tap1 tap2; do tc qdisc show dev $tap root | cut -d' ' -f2; done | paste -sd' '; }
# Interrupt numbers and names of a NIC's queues.
lines_of() { awk -v nic="$1" '$NF ~ "^" nic "-.*[0-9]$" { sub(":", "", $1); print $1, $NF }' /proc/interrupts; }
raised() { awk -v nic="$1" '$NF ~ "^" nic "-(TxRx|rx)-" { for (i = 2; i <= 4; i++) sum += $i } END { print sum + 0 }' /proc/interrupts; }
both_active() { active eth0 && active eth1; }
settled() { until_true 90 lacp_complete && until_true 60 both_active; }
forwarded() { reason forwarded; }
to_both=(--dev eth2 --dev eth3 --guest "mac=$(guest_mac 1),vlan=100,tap=tap1" --guest "mac=$(guest_mac 2),vlan=100,tap=tap2")

must nics_up
must bonds_up 802.3ad
must readers 2
for nic in eth0 eth1; do echo 3 >/sys/class/net/$nic/queues/rx-0/rps_cpus; done
read -r first_line _ < <(lines_of eth1)
echo 1 >"/proc/irq/$first_line/smp_affinity_list"
configure 2
tune_with 'profile = "throughput"' 'rx_usecs = 4000' 'force = "yes"'
must daemon_up
must until_true 60 forwarding
must until_true 60 has_native_xdp eth1
must settled
host_knobs eth0 eth1 >/run/knobs.before
check_equal "igb steers by no rules, and the plan says so" 2 "$(xdpctl tune plan | grep -c 'steers by no rules (driver igb)')"
check_equal "nothing of this plan resets a NIC" "" "$(changes_of .resets)"
host_knobs eth0 eth1 >/run/knobs.after
check "a plan changes nothing" diff /run/knobs.before /run/knobs.after

interrupts_for() {
  local before
  before=$(raised eth0)
  PPS=1000 send 2000 --dev eth2 --guest "mac=$(guest_mac 1),vlan=100,tap=tap1" >/dev/null || return
  echo $(($(raised eth0) - before))
}
short=$(interrupts_for)

# Applied while frames come: none is lost.
before=$(forwarded)
PPS=500 send 6000 "${to_both[@]}" >/run/send.log 2>&1 &
sender=$!
must until_true 30 eval '[ $(forwarded) -gt $((before + 500)) ]'
check "tune apply, while frames come" xdpctl tune apply
wait $sender
check_equal "all of them sent" 0 $?
check "everything is applied" tuned
until_true 20 eval '[ $(forwarded) -ge $((before + 6000)) ]'
note "lost by an apply that resets nothing: $(lost_frames 6000 "$before") of 6000 frames"
check_equal "no frame was lost by it" $((before + 6000)) "$(forwarded)"
check "LACP stayed complete" lacp_complete

check_equal "coalescing" "4000 4000" "$(rx_usecs eth0) $(rx_usecs eth1)"
check_equal "the taps' qdisc" "noqueue noqueue" "$(tap_qdiscs)"
check_equal "packet steering is off" "" "$(cat /sys/class/net/eth[01]/queues/rx-*/rps_cpus | tr -d '0,\n')"
for nic in eth0 eth1; do
  while read -r line name; do
    queue=${name##*-}
    check_equal "interrupt $line ($name) is at its queue's CPU" "$queue" "$(cat "/proc/irq/$line/smp_affinity_list")"
  done < <(lines_of $nic)
done
long=$(interrupts_for)
check "2000 frames at 1000 a second: $short interrupts before, $long with rx-usecs 4000" [ $((long * 2)) -lt "$short" ]

# Somebody else sets a value; the kernel tells.
# (4 to 9 us igb refuses.)
must ethtool -C eth0 rx-usecs 20
set_again "rx-usecs by ethtool -C" eval '[ "$(rx_usecs eth0)" = 4000 ]'
tc qdisc replace dev tap1 root pfifo && tc qdisc del dev tap1 root
set_again "a tap's qdisc by tc" eval '[ "$(tap_qdiscs)" = "noqueue noqueue" ]'
check_equal "it is in the log" 1 "$(grep -c 'set again, as somebody else had set it: eth0: rx-usecs' /run/xdpfwd.log)"
# Nobody tells of packet steering: the link's change leads to a look.
echo 3 >/sys/class/net/eth1/queues/rx-0/rps_cpus
ip link set eth1 down
ip link set eth1 up
rps_off() { [ -z "$(tr -d '0,' </sys/class/net/eth1/queues/rx-0/rps_cpus)" ]; }
set_again "packet steering by a file, with ifdown and ifup" rps_off
must settled
check "and nothing is left to do" tuned

# A ring's size resets the NIC: one member after the other, announced.
watch_members /run/members.log &
watcher=$!
must until_true 10 test -s /run/members.log
before=$(forwarded) lost_before=$(status '[.members[].packets.inactive] | add')
tune_with 'profile = "throughput"' 'rx_usecs = 4000' 'force = "yes"' 'ring_rx = 512'
PPS=200 send 4000 "${to_both[@]}" >/run/send.log 2>&1 &
sender=$!
check "rings of 512 on both" until_true 120 eval '[ "$(rx_ring eth0) $(rx_ring eth1)" = "512 512" ]'
wait $sender
check_equal "all frames sent" 0 $?
must settled
check "and everything else as before" tuned
note "lost by the drivers' resets: $(lost_frames 4000 "$before") of 4000 frames that ignored the bond (passed as inactive: $(($(status '[.members[].packets.inactive] | add') - lost_before)))"
note "seen at the resets (uptime, eth0's MII and LACP, eth1's):"
sed 's/^/#   /' /run/members.log
check_equal "one member was up and distributing at every moment" "" \
  "$(awk '!($2 == "up" && int($3 / 16) % 4 == 3) && !($4 == "up" && int($5 / 16) % 4 == 3)' /run/members.log | head -1)"

# Killed, and back: nothing is forgotten.
daemon_down KILL
must ethtool -C eth1 rx-usecs 30
must daemon_up
check "what changed while it was dead is set again" until_true 60 eval '[ "$(rx_usecs eth1)" = 4000 ]'

# Put back. What somebody changed since stays, and is named: but what a look finds before, that is still on its way, is set again.
must settled
must tuned
echo 4 >/sys/class/net/eth0/queues/rx-0/rps_cpus
check "tune revert" eval 'xdpctl tune revert >/run/revert.txt'
check "names what somebody else set" grep -q 'eth0: rps-cpus of queue 0 is 2 now' /run/revert.txt
check "the rest of it, when the first NIC is back" until_true 120 eval '[ "$(rx_ring eth0) $(rx_ring eth1)" = "256 256" ]'
check "to the end" until_true 60 eval '[ "$(xdpctl tune status --json | jq ".changes | length")" = 0 ]'
check_equal "that value stays" 4 "$(cat /sys/class/net/eth0/queues/rx-0/rps_cpus)"
echo 3 >/sys/class/net/eth0/queues/rx-0/rps_cpus
host_knobs eth0 eth1 >/run/knobs.after
check "all else reads as before, byte for byte" diff /run/knobs.before /run/knobs.after
must settled
ok "LACP complete"
kill $watcher
readers_end
check_equal "readers saw only frames as sent, each once and in order" "0 0 0 0" \
  "$(jq -r '"\(.misdelivered) \(.duplicated) \(.reordered) \(.corrupted)"' /run/readers.json)"
finish
