# SPDX-License-Identifier: BSD-2-Clause
# The .deb as a user has it: installed, started by systemd, reloaded, rebooted, purged.
# lab: --root system --systemd --disk --timeout 1200 --silence 900
. "$LAB_GUEST/topology.sh"
. "$LAB_GUEST/product.sh"
. "$LAB_GUEST/traffic.sh"
failed_before=$(cat /var/lib/lab-failed 2>/dev/null || echo 0)
# The packages' own programs, not the build tree's.
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

until_true 120 eval 'systemctl is-system-running | grep -qE "running|degraded"'
check_equal "boot $LAB_BOOT: systemd has no failed unit" "" "$(systemctl --failed --plain --no-legend)"

# The switch: not part of the system that reboots.
switch_up() {
  modprobe -a igb bonding
  until_true 20 test -e /sys/class/net/eth3 || return 1
  ip netns add tor
  local nic
  for nic in "${TOR_NICS[@]}"; do ip link set "$nic" netns tor; done
  bond_tor 802.3ad
}
to_web1() { send "$1" --dev eth2 --guest "mac=$(guest_mac 1),vlan=100,tap=tap1"; }
forwarded() { reason forwarded; }
both_active() { active eth0 && active eth1; }

if [ "$LAB_BOOT" = 1 ]; then
  # By dpkg: what they depend on is in this root, and apt would first work out for minutes that this is so.
  check "install" dpkg --force-unsafe-io --install /lab/packages/xdpfwd_*.deb /lab/packages/xdpfwd-tools_*.deb
  check "the service is enabled" systemctl is-enabled xdpfwd
  check "and runs, though nothing of its uplink is there yet" until_true 120 systemctl is-active xdpfwd
  systemctl is-active xdpfwd >/dev/null || journalctl -u xdpfwd --no-pager

  # A hypervisor of systemd-networkd: the bond, and taps with a reader in place of VMs.
  cat >/etc/systemd/network/10-bond0.netdev <<'UNIT'
[NetDev]
Name=bond0
Kind=bond
[Bond]
Mode=802.3ad
LACPTransmitRate=fast
MIIMonitorSec=100ms
UNIT
  printf '[Match]\nName=eth0 eth1\n[Network]\nBond=bond0\n' >/etc/systemd/network/20-members.network
  printf '[Match]\nName=bond0\n[Link]\nPromiscuous=yes\n[Network]\nLinkLocalAddressing=no\nConfigureWithoutCarrier=yes\n' \
    >/etc/systemd/network/30-bond0.network
  cat >/etc/systemd/system/readers.service <<'UNIT'
[Unit]
Description=readers of taps, in place of VMs
After=xdpfwd.service
[Service]
ExecStartPre=/sbin/modprobe tun
ExecStart=/usr/bin/xdpfwd-pktgen sink --tap tap1 --tap tap2
[Install]
WantedBy=multi-user.target
UNIT
  printf 'igb\nbonding\n' >/etc/modules-load.d/lab.conf
  printf '\n[[guest]]\nname = "web2"\ntap = "tap2"\nmac = "%s"\nvlan = 100\n' "$(guest_mac 2)" >>/etc/xdpfwd/xdpfwd.toml
  must switch_up
  systemctl daemon-reload
  systemctl enable --now systemd-networkd readers 2>/dev/null
  check "the configuration is good" xdpfwd --check /etc/xdpfwd/xdpfwd.toml
  check "systemctl reload" systemctl reload xdpfwd
  check "xdpctl guest add" xdpctl guest add web1 --tap tap1 --mac "$(guest_mac 1)" --vlan 100
else
  must switch_up
fi

check "boot $LAB_BOOT: xdpfwd is active" systemctl is-active xdpfwd
check "boot $LAB_BOOT: forwarding" until_true 90 forwarding
# In turn: the second when the first is back in the bond.
check "boot $LAB_BOOT: native XDP on both members of networkd's bond" until_true 90 eval 'has_native_xdp eth0 && has_native_xdp eth1'
check "boot $LAB_BOOT: LACP complete" until_true 90 lacp_complete
check "boot $LAB_BOOT: members active" until_true 60 both_active
check "boot $LAB_BOOT: web1 is there" eval 'xdpctl guest list --json | grep -q web1'
check "boot $LAB_BOOT: web2 is there" eval 'xdpctl guest list --json | grep -q web2'
before=$(forwarded)
check "boot $LAB_BOOT: frames to web1" to_web1 500
check "boot $LAB_BOOT: are forwarded" until_true 30 eval '[ $(forwarded) -ge $((before + 500)) ]'

if [ "$LAB_BOOT" = 1 ]; then
  check "the journal has structured fields" eval \
    'journalctl -u xdpfwd -o json XDPFWD_GUEST=web1 | jq -es "length > 0 and .[0].PRIORITY == \"6\""'
  check "the journal has no error" eval '[ -z "$(journalctl -u xdpfwd -p err -q --no-pager)" ]'
  exposure=$(systemd-analyze security xdpfwd --no-pager | sed -n 's/.*Overall exposure level for xdpfwd.service: \([0-9.]*\).*/\1/p')
  check "systemd-analyze security: $exposure, at most 2.0" awk -v found="${exposure:-10}" 'BEGIN { exit !(found <= 2.0) }'
  # Tuning, under the unit's own restrictions.
  usecs() { ethtool -c eth0 | awk '$1 == "rx-usecs:" { print $2 }'; }
  tap_qdisc() { tc qdisc show dev tap1 root | cut -d' ' -f2; }
  interrupt=$(awk '$NF ~ /^eth0-(TxRx|rx)-1$/ { sub(":", "", $1); print $1 }' /proc/interrupts)
  knobs() {
    local nic
    for nic in eth0 eth1; do ethtool -c $nic; ethtool -k $nic; grep -H . /sys/class/net/$nic/queues/*/[rx]ps_cpus; done
    grep -H . /proc/irq/*/smp_affinity
    tc qdisc show
    sysctl net.core.default_qdisc
  }
  printf '[tuning]\napply = "manual"\non_stop = "revert"\nprofile = "throughput"\nnoqueue = "host"\n' >/etc/xdpfwd/xdpfwd.d/tuning.toml
  echo 3 >/sys/class/net/eth0/queues/rx-0/rps_cpus
  check "a [tuning] section" systemctl reload xdpfwd
  knobs >/run/knobs.before
  check "xdpctl tune apply" xdpctl tune apply
  check_equal "coalescing is changed" 50 "$(usecs)"
  check_equal "the affinity of an interrupt" 1 "$(cat "/proc/irq/$interrupt/smp_affinity_list")"
  check_equal "packet steering" 0 "$(tr -d ,0 </sys/class/net/eth0/queues/rx-0/rps_cpus | wc -w)"
  check_equal "a tap's qdisc, and the default" "noqueue noqueue" "$(tap_qdisc) $(sysctl -n net.core.default_qdisc)"
  check_equal "and nothing is wrong" "" "$(xdpctl tune status --json | jq -r '.problems[] | select(.waiting | not) | .why')"
  systemctl stop xdpfwd
  knobs >/run/knobs.after
  check "stopping puts it all back (on_stop = \"revert\")" diff /run/knobs.before /run/knobs.after
  systemctl start xdpfwd
  check "and the next start tunes again" until_true 60 eval '[ "$(usecs)" = 50 ]'
  check "xdpctl tune revert" xdpctl tune revert
  knobs >/run/knobs.after
  check "puts it all back too" diff /run/knobs.before /run/knobs.after
  rm /etc/xdpfwd/xdpfwd.d/tuning.toml
  echo 0 >/sys/class/net/eth0/queues/rx-0/rps_cpus
  systemctl reload xdpfwd
  # The static part: in force when linked, as it says itself.
  sed -n 's/^#   //p' /usr/share/xdpfwd/host-tuning.rules /usr/share/xdpfwd/host-tuning.conf >/run/link.sh
  fresh_tap() { ip tuntap del fresh mode tap; ip tuntap add fresh mode tap && ip link set fresh up; }
  fresh_qdisc() { tc qdisc show dev fresh root | cut -d' ' -f2; }
  must fresh_tap
  check_equal "a new tap has systemd's default" fq_codel "$(fresh_qdisc)"
  echo 3 >/sys/class/net/eth0/queues/rx-0/rps_cpus
  check "the udev rule and the sysctl file are linked" sh -ex /run/link.sh
  check_equal "the default qdisc is the kernel's" pfifo_fast "$(sysctl -n net.core.default_qdisc)"
  check "the rule turns packet steering off" until_true 60 eval '[ "$(tr -d 0,\\n </sys/class/net/eth0/queues/rx-0/rps_cpus)" = "" ]'
  check "a tap that is there has noqueue" until_true 60 eval '[ "$(fresh_qdisc)" = noqueue ]'
  must fresh_tap
  check "a new one too" until_true 60 eval '[ "$(fresh_qdisc)" = noqueue ]'
  tc qdisc replace dev fresh root handle 5: pfifo
  udevadm trigger --action=change /sys/class/net/fresh
  udevadm settle --timeout=60
  check_equal "one that somebody configured stays" "pfifo" "$(fresh_qdisc)"
  ip tuntap del fresh mode tap
  useradd --groups xdpfwd keeper
  check "a member of the group may drive it" runuser -u keeper -- xdpctl guest add extra --tap tap1 --mac 52:54:00:aa:00:77 --vlan 100
  check "and take it back" runuser -u keeper -- xdpctl guest del extra
  useradd stranger
  check "others may not" eval '! runuser -u stranger -- xdpctl status'
  before=$(forwarded)
  systemctl stop xdpfwd
  check "frames while it is stopped" to_web1 300
  systemctl start xdpfwd
  check "were forwarded" until_true 30 eval '[ $(forwarded) -ge $((before + 300)) ]'
  systemctl kill -s KILL xdpfwd
  check "systemd restarts it when it is killed" until_true 60 eval 'systemctl is-active xdpfwd && forwarding'
  note "first boot: $checks_passed passed, $checks_failed failed; rebooting"
  echo "$checks_failed" >/var/lib/lab-failed
  sync
  systemctl reboot
  sleep infinity
fi

check_equal "a tap has noqueue after a reboot, by the udev rule" "noqueue, nothing is tuned" \
  "$(tc qdisc show dev tap1 root | cut -d' ' -f2), $(xdpctl tune status --json | jq -r 'if .changes == [] then "nothing is tuned" else .changes end')"
check_equal "and the default is the kernel's, by the sysctl file" pfifo_fast "$(sysctl -n net.core.default_qdisc)"
check "purge" dpkg --force-unsafe-io --purge xdpfwd xdpfwd-tools
check "purging ends forwarding" eval '! has_native_xdp eth0 && ! has_native_xdp eth1'
check "and leaves nothing" eval '! [ -e /sys/fs/bpf/xdpfwd ] && ! [ -e /etc/xdpfwd ] && ! [ -e /var/lib/xdpfwd ]'
[ "$failed_before" = 0 ] || not_ok "first boot: $failed_before failed, see above"
finish
