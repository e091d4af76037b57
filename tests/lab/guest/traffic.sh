# SPDX-License-Identifier: BSD-2-Clause
# Frames: taps with readers, our packet generator and the kernel's as sources on the switch's side.
# shellcheck shell=bash

# readers N: taps tap1 … tapN, read and checked by our packet generator until readers_end, which gives its verdict.
readers() {
  local i taps=()
  for i in $(seq 1 "$1"); do taps+=(--tap "tap$i"); done
  rm -f /run/readers.ready
  modprobe tun
  xdpfwd-pktgen sink "${taps[@]}" --ready-file /run/readers.ready --queue-length 16384 --json >/run/readers.json 2>/run/readers.log &
  readers_pid=$!
  until_true 60 test -s /run/readers.ready || { cat /run/readers.log >&2; return 1; }
}
readers_end() {
  local verdict=0
  kill -INT "$readers_pid"
  wait "$readers_pid" || verdict=$?
  note "readers: $(cat /run/readers.json)"
  return $verdict
}

# send COUNT [OPTION...]: frames to vm1 … through each of the switch's NICs, paced for an emulated NIC.
send() {
  local count=$1
  shift
  tor xdpfwd-pktgen send --backend packet --count "$count" --pps "${PPS:-2000}" "$@"
}

# kernel_pktgen NIC COUNT PPS MAC [VID]: the kernel's packet generator on one of the switch's NICs; 60 byte UDP.
kernel_pktgen() {
  local nic=$1 count=$2 pps=$3 mac=$4 vid=${5:-100} setting
  modprobe pktgen
  tor sh -c 'echo rem_device_all >/proc/net/pktgen/kpktgend_0; echo "add_device $1" >/proc/net/pktgen/kpktgend_0' sh "$nic" || return
  for setting in "count $count" "pkt_size 60" "clone_skb 0" "delay 0" "ratep $pps" "dst 10.0.0.2" "src_min 10.0.0.1" \
    "src_max 10.0.0.1" "dst_mac $mac" "src_mac 52:54:00:00:01:aa" "vlan_id $vid"; do
    tor sh -c 'echo "$1" >"/proc/net/pktgen/$2"' sh "$setting" "$nic" || { echo "pktgen refused: $setting" >&2; return 1; }
  done
  tor sh -c 'echo start >/proc/net/pktgen/pgctrl'
}

# virtual_machine N [VID]: a small "VM" on tapN that answers ARP and ping at 10.VID.0.N; end it by vm_pids[N].
declare -A vm_pids=()
virtual_machine() {
  local n=$1 vid=${2:-100}
  modprobe tun
  rm -f "/run/vm$n.ready"
  python3 "$LAB_GUEST/tap_guest.py" "tap$n" "$(guest_mac "$n")" "10.$vid.0.$n" "/run/vm$n.ready" >"/run/vm$n.log" 2>&1 &
  vm_pids[$n]=$!
  until_true 60 test -e "/run/vm$n.ready" || { cat "/run/vm$n.log" >&2; return 1; }
}

# vm_sends N DESTINATION [COUNT]: the VM sends frames to a MAC, to be learnt by or to be flooded.
vm_sends() { echo "send $2 ${3:-1}" >"/run/vm$1.ready"; }

# vm_broadcasts N: how many IPv4 broadcasts the VM got.
vm_broadcasts() {
  rm -f "/run/vm$1.count"
  echo "count /run/vm$1.count" >"/run/vm$1.ready"
  until_true 20 test -e "/run/vm$1.count" && cat "/run/vm$1.count"
}

tap_packets() { cat "/sys/class/net/$1/statistics/tx_packets"; }
