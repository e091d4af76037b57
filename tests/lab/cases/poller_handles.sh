# SPDX-License-Identifier: BSD-2-Clause
# xdpfwd-poller where io_uring is not taken (the case busy_poll has that): by an AF_XDP socket, whose polls forward frames that
# are none of its own; and by the kernel's own busy-polling threads (Linux 6.19), on the poller's CPU. Frames are forwarded also
# when the poller was killed, and when it ended as asked nothing of it is left; nor after a kill, when it is released, or the
# daemon that wanted it reverts. On kernels that have no way the poller says so, and ends with the status that stands for it.
# lab: --timeout 900
. "$LAB_GUEST/topology.sh"
. "$LAB_GUEST/product.sh"
. "$LAB_GUEST/traffic.sh"
. "$LAB_GUEST/units.sh"

frames=(--dev eth2 --guest "mac=$(guest_mac 1),vlan=100,tap=tap1")
counters=/run/poller
start_poller() {
  rm -rf "$counters"
  xdpfwd-poller --cpu 2 --queue eth0:0 --idle-ms "$idle" --handle "$1" --runtime-dir "$counters" >/run/poller.log 2>&1 &
  poller=$!
}
first_queue() { xdpfwd-poller --status --runtime-dir "$counters" --name any 2>/dev/null | jq -er ".queues[0].$1"; }
polls_by() { [ "$(first_queue handle)" = "$1" ]; }
killed() {
  kill -KILL "$poller"
  wait "$poller" 2>/dev/null
}
# looks_in SECONDS: how often the poller has the kernel tell of NAPI instances meanwhile. A dump may take two calls.
looks_in() {
  local trace=/sys/kernel/tracing
  mountpoint -q $trace || mount -t tracefs tracefs $trace
  echo 'p:napi_dump netdev_nl_napi_get_dumpit' >$trace/kprobe_events
  : >$trace/trace
  echo 1 >$trace/events/kprobes/napi_dump/enable
  sleep "$1"
  echo 0 >$trace/events/kprobes/napi_dump/enable
  grep -c 'xdpfwd-poller-.*napi_dump' $trace/trace
}
threads() { pgrep -d ' ' '^napi/eth0-'; }
forwards() {
  local before
  before=$(reason forwarded)
  PPS=1000 send 1000 "${frames[@]}" >/dev/null
  until_true 60 all_forwarded $((before + 1000))
}
# Most of a thousand; interrupts may be quicker for a while, when the host has no time for the poller's CPU.
by_polls() {
  local before
  before=$(first_queue "$1")
  forwards && until_true 5 eval '[ "$(first_queue '"$1"')" -gt $((before + 500)) ]'
}

must nics_up
# One queue: whose frames are whose is not the question, and a thread polls from its first interrupt on.
must ethtool -L eth0 combined 1
must bonds_up active-backup
must readers 1
configure 1
must daemon_up
must until_true 120 forwarding
must until_true 60 has_native_xdp eth1
active eth0 || must ip link set bond0 type bond active_slave eth0
must until_true 60 active eth0
echo 2 >/sys/class/net/eth0/napi_defer_hard_irqs
echo 200000 >/sys/class/net/eth0/gro_flush_timeout
note "$(uname -r)"

for handle in af_xdp threaded; do
  # A thread polls on whatever the poller says, so it has to say that.
  idle=0
  [ "$handle" = af_xdp ] || idle=100
  # igb tells which instance is a queue's since 6.14.
  first=6.14
  [ "$handle" = af_xdp ] || first=6.19
  if [ "$(printf '%s\n' "$first" "$(uname -r)" | sort -V | head -1)" != "$first" ]; then
    start_poller $handle
    wait "$poller"
    check_equal "$handle: the poller ends with the status that stands for it" 4 $?
    check "$handle: and says why" grep -qE "6.19|does not tell|too old" /run/poller.log
    note "$(cat /run/poller.log)"
    check "frames are forwarded" forwards
    continue
  fi
  start_poller $handle
  check "$handle: a poller" until_true 60 polls_by $handle
  note "$(cat /run/poller.log)"
  who=own
  if [ "$handle" = threaded ]; then
    # The thread's polls are not the poller's.
    who=other
    thread=$(threads)
    check "the queue has one thread" [ "$(wc -w <<<"$thread")" = 1 ]
    check_equal "on the poller's CPU" 2 "$(taskset -pc "$thread" | sed 's/.*: //')"
  fi
  check "$handle: frames are forwarded" forwards
  check "$handle: by its polls" until_true 60 by_polls "${who}_packets"
  polls=$(first_queue ${who}_polls)
  check "$handle: which go on when nothing comes" until_true 30 eval '[ "$(first_queue ${who}_polls)" -gt $((polls + 5000)) ]'
  if [ "$handle" = threaded ]; then
    check "threaded: the poller stays with what the kernel goes on polling" eval '[ "$(first_queue "state, .queues[0].backoffs" | paste -sd" ")" = "polling 0" ]'
    PPS=200 send 2000 "${frames[@]}" >/dev/null &
    sending=$!
    looks=$(looks_in 5)
    wait $sending
    check "threaded: and looks it up once a second while frames come: $looks dumps in 5 s" [ "$looks" -ge 2 -a "$looks" -le 15 ]
    # As a reset does that keeps the instance's id.
    echo 1 >/sys/class/net/eth0/threaded
    echo 0 >/sys/class/net/eth0/threaded
    check "threaded: a thread that was taken away is made anew" until_true 30 eval '[ -n "$(threads)" ] && [ "$(threads)" != "$thread" ]'
    thread=$(threads)
    check "on the poller's CPU, too" until_true 10 eval '[ "$(taskset -pc "$thread" | sed "s/.*: //")" = 2 ]'
    note "$(tail -1 /run/poller.log)"
  fi
  # In the middle of a burst, stopped, let go on, and killed.
  before=$(reason forwarded)
  PPS=1000 send 10000 "${frames[@]}" >/dev/null &
  sending=$!
  for signal in STOP CONT KILL; do
    reached=$(reason forwarded)
    must until_true 60 eval '[ $(reason forwarded) -ge $((reached + 300)) ]'
    kill -$signal "$poller"
  done
  check "$handle: then the burst had not ended" kill -0 $sending
  wait "$poller" $sending 2>/dev/null
  check "$handle: and no frame of it was lost" until_true 60 all_forwarded $((before + 10000))
  [ "$handle" != threaded ] || check_equal "the thread outlives a poller that is killed" "$thread" "$(threads)"
  check "$handle: frames are forwarded when it was killed" forwards
  check "$handle: a release" xdpfwd-poller --release --name any --runtime-dir "$counters"
  check_equal "$handle: leaves no thread" "" "$(threads)"
  start_poller $handle
  check "$handle: another poller takes over" until_true 60 polls_by $handle
  kill -TERM "$poller"
  wait "$poller"
  check_equal "$handle: which ends as asked" 0 $?
  check_equal "$handle: and leaves no thread" "" "$(threads)"
  check "$handle: frames are forwarded by softirqs" forwards
  [ "$handle" = threaded ] || continue
  # igb has an instance more than queues.
  echo 1 >/sys/class/net/eth0/threaded
  all=$(threads | wc -w)
  start_poller threaded
  check "threaded: a poller where there was a thread" until_true 60 polls_by threaded
  kill -TERM "$poller"
  wait "$poller"
  check "threaded: there is one again" until_true 10 eval '[ "$(threads | wc -w)" = "$all" ]'
  check_equal "threaded: on any CPU" "$(cat /sys/devices/system/cpu/online)" \
    "$(for one in $(threads); do taskset -pc "$one"; done | sed 's/.*: //' | sort -u)"
  check "threaded: which forwards" forwards
  echo 0 >/sys/class/net/eth0/threaded
done

# What a poller that was killed has left, the daemon puts back: it knows what was before.
if [ "$(printf '%s\n' 6.19 "$(uname -r)" | sort -V | head -1)" = 6.19 ]; then
  threads() { pgrep -d ' ' '^napi/eth'; }
  start_threads() {
    xdpfwd-poller --config /run/xdpfwd/pollers/cpu2.conf --handle threaded --name cpu2 --runtime-dir "$counters" >/run/poller.log 2>&1 &
    poller=$!
  }
  mkdir -p /etc/xdpfwd/xdpfwd.d
  printf '%s\n' '[tuning]' 'apply = "manual"' 'profile = "none"' 'cpus = "2"' 'napi = "busy-poll"' >/etc/xdpfwd/xdpfwd.d/tuning.toml
  must xdpctl reload
  for killed_too in poller daemon; do
    must xdpctl tune apply >/dev/null
    start_threads
    check "a poller of the daemon's file" until_true 60 polls_by threaded
    killed
    check "killed, it leaves threads: $(threads)" [ -n "$(threads)" ]
    if [ $killed_too = daemon ]; then
      daemon_down KILL
      must daemon_up
    fi
    check "a revert, the $killed_too having been killed" xdpctl tune revert
    check_equal "takes them away" "" "$(threads)"
    rm -rf "$counters"
  done
fi
readers_end >/dev/null
finish
