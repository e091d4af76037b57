# SPDX-License-Identifier: BSD-2-Clause
# Host tuning on the stand-in for the Mellanox NIC: rules that really move frames, values of single queues, what drivers
# reset, and the way back.
# lab: --nic labnic --timeout 1200
. "$LAB_TREE/tests/lab/nic/nic.sh"
. "$LAB_GUEST/product.sh"
. "$LAB_GUEST/traffic.sh"
. "$LAB_GUEST/tuning.sh"

GUESTS=4
FOREIGN=52:54:00:bb:00:01
shown() { ethtool -c "${2:-eth0}" | awk -v name="$1:" '$1 == name { print $2 }'; }
shown_of_queue() {
  ethtool --per-queue eth0 queue_mask "$(printf '0x%x' $((1 << $1)))" --show-coalesce | awk -v name="$2:" '$1 == name { print $2 }'
}
adaptive() { ethtool -c eth0 | awk '$1 == "Adaptive" { print $3, $5 }'; }
channels() { ethtool -l "$1" | sed '1,/^Current/d' | awk '$1 == "Combined:" { print $2 }'; }
# queue_of MAC [NIC]: where its rule leads.
queue_of() {
  ethtool -n "${2:-eth0}" | awk -v mac="$1" '/Dest MAC addr:/ { mine = tolower($4) == mac } /Action: Direct to queue/ { if (mine) print $NF }'
}
locations() { ethtool -n "${1:-eth0}" | sed -n 's/^Filter: //p' | paste -sd' '; }
only_on() {
  local queue=$1 i=0 count
  shift
  for count in "$@"; do
    [ "$i" = "$queue" ] || [ "$count" = 0 ] || return 1
    i=$((i + 1))
  done
}

must wire_up
must ip link set eth1 up
must tor ip link set eth3 up
must until_true 20 carrier eth1
must readers $GUESTS
must ethtool -N eth0 flow-type ether dst $FOREIGN action 1 loc 1
UPLINK_MORE='' configure $GUESTS
sed -i 's/devices = .*/devices = ["eth0", "eth1"]/; s/^name = "vm2"/&\nprofile = "latency"/' /etc/xdpfwd/xdpfwd.toml
tune_with 'profile = "throughput"' 'adaptive_rx = "off"'
for nic in eth0 eth1; do ethtool -C $nic adaptive-rx on adaptive-tx on; done
must daemon_up
check "the daemon forwards" until_true 60 forwarding
check "on both" until_true 60 has_native_xdp eth1
must until_true 30 carrier eth0
must until_true 30 carrier eth1
host_knobs eth0 eth1 >/run/knobs.before

before=$(packets)
must burst 800 "$(guest_mac 1)" 100
spread=$(since "$before")
check "before: a guest's frames are on several queues: $spread" eval '[ "$(tr " " "\n" <<<"$spread" | grep -vc "^0\$")" -gt 1 ]'

check "tune apply" xdpctl tune apply
check "all of it" tuned
ethtool -n eth0 >/run/rules
note "rules: $(paste -sd' ' /run/rules | tr -s '\t ' ' ' | cut -c1-1500)"
check_equal "locations are the lowest free ones, beside the other's" "0 1 2 3 4 / 0 1 2 3" "$(locations eth0) / $(locations eth1)"
check_equal "the other's rule is as it was" 1 "$(queue_of $FOREIGN)"
for i in $(seq $GUESTS); do
  queue=$(queue_of "$(guest_mac "$i")")
  check_equal "guest $i: the same queue on both members" "$queue" "$(queue_of "$(guest_mac "$i")" eth1)"
  before=$(packets)
  must burst 400 "$(guest_mac "$i")" 100
  moved=$(since "$before")
  # shellcheck disable=SC2086  # words
  check "guest $i: all its frames are on queue $queue: $moved" only_on "$queue" $moved
  check_equal "as many as were sent" 400 $((${moved// /+}))
done

latency=$(queue_of "$(guest_mac 2)")
other=$(queue_of "$(guest_mac 1)")
check_equal "adaptive is off" "off off" "$(adaptive)"
check_equal "rx-usecs: the NIC's, the queue of the latency guest, another's" "50 0 50" \
  "$(shown rx-usecs) $(shown_of_queue "$latency" rx-usecs) $(shown_of_queue "$other" rx-usecs)"

# Others set and reset.
ethtool -C eth0 adaptive-rx on
set_again "adaptive by ethtool -C, which resets the values" \
  eval '[ "$(adaptive) $(shown rx-usecs) $(shown_of_queue $latency rx-usecs)" = "off off 50 0" ]'
check "nothing is left to do" tuned
ethtool -N eth0 delete 0
ethtool -C eth0 rx-usecs 9
set_again "a rule by ethtool -N, of which nobody tells, with a value by ethtool -C" \
  eval '[ "$(locations eth0)" = "0 1 2 3 4" ]'
check "and nothing is left to do" tuned

# Three channels of four, and another tool wants four.
tune_with 'profile = "throughput"' 'adaptive_rx = "off"' 'channels = 3'
check "three channels on both, one NIC after the other" until_true 120 eval '[ "$(channels eth0) $(channels eth1)" = "3 3" ]'
check "and all that hangs on them" tuned
resets=$(counter channel_resets)
ethtool -L eth0 combined 4
set_again "channels by ethtool -L" eval '[ "$(channels eth0)" = 3 ]'
check "with all that the resets took" tuned
note "resets by that: $(($(counter channel_resets) - resets))"
latency=$(queue_of "$(guest_mac 2)")
check_equal "the latency guest's queue too" 0 "$(shown_of_queue "$latency" rx-usecs)"
before=$(packets)
must burst 400 "$(guest_mac 1)" 100
moved=$(since "$before")
# shellcheck disable=SC2086  # words
check "and the rules: $moved" only_on "$(queue_of "$(guest_mac 1)")" $moved

# A driver that takes tx-usecs and keeps the old.
echo 1 >/sys/module/labnic/parameters/ignore_tx_usecs
tune_with 'profile = "throughput"' 'adaptive_rx = "off"' 'channels = 3' 'tx_usecs = 33'
check "tx-usecs that the driver ignores are named" until_true 30 eval 'xdpctl tune status | grep -q "eth0: .*tx-usecs"'
note "$(xdpctl tune status | grep -m1 tx-usecs)"
echo 0 >/sys/module/labnic/parameters/ignore_tx_usecs

check "tune revert" xdpctl tune revert
check "to the end" until_true 120 eval '[ "$(xdpctl tune status --json | jq ".changes | length")" = 0 ]'
must until_true 30 carrier eth1
host_knobs eth0 eth1 >/run/knobs.after
check "all reads as before, byte for byte" diff /run/knobs.before /run/knobs.after
check_equal "the other's rule is the only one" 1 "$(locations eth0)"

daemon_down TERM
xdpfwd --detach-all
readers_end
check_equal "readers saw only frames as sent" 0 $?
the_end
