# SPDX-License-Identifier: BSD-2-Clause
# vhost-net: DPDK's virtio-user takes the frames off the tap as a VM's virtio-net would; the kernel's pktgen sends.
. "$LAB_GUEST/topology.sh"
. "$LAB_GUEST/product.sh"
. "$LAB_GUEST/traffic.sh"

must nics_up
must bonds_up 802.3ad
modprobe -a vhost_net tun
echo 192 >/proc/sys/vm/nr_hugepages
dpdk-testpmd -l 0,1 --no-pci -m 256 --file-prefix lab \
  --vdev="net_virtio_user0,path=/dev/vhost-net,iface=tap1,queues=1,queue_size=1024,mac=$(guest_mac 1)" -- \
  --forward-mode=rxonly --nb-cores=1 --stats-period 1 --auto-start </dev/zero >/run/testpmd.log 2>&1 &
testpmd=$!
must until_true 60 test -e /sys/class/net/tap1
must until_true 60 grep -aq 'Port statistics' /run/testpmd.log
ip link set tap1 txqueuelen 16384 up
configure 1
must daemon_up
check "forwarding to a tap of vhost-net" until_true 60 forwarding
must until_true 60 lacp_complete
both_active() { active eth0 && active eth1; }
must until_true 30 both_active
received() { grep -a RX-packets /run/testpmd.log | tail -1 | awk '{ print $2 }'; }
before=$(received)
check "2000 frames from the kernel's pktgen" kernel_pktgen eth2 2000 1000 "$(guest_mac 1)"
check "all forwarded" until_true 20 eval '[ $(reason forwarded) -ge 2000 ]'
check "all received behind vhost-net" until_true 30 eval '[ $(received) -ge $((before + 2000)) ]'
check_equal "none lost at the tap" 0 "$(xdpctl stats --json | jq '[.ports[].lost[]] | add')"
port_state() { xdpctl port list --json | jq -r '.ports[0].state'; }
check_equal "its port is open" open "$(port_state)"
kill -INT $testpmd
check "the guest ends and its tap with it: the port is missing" until_true 60 eval '[ "$(port_state)" = missing ]'
check_equal "and no row leads there" 0 "$(status .rows_installed)"
finish
