# SPDX-License-Identifier: BSD-2-Clause
# Mode auto on igb with four CPUs: three queues that take 30 % of a CPU each end on one CPU near 90 %, their interrupts with
# them, and stay; a burst spreads them; when it is over they are packed again; all is put back.
#
# The clock counts instructions: a CPU is as fast as ever, however busy this machine is. The CPUs run in turns then, so what
# one does makes the others' work look longer. While threads are watched nothing else may run: only the shell's own words are
# used, no process is started.
# lab: --cpus 4 --icount --timeout 1800 --silence 600
. "$LAB_GUEST/topology.sh"
. "$LAB_GUEST/product.sh"
. "$LAB_GUEST/traffic.sh"
. "$LAB_GUEST/tuning.sh"

# Of three threads together, in percent of a CPU: what is aimed at, and what will do.
AIM=88 LOWEST=85 HIGHEST=92

mkfifo /run/quiet
exec {quiet}<>/run/quiet
pause() { read -rt "$1" -u "$quiet"; }

look() { xdpctl napi status --json >/run/napi.json; }
is_packed_on() { look && [ "$(jq '.packing.cpus_used' </run/napi.json)" = "$1" ]; }
# apart: threads whose interrupt is elsewhere.
apart() { look && jq '[.napis[] | select(.irq != null and .cpus != .irq_cpus)] | length' </run/napi.json; }
none_apart() { [ "$(apart)" = 0 ]; }

# A thread waits behind whatever else runs on its CPU, and is moved away for it. So all else is on CPU 0.
keep_to_cpu0() {
  local irq
  taskset -acp 0 $$ >/dev/null
  echo 1 >/sys/devices/virtual/workqueue/cpumask
  echo 1 >/proc/irq/default_smp_affinity
  for irq in /proc/irq/[0-9]*/smp_affinity; do echo 1 >"$irq"; done 2>/dev/null
  return 0
}

# An emulated sender does not fill an emulated CPU. So each frame that is passed to the stack costs the thread the evaluation
# of 500 rules more: 0.7 ms. The dearer a frame, the more do intervals of 100 ms differ by how many came in them: with 2000 rules
# a frame more was 2.7 % of one, and threads that took 87 % together parted.
make_frames_dear() {
  local i
  modprobe nf_tables
  {
    echo 'table netdev lab { chain rules {'
    for i in $(seq 100); do echo "ether type $((0x9000 + i))"; done
    echo '}; chain arriving { type filter hook ingress device eth0 priority 0;'
    for i in $(seq 5); do echo 'jump rules'; done
    echo 'drop; }; }'
  } | nft -f -
}

# start_sending PPS: three flows in turn, to MACs that nobody has; `sender` is its pid. The flows differ in their number:
# their IP addresses come from it, and the queue from these.
NOBODY=(--guest "mac=02:de:ad:00:00:01,vlan=100,tap=a" --guest "mac=02:de:ad:00:00:02,vlan=100,tap=b"
  --guest "mac=02:de:ad:00:00:03,vlan=100,tap=c")
start_sending() {
  ip netns exec tor xdpfwd-pktgen send --backend packet --realtime --max-late 2 --dev eth2 --first-id "$flow" --pps "$1" \
    --count 100000000 "${NOBODY[@]}" >>/run/sender.log 2>&1 &
  sender=$!
}
stop_sending() {
  kill -INT "$1"
  wait "$1"
}
# find_flows: `flow`, so that it and the next two are on a queue each. The hash has another key in each boot.
arrived() { ethtool -S eth0 | awk '/rx_queue_[0-9]+_packets/ { print $2 }' | paste -sd' '; }
find_flows() {
  local id before now queue said last=(0 0 0)
  for id in $(seq 60); do
    before=$(arrived)
    said=$(PPS=1000 send 1 --dev eth2 --first-id "$id" "${NOBODY[@]:0:2}") || { note "not sent: $said" && return 1; }
    until_true 10 eval 'now=$(arrived); [ "$now" != "$before" ]'
    queue=$(paste <(tr ' ' '\n' <<<"$before") <(tr ' ' '\n' <<<"$now") | awk '$1 != $2 { print NR; exit }')
    last=("${last[@]: -2}" "${queue:-0}")
    flow=$((id - 2))
    [ "$(printf '%s\n' "${last[@]}" | grep -v 0 | sort -u | wc -l)" -lt 3 ] || return 0
  done
  note "the last flows came on queues ${last[*]}"
  return 1
}

# places: `cpus` of the three `threads` and `irq_cpus` of their `irqs`, as the kernel tells.
places() {
  local thread irq text list
  cpus='' irq_cpus=''
  for thread in "${threads[@]}"; do
    mapfile -d '' text <"/proc/$thread/status"
    [[ ${text[0]} =~ Cpus_allowed_list:[[:space:]]*([0-9,-]+) ]] && cpus+="${BASH_REMATCH[1]} "
  done
  for irq in "${irqs[@]}"; do
    read -r list <"/proc/irq/$irq/effective_affinity_list"
    irq_cpus+="$list "
  done
}
on_one() {
  places
  local one=${cpus%% *}
  [ "$cpus" = "$one $one $one " ] && [ "$irq_cpus" = "$cpus" ]
}
is_spread() { ! on_one && [ "$cpus" = "$irq_cpus" ]; }

# counters CPU: `now`, nanoseconds; how many `frames` came; what each thread `has_run` and `has_waited`; of the CPU `idle` of
# `all` ticks; how often `irqs` came on other CPUs, in `strays`.
counters() {
  local i words ran waited one irq
  now=${EPOCHREALTIME/./}000 has_run=() has_waited=() all=0 strays=0
  for i in 0 1 2; do
    read -r ran waited _ <"/proc/${threads[i]}/schedstat"
    has_run+=("$ran") has_waited+=("$waited")
  done
  read -r frames </sys/class/net/eth0/statistics/rx_packets
  { for ((i = -1; i <= $1; ++i)); do read -ra words; done; } </proc/stat
  for one in "${words[@]:1:8}"; do all=$((all + one)); done
  idle=$((words[4] + words[5]))
  for irq in "${irqs[@]}"; do
    IFS=, read -ra words <"/sys/kernel/irq/$irq/per_cpu_count"
    words[$1]=0
    for one in "${words[@]}"; do strays=$((strays + one)); done
  done
}

# sending PPS SECONDS [COMMAND...]: for so long, or until the command is true, looked at once a second. What each thread `ran`
# and `waited`, and the `sum` of the first, of the time that so many frames take (a sender begins late); how `busy` the first
# one's CPU was; all in percent; how often threads or interrupts were elsewhere than a second before (`moved`); whether all are
# on one CPU at the end (`together`); and interrupts that came `elsewhere`. All but the places is read while nothing is sent.
sending() {
  local i cpu was begun sent run_before wait_before idle_before all_before strays_before seconds=$2 pps=$1
  shift 2
  places
  cpu=${cpus%% *} was="$cpus$irq_cpus" moved=0
  counters "$cpu"
  begun=$now sent=$frames run_before=("${has_run[@]}") wait_before=("${has_waited[@]}")
  idle_before=$idle all_before=$all strays_before=$strays
  start_sending "$pps"
  for ((i = 0; i < seconds; ++i)); do
    pause 1
    places
    [ "$was" = "$cpus$irq_cpus" ] || moved=$((moved + 1))
    was="$cpus$irq_cpus"
    [ $# -eq 0 ] || ! "$@" || break
  done
  kill -INT $sender
  if on_one; then together=yes; else together=no; fi
  counters "$cpu"
  wait $sender
  sent=$(((frames - sent) * 1000000000 / pps))
  ran='' waited='' sum=0
  [ $sent -gt 0 ] || return
  for i in 0 1 2; do
    ran+="$(((has_run[i] - run_before[i]) * 100 / sent)) "
    waited+="$(((has_waited[i] - wait_before[i]) * 100 / sent)) "
    sum=$((sum + has_run[i] - run_before[i]))
  done
  sum=$((sum * 100 / sent))
  busy=$((100 - (idle - idle_before) * 100 / (all - all_before))) elsewhere=$((strays - strays_before))
  note "$pps frames a second, for $((sent / 1000000)) ms in $((now / 1000000 - begun / 1000000)): ran $ran= $sum %, waited" \
    "$waited%, on CPUs ${cpus}with interrupts on ${irq_cpus}CPU $cpu $busy % busy, moved $moved times"
}
in_range() { [ "$1" -ge "$2" ] && [ "$1" -le "$3" ]; }
fits() { in_range "$sum" $LOWEST $HIGHEST; }
# verdict NAME COMMAND...: as check, in this shell.
verdict() {
  local name=$1
  shift
  if "$@"; then ok "$name"; else not_ok "$name"; fi
}

must keep_to_cpu0
must nics_up
must bonds_up active-backup
configure 1
tune_with 'profile = "none"'
must daemon_up
must until_true 60 forwarding
must until_true 60 has_native_xdp eth1
# The daemon's attaching resets it, and then it is not.
make_active() { active eth0 || { ip link set bond0 type bond active_slave eth0 && active eth0; }; }
must until_true 60 make_active
host_knobs eth0 eth1 >/run/knobs.before

tune_with 'profile = "none"' 'napi = "auto"' 'cpus = "1-3"' 'channels = 3'
must eval 'xdpctl tune apply >/run/apply.log'
must tuned
check "idle threads are on one CPU" until_true 60 is_packed_on 1
check "their interrupts are known" eval '[ "$(jq "[.napis[] | select(.irq != null)] | length" </run/napi.json)" -ge 6 ]'
check_equal "and each is with its thread" 0 "$(apart)"

mapfile -t threads < <(pgrep -l '^napi/eth0-' | sort -k 2 | head -3 | cut -d' ' -f 1)
mapfile -t irqs < <(awk '/eth0-rx-/ { sub(":", ""); print $1 }' /proc/interrupts)
missed=$(reason miss)
must find_flows
missed=$(($(reason miss) - missed))
check "frames to nobody pass to the stack: $missed of $((flow + 2))" [ $missed -ge $((flow + 2)) ]
must make_frames_dear

# The rate is found by trying: what a frame costs, nobody knows before. First one that is sure to fit, of which the rise
# spreads the threads; when they have come together, more in steps that the packer does not call a rise. Between two senders
# there is a gap, which must be shorter than its window.
# fill_up: until they fill a CPU, and then for 12 s. The daemon looks at all that is set each 30 s, slowly here, which may part
# them (above): so it begins right after a look.
fill_up() {
  local pps=$low top
  xdpctl tune apply >/run/apply.log || return
  until_true 30 on_one || return
  sending $low 60 on_one
  sending $low 2
  [ $together = yes ] || return
  top=$((low * AIM / sum))
  while [ $pps -lt $top ]; do
    pps=$((pps * 107 / 100 < top ? pps * 107 / 100 : top))
    sending $pps 2
    [ $together = yes ] || return
    ! fits || top=$pps
  done
  sending $top 12
  high=$top
  fits && [ $together = yes ] && [ $moved = 0 ]
}
sending 400 4
must [ "$sum" -gt 0 ]
low=$((400 * 60 / sum)) high=$((400 * AIM / sum))
for ((attempt = 0; attempt < 6; ++attempt)); do
  ! fill_up || break
done
verdict "three queues' threads fill a CPU: $sum %" fits
for one in $ran; do check "each of them takes about 30 %: $one %" in_range "$one" 26 32; done
check_equal "they and their interrupts are on one CPU" yes "$together"
check_equal "and stay for 12 s" 0 "$moved"
check "it is nearly full: $busy %" in_range "$busy" 80 97
check_equal "their interrupts come on no other CPU" 0 "$elsewhere"

start_sending $high
base=$sender
start_sending $((high / 3))
check "a burst spreads them" until_true 30 is_spread
# Of one look of the daemon's: where moves go on, two looks of ours do not tell.
check "each interrupt with its thread" until_true 30 none_apart
look
told=$(jq '[.napis[].packets // 0] | add' </run/napi.json)
check "what their polls take is told: $told packets a second" in_range "$told" $((high / 2)) $((high * 3))
# What was recorded of real threads, spread by the burst, is a load for the simulation.
xdpctl napi record --seconds 4 --every 0.2 >"$LAB_OUT/packing.csv"
check "the load is recorded: $(wc -l <"$LAB_OUT/packing.csv") lines" [ "$(grep -c '^[0-9]' "$LAB_OUT/packing.csv")" -ge 30 ]
stop_sending "$sender"
stop_sending "$base"
check "and simulated" eval 'xdpctl napi pack --simulate "$LAB_OUT/packing.csv" --cpus 3 --json >/run/simulated.json'
offered=$(jq '.trace[].offered_cpus * 100 | round' /run/simulated.json)
check "it is the work of three threads in a burst: $offered % of a CPU" in_range "$offered" 90 300
# Parted they look as if they did not fit on one any more (above): so fewer than before.
sending $low 120 on_one
check_equal "and when it is over they are packed again" yes "$together"

check "put back" xdpctl tune revert
must until_true 60 eval '[ "$(xdpctl tune status --json | jq ".changes | length")" = 0 ]'
host_knobs eth0 eth1 >/run/knobs.after
check "as it was before" diff /run/knobs.before /run/knobs.after
finish
