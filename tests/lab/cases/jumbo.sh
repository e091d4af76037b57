# SPDX-License-Identifier: BSD-2-Clause
# MTU 9000: igb refuses XDP then, and frames take the stack's way; back at 1500 the fast path comes by itself.
. "$LAB_GUEST/topology.sh"
. "$LAB_GUEST/slow_path.sh"
. "$LAB_GUEST/product.sh"
. "$LAB_GUEST/traffic.sh"

must nics_up
must bonds_up 802.3ad
must bridge_up
must tor_vlan 100 10.100.0.254/24
must virtual_machine 1
must slow_path_port bridge tap1 100
for link in bond0 br0 tap1; do must ip link set "$link" mtu 9000; done
must tor ip link set bond1 mtu 9000
must tor ip link set bond1.100 mtu 9000
must until_true 60 lacp_complete
configure 1
must daemon_up
check "MTU 9000: status says which member has no program, and why" until_true 60 eval \
  'status ".problems[] | select(.thing == \"member eth0\") | .why + .remedy" | grep -q "does not take.*MTU"'
note "it says: $(status '.problems[] | select(.thing == "member eth0") | .why + "; " + .remedy' | head -1)"
check "neither member has one" eval '! has_native_xdp eth0 && ! has_native_xdp eth1'
check "ping" tor ping -c 3 -i 0.2 -W 10 10.100.0.1
check "ping with 8000 bytes" tor ping -c 3 -i 0.2 -W 10 -s 8000 -M do 10.100.0.1

for link in br0 tap1 bond0; do must ip link set "$link" mtu 1500; done
must tor ip link set bond1.100 mtu 1500
must tor ip link set bond1 mtu 1500
check "MTU 1500 again: forwarding by itself" until_true 120 forwarding
must until_true 60 lacp_complete
both_active() { active eth0 && active eth1; }
must until_true 60 both_active
before=$(reason forwarded)
check "ping through the fast path" tor ping -c 10 -i 0.2 -W 10 10.100.0.1
check "counted as forwarded" eval '[ $(reason forwarded) -ge $((before + 8)) ]'
finish
