# SPDX-License-Identifier: BSD-2-Clause
# Frames at a pace from the switch's first NIC to taps, for measurements: NICs of one queue with a fixed coalescing, each on
# the CPU that it is meant for, and the kernel's generator. What is measured is up to the script; so are taps and readers.
# shellcheck shell=bash

# Sender, receiver and the taps' readers have a CPU each where there are three; else they share one.
if [ "$(nproc)" -ge 3 ]; then sending=0 receiving=1 reading=2; else sending=0 receiving=0 reading=0; fi

# coalesce_hosts USECS: a fixed time before the hypervisor hears of a frame, not one of igb's adaptive modes.
coalesce_hosts() {
  local nic
  for nic in "${HOST_NICS[@]}"; do ethtool -C "$nic" rx-usecs "$1" || return; done
}
settle_nics() {
  local nic
  start_switch_shell || return
  for nic in "${HOST_NICS[@]}"; do ethtool -L "$nic" combined 1; done
  # The sender's NIC tells of each frame that it has sent, at once: a throttled interrupt comes sometimes for one frame and
  # sometimes for two, which made the figures of one build 10 % apart.
  for nic in "${TOR_NICS[@]}"; do
    tor ethtool -L "$nic" combined 1 && tor ethtool -C "$nic" rx-usecs 20 tx-usecs 0 || return
    # On the CPU that they share, what the sender's NIC has to do would be counted with the receiver's softirqs: a thread
    # does it, in process context.
    [ "$sending" != "$receiving" ] || tor sh -c "echo 1 >/sys/class/net/$nic/threaded" || return
  done
}

# pin_nics: a NIC's interrupts are made anew when a program is attached or detached; so this is said again then.
pin_nics() {
  local nic
  for nic in "${HOST_NICS[@]}"; do pin_interrupts "$nic" "$receiving"; done
  for nic in "${TOR_NICS[@]}"; do pin_interrupts "$nic" "$sending"; done
}
pin_interrupts() {
  local line
  for line in $(awk -v nic="$1" '$NF ~ "^" nic "(-|$)" { sub(":", "", $1); print $1 }' /proc/interrupts); do
    echo "$2" >"/proc/irq/$line/smp_affinity_list"
  done
}

# A shell on the switch's side that does what it is told, line by line: what a program costs that is started for a measurement
# would be in its softirqs (its memory is given back there), and starting one takes long.
start_switch_shell() {
  mkfifo /run/switch.asked /run/switch.answered || return
  # shellcheck disable=SC2016  # the other shell's
  tor bash -c "$(declare -f set_generator find_result)"'
    while read -r line; do
      said=
      eval "$line"
      echo "$? $said" >&3
    done </run/switch.asked 3>/run/switch.answered' &
  exec {switch_asked}>/run/switch.asked {switch_answered}</run/switch.answered
}
# on_switch LINE: its words are in switch_said. Or ask_switch LINE, and later switch_answers.
on_switch() { ask_switch "$1" && switch_answers; }
ask_switch() { printf '%s\n' "$1" >&"$switch_asked"; }
switch_answers() {
  local status
  read -r status switch_said <&"$switch_answered" && return "$status"
}

# generator COUNT PPS FIRST_MAC [MACS [BURST]]: what will be sent: 60 byte UDP to MACS addresses in turn; 0 pps: as fast as
# it can. With BURST: so many to an address at once, and PPS is of bursts.
generator() {
  local pace="ratep $2"
  [ "$2" != 0 ] || pace="delay 0"
  local settings=("count $1" "pkt_size 60" "clone_skb 0" "delay 0" "$pace" "burst ${5:-1}" "dst 10.0.0.2" "src_min 10.0.0.1"
    "src_max 10.0.0.1" "dst_mac $3" "dst_mac_count ${4:-1}" "src_mac 52:54:00:00:01:aa" "vlan_id 100")
  on_switch "set_generator $sending ${settings[*]@Q}"
}
# For the switch's shell: set_generator CPU SETTING...
set_generator() {
  local thread=/proc/net/pktgen/kpktgend_$1 setting
  shift
  echo rem_device_all >"$thread" && echo add_device eth2 >"$thread" || return
  for setting; do
    echo "$setting" >/proc/net/pktgen/eth2 || { echo "pktgen refused: $setting" >&2; return 1; }
  done
}
generate() { begin_generating && switch_answers; }
begin_generating() { ask_switch 'echo start >/proc/net/pktgen/pgctrl'; }
# How long the last run took, in microseconds; and how many frames it sent, which may be a few more than were asked for.
generated_usecs() { on_switch "find_result 1" && echo "$switch_said"; }
generated_frames() { on_switch "find_result 2" && echo "$switch_said"; }
# For the switch's shell.
find_result() {
  while read -r line; do
    [[ $line =~ ^Result:\ OK:\ ([0-9]+)\(.*\ usec,\ ([0-9]+)\  ]] && said=${BASH_REMATCH[$1]}
  done </proc/net/pktgen/eth2
  [ -n "$said" ]
}

# window begin NAME, window end NAME FRAMES [CPU]: what instructions are counted for. By a program that runs already, for the
# reason above; after "count start".
window() {
  local answer
  if [ -z "${window_asked:-}" ]; then
    mkfifo /run/window.asked /run/window.answered || return
    count windows </run/window.asked >/run/window.answered &
    exec {window_asked}>/run/window.asked {window_answered}</run/window.answered
  fi
  echo "$*" >&"$window_asked"
  read -r answer <&"$window_answered" && [ "$answer" = done ]
}

# delivered: frames that taps' readers have got. No program is started for it, nor for settled: that would add softirqs.
delivered() {
  local file count sum=0
  for file in /sys/class/net/tap*/statistics/tx_packets; do
    read -r count <"$file"
    sum=$((sum + count))
  done
  echo "$sum"
}
# settled: waits until no more has come for longer than any NIC here coalesces (33 ms); at most 50 s.
settled() {
  local last=-1 now file count _
  [ -p /run/never ] || mkfifo /run/never
  exec {never}<>/run/never
  for _ in $(seq 1000); do
    now=0
    for file in /sys/class/net/tap*/statistics/tx_packets; do
      read -r count <"$file"
      now=$((now + count))
    done
    [ "$now" != "$last" ] || break
    last=$now
    read -r -t 0.05 -u "$never"
  done
  exec {never}>&-
  [ "$now" = "$last" ]
}
