# SPDX-License-Identifier: BSD-2-Clause
# The stand-in's steering: rules of ethtool -N, the filters behind them, the hash, the channels; and real interrupts.
# lab: --nic labnic
. "$LAB_TREE/tests/lab/nic/nic.sh"

must wire_up
refused() { ! "$@" 2>/dev/null; }
rule() { ethtool -N eth0 flow-type ether "$@"; }

check "a rule: MAC to queue 2" rule dst $VM action 2 loc 7
check "a rule: MAC and VLAN to queue 3" rule dst $OTHER vlan 0x64 m 0xf000 action 3 loc 1000
check "a VLAN with its priority is refused" refused rule dst $OTHER vlan 100 action 3 loc 9
check "a queue that there is not is refused" refused rule dst $OTHER action 4 loc 9
check "location 1024 is refused" refused rule dst $OTHER action 1 loc 1024
check "a rule that matches everything is refused" refused rule action 1 loc 9
check "a source MAC is refused: not imitated" refused rule src $OTHER dst $VM action 1 loc 9
check "an IP flow is refused: not imitated" refused ethtool -N eth0 flow-type udp4 dst-port 9 action 1 loc 9
check_equal "the rules are the two" "7 1000" "$(ethtool -n eth0 | sed -n 's/^Filter: //p' | paste -sd' ')"

before=$(packets)
must burst 1000 $VM none
check_equal "the MAC's frames are on queue 2, though the MAC is not ours" "0 0 1000 0" "$(since "$before")"
before=$(packets)
must burst 1000 $OTHER 100
check_equal "MAC and VLAN: on queue 3" "0 0 0 1000" "$(since "$before")"
before=$(packets) discards=$(counter rx_steer_discards)
must burst 1000 $OTHER 101
check_equal "another VLAN: no rule, and the MAC's filter drops them" "0 0 0 0" "$(since "$before")"
check_equal "as counted" 1000 $(($(counter rx_steer_discards) - discards))

# The VLAN filter stands behind the rules too.
before=$(packets)
must burst 400 "$(cat /sys/class/net/eth0/address)" 101
check_equal "our own MAC on a VLAN that was not added: dropped" "0 0 0 0" "$(since "$before")"
modprobe 8021q
ip link add link eth0 name eth0.101 type vlan id 101
ip link set eth0.101 up
before=$(packets)
must burst 400 "$(cat /sys/class/net/eth0/address)" 101
check_equal "on one that was: received" 400 "$(($(since "$before" | tr ' ' +)))"
ip link del eth0.101

ip link set eth0 promisc on
before=$(packets)
must burst 1000 $OTHER 101
spread=$(since "$before")
check_equal "promiscuous: all received" 1000 $((${spread// /+}))
check "and spread over the queues: $spread" eval 'for n in $spread; do [ $n -gt 100 ] || exit 1; done'
check "an indirection table over two queues" ethtool -X eth0 equal 2
before=$(packets)
must burst 1000 $OTHER 101
check "is obeyed: $(since "$before")" eval '[[ "$(since "$before")" = *" 0 0" ]]'

check "fewer channels than a rule's queue are refused" refused ethtool -L eth0 combined 2
check "a rule is deleted" ethtool -N eth0 delete 1000
check "and another" ethtool -N eth0 delete 7
check "which is not there any more" refused ethtool -N eth0 delete 7
resets=$(counter channel_resets)
check "two channels" ethtool -L eth0 combined 2
check_equal "with a reset, as mlx5" 1 $(($(counter channel_resets) - resets))
before=$(packets)
must burst 400 $VM 100
check "frames on these only: $(since "$before")" eval '[[ "$(since "$before")" = *" 0 0" ]]'
check "four channels" ethtool -L eth0 combined 4

# Interrupts.
line() { awk -v name="labnic_comp$1@ln0a" '$NF == name { sub(":", "", $1); print $1 }' /proc/interrupts; }
raised() { awk -v line="$1:" '$1 == line { print $2, $3, $4 }' /proc/interrupts; }
must rule dst $VM action 3 loc 1
three=$(line 3)
check "queue 3 has an interrupt line" [ -n "$three" ]
for cpu in 1 2; do
  check "its affinity is set to CPU $cpu" eval "echo $cpu >/proc/irq/$three/smp_affinity_list"
  check_equal "and is effective" $cpu "$(cat "/proc/irq/$three/effective_affinity_list")"
  read -ra before <<<"$(raised "$three")"
  must burst 500 $VM none
  read -ra now <<<"$(raised "$three")"
  for other in 0 1 2; do
    difference=$((now[other] - before[other]))
    if [ $other = $cpu ]; then
      check "CPU $cpu has the interrupts: $difference" [ $difference -gt 0 ]
    else
      check_equal "CPU $other has none" 0 $difference
    fi
  done
done
the_end
