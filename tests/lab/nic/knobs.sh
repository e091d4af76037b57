# SPDX-License-Identifier: BSD-2-Clause
# Host tuning's knobs on the stand-in for mlx5: rules, coalescing of a queue, adaptive's reset, what is accepted and not done.
# lab: --nic labnic
. "$LAB_TREE/tests/lab/nic/nic.sh"
. "$LAB_GUEST/knobs.sh"

must nics_up
ip link set eth0 up
tor ip link set eth2 up
must until_true 20 carrier eth0
note "$(knob show eth0 | sed -n '1,2p' | paste -sd';')"
check_equal "what it is" "labnic 25000 4 1024" "$(fact driver) $(fact speed) $(fact max-channels) $(fact rules)"
check "it has coalescing for each queue, and wants locations from us" \
  eval 'knob show eth0 | grep -q "^nic .* per-queue" && ! knob show eth0 | grep -q chooses-locations'
for queue in 0 1 2 3; do
  line=$(awk -v name="labnic_comp$queue@ln0a" '$NF == name { sub(":", "", $1); print $1 }' /proc/interrupts)
  check_equal "queue $queue: NAPI and interrupt, by netlink" "napi:$line" "$(fact queues | cut -d' ' -f$((queue + 1)))"
done
check "affinity of the last" knob set eth0 "irq-affinity/$line" 2
check_equal "is in effect" 2 "$(cat "/proc/irq/$line/effective_affinity_list")"

# Coalescing: adaptive first, and then the values, for they go with it.
check_equal "adaptive at first" "on on 8 256 8 128" \
  "$(for knob in adaptive-rx adaptive-tx rx-usecs rx-frames tx-usecs tx-frames; do shown $knob; done | paste -sd' ')"
check "adaptive RX off" knob set eth0 adaptive-rx off
check "adaptive TX off" knob set eth0 adaptive-tx off
check_equal "took the values with it" "16 32 16 32" "$(for knob in rx-usecs rx-frames tx-usecs tx-frames; do shown $knob; done | paste -sd' ')"
check "rx-usecs 0" knob set eth0 rx-usecs 0
check "tx-frames 16" knob set eth0 tx-frames 16
check_equal "ethtool sees both, and the others as they were" "0 32 16 16" \
  "$(coalesced rx-usecs) $(coalesced rx-frames) $(coalesced tx-usecs) $(coalesced tx-frames)"
check "rx-usecs of queue 2" knob set eth0 rx-usecs/2 77
check_equal "ethtool sees it" "77 32" "$(coalesced_of_queue 2 rx-usecs) $(coalesced_of_queue 2 rx-frames)"
check_equal "on that queue only" 0 "$(coalesced_of_queue 1 rx-usecs)"
check_equal "and so do we" "77 0" "$(shown rx-usecs/2) $(shown rx-usecs/1)"
check "adaptive for queue 2" knob set eth0 adaptive-rx/2 on
check_equal "resets it" 8 "$(shown rx-usecs/2)"
refused "a queue that there is not" "rx-usecs of queue 4 of eth0" knob set eth0 rx-usecs/4 8
refused "too long" "rx-usecs of eth0 to '5000'" knob set eth0 rx-usecs 5000
echo 1 >/sys/module/labnic/parameters/ignore_tx_usecs
refused "what the driver accepts and ignores" "accepted and not done, it is '16'" knob set eth0 tx-usecs 64
echo 0 >/sys/module/labnic/parameters/ignore_tx_usecs

# Rules.
check "MAC to queue 2" knob set eth0 rule/7 "$VM queue 2"
check "MAC and VLAN to queue 3" knob set eth0 rule/1000 "$OTHER vlan 100 queue 3"
check_equal "are ethtool's" "7 1000" "$(ethtool -n eth0 | sed -n 's/^Filter: //p' | paste -sd' ')"
check_equal "with the VLAN" "0x64" "$(ethtool -n eth0 rule 1000 | awk '/VLAN:/ { print $2 }')"
check_equal "and read back" "$VM queue 2;$OTHER vlan 100 queue 3" "$(shown rule/7);$(shown rule/1000)"
ip link set eth0 promisc on
before=$(packets)
must burst 500 $VM none
check_equal "the MAC's frames are on queue 2" "0 0 500 0" "$(since "$before")"
before=$(packets)
must burst 500 $OTHER 100
check_equal "the other's on VLAN 100 on queue 3" "0 0 0 500" "$(since "$before")"
check "a rule is replaced in its place" knob set eth0 rule/7 "$VM queue 1"
before=$(packets)
must burst 500 $VM none
check_equal "and the frames are on queue 1" "0 500 0 0" "$(since "$before")"
must ethtool -N eth0 flow-type ether dst $VM m 00:00:00:00:00:ff action 1 loc 20
must ethtool -N eth0 flow-type ether dst $VM action -1 loc 21
must ethtool -N eth0 flow-type ether dst $OTHER action 2 loc 22
check_equal "what somebody else wrote and we could not" "flow-type ether queue 1;flow-type ether drop" "$(shown rule/20);$(shown rule/21)"
check_equal "what we could have written" "$OTHER queue 2" "$(shown rule/22)"
refused "a queue that there is not" "rule 9 of eth0 to '$VM queue 9'" knob set eth0 rule/9 "$VM queue 9"
refused "a place that there is not" "ends before this location" knob set eth0 rule/1024 "$VM queue 1"
refused "what is no rule" "is not a MAC address" knob set eth0 rule/9 "queue 1"
refused "a service VLAN" "802.1ad" knob set eth0 rule/9 "$VM vlan ad:100 queue 1"
refused "fewer channels than a rule wants" "channels of eth0 to '2'" knob set eth0 channels 2
for location in 7 1000 20 21 22 22; do check "rule $location goes" knob set eth0 rule/$location ""; done
check_equal "there are none" "" "$(ethtool -n eth0 | sed -n 's/^Filter: //p')"
check "two channels" knob set eth0 channels 2
check_equal "are seen" "2 2" "$(current -l Combined) $(shown channels)"

# Features.
for feature in lro rx-gro-hw; do
  check "$feature on" knob set eth0 $feature on
  check_equal "is seen" on "$(shown $feature)"
  check "$feature off" knob set eth0 $feature off
done
check_equal "and by ethtool" "off off" "$(ethtool -k eth0 | awk '/^large-receive-offload:|^rx-gro-hw:/ { print $2 }' | paste -sd' ')"
load_verdicts
must attach eth0 pass
refused "LRO while a program is there" "lro" knob set eth0 lro on
detach eth0
the_end
