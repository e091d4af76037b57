# SPDX-License-Identifier: BSD-2-Clause
# What every emulated NIC must do (--nic): a bond over it, xdpfwd on its members with native XDP, a cut cable seen.
. "$LAB_GUEST/topology.sh"
. "$LAB_GUEST/product.sh"
. "$LAB_GUEST/traffic.sh"

must nics_up
must bonds_up active-backup
tor ip address add 10.0.0.254/24 dev bond1
ip address add 10.0.0.1/24 dev bond0
answers() { ping -c 1 -W 5 10.0.0.254; }
check "the switch answers over $LAB_NIC" until_true 30 answers
must readers 1
configure 1
must daemon_up
both_attached() { attached eth0 && attached eth1; }
check "xdpfwd is attached to both members" until_true 60 both_attached
check "with native XDP" eval 'has_native_xdp eth0 && has_native_xdp eth1'
check "the switch still answers" until_true 30 answers
must cable 0 off
check "a cut cable is seen" until_true 30 eval '! mii_up eth0'
check "and the other member takes over" until_true 30 answers
finish
