# SPDX-License-Identifier: BSD-2-Clause
# Our back end "kernel" with a real pktgen.ko: what it says it sent arrives, as many frames and from as many sources.
. "$LAB_GUEST/topology.sh"
. "$LAB_GUEST/product.sh"

must nics_up
must ip link set eth0 up promisc on
must tor ip link set eth2 up
both_up() { [ "$(cat /sys/class/net/eth0/carrier)" = 1 ] && [ "$(tor cat /sys/class/net/eth2/carrier)" = 1 ]; }
must until_true 60 both_up

# generate OPTION...: 64 byte frames to vm1 on VLAN 100, or to $guest; what it says of them is in /run/sent.json.
generate() {
  tor xdpfwd-pktgen send --backend kernel --dev eth2 --guest "${guest:-mac=$(guest_mac 1),vlan=100}" --json "$@" \
    >/run/sent.json 2>/run/sent.log || { cat /run/sent.log; return 1; }
}
said() { jq -er "$1" /run/sent.json; }
received() { cat /sys/class/net/eth0/statistics/rx_packets; }

sink_begin() {
  rm -f /run/sink.ready
  xdpfwd-pktgen sink --drop eth0 --ready-file /run/sink.ready --json >/run/sink.json 2>/run/sink.log &
  sink=$!
  before=$(received)
  until_true 60 test -s /run/sink.ready || { cat /run/sink.log >&2; return 1; }
}
# all_arrived NAME: as many as were sent, each of 60 bytes without its tag.
all_arrived() {
  check "$1: they arrive" until_true 30 eval "[ \$(received) -ge $((before + $(said .sent))) ]"
  kill -INT "$sink"
  wait "$sink"
  check_equal "$1: no more and no less" "$(said .sent)" "$(jq -r .dropped /run/sink.json)"
  check_equal "$1: of the size asked for" $((60 * $(said .sent))) "$(jq -r .bytes /run/sink.json)"
  note "$1: $(cat /run/sent.json)"
}

check "without the module it is refused" eval '! generate --count 1'
check "and the remedy is named" grep -q 'modprobe pktgen' /run/sent.log
must modprobe pktgen

must sink_begin
check "a count" generate --count 1000 --pps 1000
check_equal "a count: that many were sent" 1000 "$(said .sent)"
all_arrived "a count"

must sink_begin
check "a duration" generate --duration 1 --pps 1000
all_arrived "a duration"

# The rate is of frames: 100 bursts of ten, not a thousand; an emulated machine may be slower.
must sink_begin
check "bursts" generate --count 1000 --pps 1000 --burst 10
check_equal "bursts: that many were sent" 1000 "$(said .sent)"
check "bursts: no faster than asked for" eval "[ \$(said '.pps < 1050') = true ]"
all_arrived "bursts"

must sink_begin
timeout 60 tcpdump -i eth0 -e -nn -l -c 300 vlan 100 >/run/frames 2>/run/frames.log &
frames=$!
must until_true 30 grep -q 'listening on' /run/frames.log
check "three sources" generate --count 300 --pps 1000 --sources 3
all_arrived "three sources"
wait "$frames"
check_equal "three sources: they are seen" 0 $?
for source in 02:00:00:00:00:fe 02:00:00:00:00:ff 02:00:00:00:01:00; do
  check_equal "three sources: $source" 100 "$(grep -c "^[^ ]* $source > $(guest_mac 1), .*vlan 100," /run/frames)"
done
check_equal "three sources: an address each" "192.0.2.1 192.0.2.2 192.0.2.3" \
  "$(grep -o '192\.0\.2\.[0-9]*' /run/frames | sort -u | paste -sd' ')"
check_equal "three sources: and a source keeps its own" 3 \
  "$(grep -oE ' 02:00:[0-9a-f:]* |192\.0\.2\.[0-9]*' /run/frames | paste -d' ' - - | sort -u | wc -l)"

must sink_begin
timeout 60 tcpdump -i eth0 -e -nn -l -c 100 vlan 100 >/run/frames 2>/run/frames.log &
frames=$!
must until_true 30 grep -q 'listening on' /run/frames.log
guest="mac=$(guest_mac 2),vlan=100,priority=5,inner=7"
check "two tags" generate --count 100 --pps 1000 --size 68
check "two tags: they arrive" until_true 30 eval "[ \$(received) -ge $((before + 100)) ]"
kill -INT "$sink"
wait "$sink" "$frames"
check_equal "two tags: they are seen" 100 "$(grep -c "> $(guest_mac 2), .*vlan 100, p 5, .*vlan 7, p 0," /run/frames)"
finish
