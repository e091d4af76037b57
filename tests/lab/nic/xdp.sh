# SPDX-License-Identifier: BSD-2-Clause
# The stand-in under XDP: every verdict, what keeps a program off, the outage at the first and after the last one.
# lab: --nic labnic
. "$LAB_TREE/tests/lab/nic/nic.sh"

must wire_up
must load_verdicts
refused() { ! "$@" 2>/dev/null; }
downs() { cat /sys/class/net/eth0/carrier_down_count; }
tor_downs() { tor cat /sys/class/net/eth2/carrier_down_count; }
must ethtool -N eth0 flow-type ether dst $VM action 2 loc 7

# What keeps a program off.
check "LRO on" ethtool -K eth0 lro on
check "with LRO a program is refused" refused attach eth0 pass
check "LRO off" ethtool -K eth0 lro off
check "HW-GRO on" ethtool -K eth0 rx-gro-hw on
check "with HW-GRO a program is refused" refused attach eth0 pass
check "HW-GRO off" ethtool -K eth0 rx-gro-hw off
check "MTU 3499" ip link set eth0 mtu 3499
check "is too much for a program" refused attach eth0 pass
check "MTU 3498" ip link set eth0 mtu 3498

# The outage, at the first program: ours only, and frames are lost. Who takes the lock of all network devices, as sysfs
# and netlink do, waits until it is over, as with mlx5; a bond looks without it. None when programs are swapped.
must stream none 5000
must frames_come
before=$(downs) tor_before=$(tor_downs) lost=$(counter rx_reset_discards)
check "a first program" attach eth0 pass
check_equal "the carrier went once" 1 $(($(downs) - before))
check "and is there again" until_true 10 carrier eth0
check "frames were lost meanwhile: $(($(counter rx_reset_discards) - lost))" [ "$(counter rx_reset_discards)" -gt "$lost" ]
check_equal "the other end saw nothing" "$tor_before" "$(tor_downs)"
check "frames come again" frames_come
state() { echo "$(downs) $(counter channel_resets) $(counter rx_reset_discards)"; }
before=$(state)
check "another program in its place" attach eth0 drop
check "and back" attach eth0 pass
check "frames come" frames_come
check_equal "no outage and no loss at a swap" "$before" "$(state)"
stream_end
must until_true 30 quiet
check "LRO with a program is refused" refused ethtool -K eth0 lro on
check "it stays off" eval 'ethtool -k eth0 | grep -q "large-receive-offload: off"'
check "MTU 3499 with a program is refused" refused ip link set eth0 mtu 3499

# Verdicts.
before=$(packets) drops=$(counter rx2_xdp_drop)
must burst 500 $VM none
check_equal "PASS: received" "0 0 500 0" "$(since "$before")"
check_equal "PASS: not dropped" "$drops" "$(counter rx2_xdp_drop)"
must attach eth0 drop
must burst 500 $VM none
check_equal "DROP: counted" 500 $(($(counter rx2_xdp_drop) - drops))
tor_received() { local i sum=0; for i in 0 1 2 3; do sum=$((sum + $(tor_counter rx${i}_packets "$1"))); done; echo $sum; }

# REDIRECT out of eth0, and out by eth1: a target without a program.
ip link set eth1 up
tor ip link set eth3 up
tor ip link set eth3 promisc on
must until_true 20 carrier eth1
must redirect_to eth1
must attach eth0 redirect
before=$(tor_received eth3)
must burst 500 $VM none
check_equal "REDIRECT: at the end of the other cable" 500 $(($(tor_received eth3) - before))
check_equal "REDIRECT: counted" 500 "$(counter rx2_xdp_redirect)"
before=$(downs)
check "the last program goes" detach eth0
check_equal "with an outage" 1 $(($(downs) - before))
check "and the LRO that was asked for meanwhile comes on" eval 'ethtool -k eth0 | grep -q "large-receive-offload: on"'
check "LRO off" ethtool -K eth0 lro off
before=$(packets)
must burst 500 $VM none
check_equal "and frames are received as before" "0 0 500 0" "$(since "$before")"

# TCP through it, a program attached: checksums are right on this wire.
must attach eth0 pass
ip address add 10.1.0.1/24 dev eth0
tor ip address add 10.1.0.2/24 dev eth2
must until_true 10 carrier eth0
head -c 4000000 /dev/urandom >/run/sent
tor timeout 120 socat -u TCP-LISTEN:7000 OPEN:/run/received,creat &
listener=$!
must until_true 20 eval 'tor ss -ltn | grep -q :7000'
check "4 MB by TCP" timeout 60 socat -u OPEN:/run/sent TCP:10.1.0.2:7000
wait $listener
check "are the same at the other end" cmp /run/sent /run/received
the_end
