# SPDX-License-Identifier: BSD-2-Clause
# Mode auto on igb with four CPUs: threads that have little to do end on one CPU, their interrupts with them; a burst spreads
# them; all is put back. What the threads have to do is found by trying: an emulated CPU's speed is anybody's guess.
# lab: --cpus 4 --timeout 1200
. "$LAB_GUEST/topology.sh"
. "$LAB_GUEST/product.sh"
. "$LAB_GUEST/traffic.sh"
. "$LAB_GUEST/tuning.sh"

guests=12
look() { xdpctl napi status --json >/run/napi.json; }
packed_on() { look && jq '.packing.cpus_used' </run/napi.json; }
is_packed_on() { [ "$(packed_on)" = "$1" ]; }
is_spread() { [ "$(packed_on)" -ge 2 ]; }
# load: of all threads, in percent of a CPU, over a second.
load() {
  local i sum=0
  for i in 1 2 3 4 5; do
    look
    sum=$((sum + $(jq '[.napis[].ran // 0] | add' </run/napi.json)))
    sleep 0.2
  done
  echo $((sum / 50))
}
# apart: threads whose interrupt is elsewhere.
apart() { look && jq '[.napis[] | select(.irq != null and .cpus != .irq_cpus)] | length' </run/napi.json; }
frames=(--dev eth2)
for i in $(seq $guests); do frames+=(--guest "mac=$(guest_mac "$i"),vlan=100,tap=tap$i"); done
start_sending() {
  PPS=$1 send 100000000 "${frames[@]}" >/run/sender.log 2>&1 &
  sender=$!
}
# The sender is a child of a shell of its own.
stop_sending() {
  pkill -f 'xdpfwd-pktgen send'
  wait "$sender" || true
}

must nics_up
must bonds_up active-backup
must readers $guests
configure $guests
tune_with 'profile = "none"'
must daemon_up
must until_true 60 forwarding
must until_true 60 has_native_xdp eth1
active eth0 || must ip link set bond0 type bond active_slave eth0
must until_true 30 active eth0
host_knobs eth0 eth1 >/run/knobs.before

tune_with 'profile = "none"' 'napi = "auto"' 'cpus = "0-3"' 'channels = 3'
must xdpctl tune apply
must tuned
check "idle threads are on one CPU" until_true 60 is_packed_on 1
check "their interrupts are known" eval '[ "$(jq "[.napis[] | select(.irq != null)] | length" </run/napi.json)" -ge 6 ]'
check_equal "and each is with its thread" 0 "$(apart)"

# Rates until the threads together have a CPU's half to do, and less than what a CPU is filled to.
pps=1000
for _ in 1 2 3 4 5 6; do
  start_sending $pps
  sleep 3
  has=$(load)
  note "$pps frames a second: $has % of a CPU; on $(packed_on) CPUs"
  [ "$has" -lt 45 ] || break
  stop_sending
  pps=$((pps * 2))
done
check "threads have work" [ "$has" -ge 45 ]
if [ "$has" -lt 85 ]; then
  check "and one CPU is enough" until_true 60 is_packed_on 1
  jq -r '.napis[] | "# \(.device) \(.napi) ran \(.ran) waited \(.waited) on \(.cpus), interrupt on \(.irq_cpus)"' </run/napi.json
else
  note "more than one CPU is filled to at once: the machine is too slow for a rate between"
fi
stop_sending
start_sending $((pps * 6))
check "a burst spreads them" until_true 30 is_spread
jq -r '.napis[] | "# \(.device) \(.napi) ran \(.ran) waited \(.waited) on \(.cpus), interrupt on \(.irq_cpus)"' </run/napi.json
check_equal "each interrupt with its thread" 0 "$(apart)"
stop_sending
check "and when it is over they are packed again" until_true 120 is_packed_on 1

check "put back" xdpctl tune revert
must until_true 60 eval '[ "$(xdpctl tune status --json | jq ".changes | length")" = 0 ]'
host_knobs eth0 eth1 >/run/knobs.after
check "as it was before" diff /run/knobs.before /run/knobs.after
readers_end >/dev/null
finish
