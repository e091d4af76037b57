# SPDX-License-Identifier: BSD-2-Clause
# Host tuning's knobs on igb: what xdpfwd reads is what ethtool, tc and /proc say, what it sets they see, and what igb does
# not have, or does not take, is refused in words.
# lab: --timeout 900
. "$LAB_GUEST/topology.sh"
. "$LAB_GUEST/knobs.sh"

must nics_up
ip link set eth0 up
tor ip link set eth2 up
must until_true 30 eval '[ "$(cat /sys/class/net/eth0/carrier)" = 1 ]'
note "$(knob show eth0 | sed -n '1,2p' | paste -sd';')"

# What is there.
check_equal "channels" "$(current -l Combined)" "$(shown channels)"
check_equal "RX ring" "$(current -g RX)" "$(shown ring-rx)"
check_equal "TX ring" "$(current -g TX)" "$(shown ring-tx)"
check_equal "rx-usecs" "$(coalesced rx-usecs)" "$(shown rx-usecs)"
check_equal "tx-usecs" "$(coalesced tx-usecs)" "$(shown tx-usecs)"
check_equal "qdisc" mq "$(shown qdisc)"
check_equal "driver and limits" "igb 8 4096 4096" "$(fact driver) $(fact max-channels) $(fact max-rx-ring) $(fact max-tx-ring)"
check_equal "speed" "$(cat /sys/class/net/eth0/speed)" "$(fact speed)"
for knob in lro rx-gro-hw adaptive-rx rx-frames rx-usecs/0 rule/0; do
  check_equal "igb has no $knob" "" "$(shown "$knob")"
done
check_equal "an 82576 steers by no rule, though it lists them" 0 "$(fact rules)"

# Coalescing.
check "rx-usecs 64" knob set eth0 rx-usecs 64
check_equal "ethtool sees it" 64 "$(coalesced rx-usecs)"
check_equal "and nothing else changed" 3 "$(coalesced tx-usecs)"
refused "rx-usecs beyond what igb takes" "cannot set rx-usecs of eth0 to '100000'" knob set eth0 rx-usecs 100000
refused "a knob that igb has not" "leave this knob out" knob set eth0 adaptive-rx off
refused "coalescing of one queue" "rx-usecs of queue 1 of eth0" knob set eth0 rx-usecs/1 8
refused "a rule" "rule 3 of eth0" knob set eth0 rule/3 "52:54:00:00:00:01 queue 1"

# Rings and channels, each with a reset.
check "an RX ring of 512" knob set eth0 ring-rx 512
check_equal "ethtool sees it" "512 256" "$(current -g RX) $(current -g TX)"
check "a TX ring of 128" knob set eth0 ring-tx 128
check_equal "ethtool sees that too" "512 128" "$(current -g RX) $(current -g TX)"
refused "a ring beyond the limit" "exceeds maximum" knob set eth0 ring-rx 8192
check "two channels" knob set eth0 channels 2
check_equal "ethtool sees them" 2 "$(current -l Combined)"
refused "more channels than there are" "ethtool -l eth0" knob set eth0 channels 99
must until_true 30 eval '[ "$(cat /sys/class/net/eth0/carrier)" = 1 ]'

# Interrupts: igb 6.12 tells none by netlink, so by name.
for queue in 0 1; do
  line=$(awk -v q=$queue '$NF ~ "^eth0-(TxRx|rx)-" q "$" { sub(":", "", $1); print $1 }' /proc/interrupts)
  check_equal "interrupt of queue $queue" "$line" "$(fact queues | cut -d' ' -f$((queue + 1)) | cut -d: -f2)"
  check "its affinity: CPU $queue" knob set eth0 "irq-affinity/$line" $queue
  check_equal "/proc has it" $queue "$(cat "/proc/irq/$line/smp_affinity_list")"
  check_equal "and reads it back" $queue "$(shown "irq-affinity/$line")"
done
timer=$(awk '$NF == "ttyS0" { sub(":", "", $1); print $1 }' /proc/interrupts)
refused "an interrupt of something else" "no interrupt of a queue" knob set eth0 "irq-affinity/$timer" 0
refused "a CPU that there is not" "irq-affinity" knob set eth0 "irq-affinity/$line" 63

# RPS, XPS, qdisc, the host's.
check "RPS of queue 1" knob set eth0 rps-cpus/1 0-1
check_equal "sysfs has it" 3 "$(cat /sys/class/net/eth0/queues/rx-1/rps_cpus)"
check "XPS off for queue 0" knob set eth0 xps-cpus/0 ""
check_equal "sysfs has that" 0 "$(cat /sys/class/net/eth0/queues/tx-0/xps_cpus)"
modprobe tun
ip tuntap add tap0 mode tap && ip link set tap0 up
default=$(sysctl -n net.core.default_qdisc)
check_equal "the tap's qdisc is the default" "$default" "$(shown qdisc tap0)"
check "noqueue on the tap" knob set tap0 qdisc noqueue
check_equal "tc has it" noqueue "$(root_qdisc tap0)"
check "and back" knob set tap0 qdisc "$default"
check_equal "to the default, without a handle" "$default 0:" "$(tc qdisc show dev tap0 root | cut -d' ' -f2,3)"
check "noqueue as the default" knob set host default-qdisc noqueue
check_equal "sysctl has it" noqueue "$(sysctl -n net.core.default_qdisc)"
refused "a tap goes back to what is no longer the default" "net.core.default_qdisc=$default" \
  eval 'knob set tap0 qdisc noqueue; ip link del tap0; ip tuntap add tap0 mode tap; ip link set tap0 up; tc qdisc replace dev tap0 root pfifo; knob set tap0 qdisc '"$default"
check "the old default" knob set host default-qdisc "$default"
check_equal "sysctl has that" "$default" "$(sysctl -n net.core.default_qdisc)"
tc qdisc replace dev tap0 root handle 1: fq_codel limit 100
check_equal "a qdisc that somebody configured has its handle" "fq_codel 1:" "$(shown qdisc tap0)"

refused "a device that there is not" "is not there" knob set eth9 rx-usecs 3
finish
