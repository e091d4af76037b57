# SPDX-License-Identifier: BSD-2-Clause
# xdpfwd in the guest, from the build tree: a configuration, the daemon, and waiting for what it says of itself.
# shellcheck shell=bash

xdpfwd_pid=''

# guest_mac N, as the guests of guest_tables have it.
guest_mac() { printf '52:54:00:aa:00:%02x' "$1"; }

# configure [N [VID]]: the uplink is bond0; N guests vm1, vm2, … on taps tap1, tap2, … and one VLAN.
configure() {
  local i
  mkdir -p /etc/xdpfwd /run/xdpfwd /var/lib/xdpfwd
  {
    printf '[uplink]\ndevices = ["bond0"]\n'
    [ -z "${UPLINK_MORE:-}" ] || printf '%s\n' "$UPLINK_MORE"
    printf '[control]\ngroup = ""\n'
    for i in $(seq 1 "${1:-0}"); do
      printf '[[guest]]\nname = "vm%d"\ntap = "tap%d"\nmac = "%s"\nvlan = %d\n' "$i" "$i" "$(guest_mac "$i")" "${2:-100}"
    done
  } >/etc/xdpfwd/xdpfwd.toml
}

# daemon_up [PROGRAM]: starts it and waits until it answers.
daemon_up() {
  "${1:-xdpfwd}" >>/run/xdpfwd.log 2>&1 &
  xdpfwd_pid=$!
  until_true 60 xdpctl version || { tail -20 /run/xdpfwd.log >&2; return 1; }
}

# daemon_down [SIGNAL]
daemon_down() {
  kill "-${1:-TERM}" "$xdpfwd_pid"
  wait "$xdpfwd_pid" 2>/dev/null
  xdpfwd_pid=''
}

status() { xdpctl status --json | jq -er "$1"; }
forwarding() { [ "$(status .state)" = forwarding ]; }
attached() { [ "$(status "[.members[] | select(.name == \"$1\") | .attached] | any")" = true ]; }
active() { [ "$(status "[.members[] | select(.name == \"$1\") | .active] | any")" = true ]; }
# reason NAME: one reason's count over all members.
reason() { status "[.members[].packets.$1] | add"; }
has_native_xdp() { ip -d link show "$1" | grep -q 'prog/xdp id'; }
