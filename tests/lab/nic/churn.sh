# SPDX-License-Identifier: BSD-2-Clause
# The stand-in under all changes at once, with traffic: programs, links, rules, channels, coalescing. No frame
# leaks, and the kernel has nothing to complain of. Argument, after --: how many rounds (4).
# lab: --nic labnic --timeout 900
. "$LAB_TREE/tests/lab/nic/nic.sh"

rounds=${1:-4}
# change N: everything that can change while frames come.
change() {
  local cpu=$(($1 % 3)) program
  for program in pass drop redirect; do attach eth0 $program && frames_come || return; done
  ethtool -N eth0 flow-type ether dst $VM action $(($1 % 4)) loc $((100 + $1)) &&
    ethtool -N eth0 flow-type ether dst $OTHER vlan 0x64 m 0xf000 action -1 loc 3 && ethtool -N eth0 delete 3 &&
    ethtool -C eth0 adaptive-rx on && ethtool -C eth0 adaptive-rx off && ethtool -C eth0 rx-usecs $(($1 * 10)) &&
    ethtool -X eth0 equal 3 && ethtool -X eth0 default || return
  awk '/labnic_comp/ { sub(":", "", $1); print $1 }' /proc/interrupts |
    while read -r line; do echo $cpu >"/proc/irq/$line/smp_affinity_list" || return; done || return
  ethtool -N eth0 delete $((100 + $1)) && ethtool -L eth0 combined 2 && ethtool -L eth0 combined 4 &&
    detach eth0
}
# The generator ends when its link goes down.
flap() {
  ip link set eth0 down && wait "$streaming" && ip link set eth0 up && until_true 20 carrier eth0 && stream none 5000
}
sent() { tor cat /sys/class/net/eth2/statistics/tx_packets; }
sent_since() { [ $(($(sent) - $1)) -ge "$2" ]; }

must load_verdicts
must everything_up
must stream none 5000
must frames_come
must change 1
must flap
must frames_come
free_before=$(free_kib) sent_before=$(sent)
for round in $(seq "$rounds"); do
  check "round $round" change "$round"
  must frames_come
  must flap
  must frames_come
done
# A frame has a page: one leaked in a hundred would be missing twice over.
must until_true 120 sent_since "$sent_before" 51200
nothing_missing "$(($(sent) - sent_before)) frames later"

# Resets with frames in the rings, which wait for an interrupt that comes late.
must stream_end
must ethtool -C eth0 rx-usecs 4000 rx-frames 65535
echo 0 >/sys/module/labnic/parameters/reset_ms
must stream none 20000
resets() {
  local n
  for n in $(seq "$1"); do ethtool -L eth0 combined 3 && ethtool -L eth0 combined 4 && frames_come || return; done
}
must resets 2
free_before=$(free_kib)
check "12 pairs of resets with frames in the rings" resets 12
nothing_missing "after them"
must stream_end
the_end
