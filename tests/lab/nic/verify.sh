# SPDX-License-Identifier: BSD-2-Clause
# Tuning's effect on the stand-in for mlx5: guests' frames arrive by the queues of their rules, polls are counted, and a driver
# that takes tx-usecs and ignores it is caught and named.
# lab: --nic labnic --timeout 900
. "$LAB_TREE/tests/lab/nic/nic.sh"
. "$LAB_GUEST/product.sh"
. "$LAB_GUEST/traffic.sh"

config() {
  printf '[uplink]\ndevices = ["eth0"]\n[control]\ngroup = ""\n[tuning]\n%s\n' "$1"
  printf '[[guest]]\nname = "vm1"\ntap = "tap1"\nmac = "%s"\nvlan = 100\n' $VM
}
# found VERIFY-JSON CHECK: verdicts and words of one check.
found() { jq -r --arg check "$2" '.findings[] | select(.check == $check) | .verdict + " " + .thing + ": " + .what' <"$1"; }

# sending PPS: eth0 sends frames to nobody until sending_ends. On the CPU of its first queue's interrupt, which is then a call:
# how fast an emulated CPU wakes another would bound the interrupts.
sending() {
  local setting
  modprobe pktgen
  echo rem_device_all >/proc/net/pktgen/kpktgend_0
  echo "add_device eth0" >/proc/net/pktgen/kpktgend_0
  for setting in "count 0" "pkt_size 60" "clone_skb 0" "delay 0" "ratep $1" "dst 10.0.0.2" "dst_mac 52:54:00:00:01:ff"; do
    echo "$setting" >/proc/net/pktgen/eth0 || return
  done
  echo start >/proc/net/pktgen/pgctrl &
  sender=$!
  sent_before=$(cat /sys/class/net/eth0/statistics/tx_packets)
}
frames_leave() { [ "$(cat /sys/class/net/eth0/statistics/tx_packets)" -gt $((sent_before + 100)) ]; }
# sends VERIFY-JSON: what was sent, and the polls of its queue.
sends() { jq -c '[(.polls.sent[] | select(.device == "eth0")), (.polls.queues[] | select(.device == "eth0"))]' <"$1"; }
sending_ends() {
  echo stop >/proc/net/pktgen/pgctrl
  wait "$sender"
}

must nics_up
ip link set eth0 up
tor ip link set eth2 up
must until_true 20 carrier eth0
must readers 1
mkdir -p /etc/xdpfwd /run/xdpfwd /var/lib/xdpfwd
config 'profile = "balanced"' >/etc/xdpfwd/xdpfwd.toml
must daemon_up
check "forwarding" until_true 60 forwarding

xdpctl doctor --json >/run/doctor.json
note "doctor: status $?"
check_equal "the doctor knows its rules" pass "$(jq -r '.findings[] | select(.check == "ntuple") | .verdict' </run/doctor.json)"
check_equal "and its XDP" pass "$(jq -r '.findings[] | select(.check == "xdp") | .verdict' </run/doctor.json)"

check "tuned" xdpctl tune apply
must until_true 60 eval 'xdpctl tune plan | grep -q "to be changed: nothing"'
must stream 100 2000
xdpctl tune verify --seconds 5 --json >/run/verify.json
check_equal "verified" 0 $?
jq -r '.findings[] | .verdict + " " + .check + " " + .thing + ": " + .what' </run/verify.json | sed 's/^/#   /'
check "the guest's frames arrive by its rule's queue" eval 'found /run/verify.json steering | grep -q "^pass eth0 to tap1"'
check "and some did" eval '[ "$(jq "[.polls.delivered[].taken] | add" </run/verify.json)" -gt 1000 ]'
xdpctl napi histogram --seconds 3 | sed 's/^/#   /'
stream_end

echo 1 >/sys/module/labnic/parameters/ignore_tx_usecs
config 'tx_usecs = 33' >/etc/xdpfwd/xdpfwd.toml
check "another tx-usecs is wanted" xdpctl reload
xdpctl tune apply | sed 's/^/#   /'
xdpctl tune verify --seconds 1 --json >/run/verify.json
check_equal "a driver that ignores tx-usecs fails" 4 $?
found /run/verify.json tx-usecs | sed 's/^/#   /'
check "and is named" eval 'found /run/verify.json tx-usecs | grep -q "^fail eth0: driver labnic: tx-usecs.*accepted and not done, it is"'
echo 0 >/sys/module/labnic/parameters/ignore_tx_usecs
check "put back" xdpctl tune revert

# One that reads back what was set, and does not do it: only its interrupts and empty polls tell.
echo 1 >/sys/module/labnic/parameters/tx_interrupts
config 'tx_usecs = 4000
tx_frames = 128
force = "yes"' >/etc/xdpfwd/xdpfwd.toml
check "a long tx-usecs is wanted" xdpctl reload
check "and set" xdpctl tune apply
must until_true 60 eval 'xdpctl tune plan | grep -q "to be changed: nothing"'
must sending 2000
until_true 30 frames_leave
xdpctl tune verify --seconds 5 --json >/run/verify.json
check_equal "a NIC that sends by its tx-usecs is verified" 0 $?
note "$(sends /run/verify.json)"
check "which counted what it sent" eval '[ "$(jq "[.polls.sent[] | select(.device == \"eth0\") | .packets] | add" </run/verify.json)" -gt 500 ]'
echo 2 >/sys/module/labnic/parameters/ignore_tx_usecs
xdpctl tune verify --seconds 5 --json >/run/verify.json
note "verify: status $?; $(sends /run/verify.json)"
check_equal "all its values read back" 0 "$(jq '[.findings[] | select(.what | test("accepted and not done|is wanted"))] | length' </run/verify.json)"
found /run/verify.json tx-usecs | sed 's/^/#   /'
check "and it is named by its effect" eval 'found /run/verify.json tx-usecs | grep -q "^[a-z]* eth0: driver labnic: tx-usecs of queue [0-3] reads 4000.*it has no effect"'
sending_ends
echo 0 >/sys/module/labnic/parameters/ignore_tx_usecs
echo 0 >/sys/module/labnic/parameters/tx_interrupts
check "put back again" xdpctl tune revert
readers_end
finish
