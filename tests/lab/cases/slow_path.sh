# SPDX-License-Identifier: BSD-2-Clause
# The kernel's OVS and a VLAN bridge beside us: misses, broadcast, learning; remote MACs are not forgotten.
# lab: --timeout 900
. "$LAB_GUEST/topology.sh"
. "$LAB_GUEST/slow_path.sh"
. "$LAB_GUEST/product.sh"
. "$LAB_GUEST/traffic.sh"

must nics_up
must bonds_up 802.3ad
must tor_vlan 100 10.100.0.254/24
tor_mac=$(tor cat /sys/class/net/bond1/address)
# vm3 is none of xdpfwd's: it lives on the slow path.
UPLINK_MORE='relearn = 2' configure 2
for n in 1 2 3; do must virtual_machine "$n"; done
must daemon_up
both_active() { active eth0 && active eth1; }

for path in bridge ovs; do
  must "${path}_up"
  for n in 1 2 3; do must slow_path_port "$path" "tap$n" 100; done
  check "$path: forwarding" until_true 60 forwarding
  must until_true 60 lacp_complete
  must until_true 30 both_active
  known() { echo $(($(reason forwarded) + $(reason relearn))); }
  before=$(known)
  for n in 1 2; do
    check "$path: ping vm$n, its way in by the fast path" tor ping -c 5 -i 0.2 -W 10 "10.100.0.$n"
  done
  check "$path: that was the fast path" eval '[ $(known) -ge $((before + 10)) ]'
  before=$(reason forwarded) misses=$(reason miss)
  check "$path: ping vm3, which only the slow path knows" tor ping -c 5 -i 0.2 -W 10 10.100.0.3
  check "$path: the fast path did not know it" [ "$(reason miss)" -ge $((misses + 5)) ]
  # The switch's host may ask vm1 or vm2 in between whether they are still there: ARP, unicast, one frame each.
  check "$path: and took none of them" [ "$(reason forwarded)" -le $((before + 2)) ]
  for n in 1 2 3; do counts[n]=$(vm_broadcasts "$n"); done
  must kernel_pktgen eth2 50 200 ff:ff:ff:ff:ff:ff 100
  for n in 1 2 3; do
    check "$path: vm$n gets broadcasts" until_true 20 eval "[ \$(vm_broadcasts $n) -ge $((counts[n] + 50)) ]"
    check_equal "$path: each once" $((counts[n] + 50)) "$(vm_broadcasts "$n")"
  done
  check_equal "$path: knows vm1 behind tap1" tap1 "$(learned "$path" 100 "$(guest_mac 1)")"
  check_equal "$path: knows the switch behind bond0" bond0 "$(learned "$path" 100 "$tor_mac")"

  # The switch's host sends on and on; all of it goes to vm1 by the fast path. Whoever sends is alive: the slow path
  # must not forget him, or it floods what the guests answer to every guest.
  case $path in
    bridge) pings=100 && ip link set br0 type bridge ageing_time 800 ;;
    ovs) pings=120 && ovs-vsctl set bridge br0 other_config:mac-aging-time=15 ;;
  esac
  forgotten() { [ "$(learned "$path" 100 "$tor_mac")" != bond0 ]; }
  tor ping -q -i 0.2 -W 10 -c "$pings" 10.100.0.1 >/run/ping.log 2>&1 &
  pinger=$!
  # Its age counts from before the ageing was set. From the first frame on it may be forgotten no more; the pings take
  # longer than the ageing.
  must until_true 15 eval '! forgotten'
  seen=no
  while kill -0 "$pinger" 2>/dev/null; do
    if forgotten; then seen=yes; fi
    sleep 0.5
  done
  wait "$pinger"
  check_equal "$path: remembers a remote MAC whose frames take the fast path" no "$seen"
  note "$path: $(grep transmitted /run/ping.log)"

  case $path in
    bridge) ip link del br0 ;;
    ovs) ovs-vsctl del-br br0 ;;
  esac
  check "$path gone: still forwarding" until_true 30 forwarding
done
finish
