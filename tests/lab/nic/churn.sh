# SPDX-License-Identifier: BSD-2-Clause
# The stand-in under all changes at once, with traffic: programs, links, rules, channels, coalescing, the module itself.
# No frame leaks, and the kernel has nothing to complain of. Argument, after --: how many rounds (4).
# lab: --nic labnic --timeout 900
. "$LAB_TREE/tests/lab/nic/nic.sh"

rounds=${1:-4}
# Promiscuous: what no rule takes is received too.
up() { wire_up && ip link set eth0 promisc on; }
must up
must load_verdicts
generated() { tor cat /sys/class/net/eth2/statistics/tx_packets; }
free_kib() { echo 3 >/proc/sys/vm/drop_caches; awk '/^MemFree/ { print $2 }' /proc/meminfo; }

# change N: everything that can change while frames come.
change() {
  local cpu=$(($1 % 3)) program
  for program in pass drop redirect; do attach eth0 $program || return; done
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

must stream none 5000
must frames_come
must change 1
must flap
must frames_come
sent_before=$(generated) free_before=$(free_kib)
for round in $(seq "$rounds"); do
  check "round $round" change "$round"
  must frames_come
  must flap
  must frames_come
done
free_after=$(free_kib) sent=$(($(generated) - sent_before))
# A frame has a page: one in ten that leaked would show.
check "$sent frames later $((free_before - free_after)) KiB less are free: no more than one page in ten frames" \
  [ $((free_before - free_after)) -lt $((sent * 4 / 10)) ]
check "the other end of the cable is what sends" [ "$sent" -gt $((rounds * 100)) ]
stream_end

# The module goes and comes while frames are under way.
reload() {
  must stream none 5000
  must frames_come
  rmmod labnic || return
  wait "$streaming"
  ip netns del tor
  up
}
must reload
free_before=$(free_kib)
for round in $(seq "$rounds"); do check "the module goes under traffic and comes, round $round" reload; done
free_after=$(free_kib)
# No check: the kernel keeps room for modules in large pieces, and how much that is was not found out.
note "$((free_before - free_after)) KiB less are free after $rounds times"
the_end
