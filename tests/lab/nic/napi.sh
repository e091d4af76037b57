# SPDX-License-Identifier: BSD-2-Clause
# Modes of NAPI on the stand-in, which as a real NIC does not interrupt until NAPI is done: interrupts stop in "deferred" and in
# "busy-poll" while frames go on to the guest's tap, against "softirq" under the same traffic, and come again when no frame
# does; in "auto" they come on the CPU of the threads. Where nothing polls for a process (before 6.13), busy-poll is deferred.
# lab: --nic labnic --root system --systemd --timeout 1100 --silence 900
. "$LAB_TREE/tests/lab/nic/nic.sh"
. "$LAB_GUEST/product.sh"
. "$LAB_GUEST/traffic.sh"
. "$LAB_GUEST/tuning.sh"
. "$LAB_GUEST/units.sh"

# The generator has CPU 2. Four queues share the frames, so each has one in 4 ms, and polls are apart. Deferral ends after 2 s
# without one: no busy machine makes 2 s of these gaps. Its timer waits 20 ms, so that a round of turns is over before, also here.
FRAMES=2000 PPS=1000
poller=cpu1
mode() {
  tune_with 'profile = "none"' 'steering = "off"' 'apply = "auto"' 'on_stop = "revert"' \
    "napi = \"$1\"" 'napi_usecs = 20000' 'napi_polls = 100' "cpus = \"$2\""
  systemctl reload xdpfwd && tuned
}

# interrupts [CPU]: how many each queue of eth0 has had, on that CPU or on all. Their names are not eth0's.
interrupts() {
  awk -v only="${1:-}" '
    NR == 1 { cpus = NF }
    $NF ~ /^labnic_comp[0-9]+@ln0a$/ {
      count = 0
      for (cpu = 0; cpu < cpus; cpu++) if (only == "" || only == cpu) count += $(cpu + 2)
      line = line gap count; gap = " "
    }
    END { print line }' /proc/interrupts
}
# minus LATER EARLIER: queue by queue.
minus() { paste <(tr ' ' '\n' <<<"$1") <(tr ' ' '\n' <<<"$2") | awk '{ print $1 - $2 }' | paste -sd' '; }
sum() { echo $((${1// /+})); }

# measure MODE: the traffic; `fired`: interrupts of each queue meanwhile, `rate`: of all in 1000 frames that were forwarded.
measure() {
  local before at_tap forwarded delivered
  before=$(interrupts) at_tap=$(tap_packets tap1) forwarded=$(reason forwarded)
  must burst $FRAMES $VM 100 $PPS
  check "$1: all frames are forwarded" until_true 60 all_forwarded $((forwarded + FRAMES))
  delivered=$(($(tap_packets tap1) - at_tap))
  check "$1: to the guest's tap: $delivered of $FRAMES" [ "$delivered" -ge $FRAMES ]
  fired=$(minus "$(interrupts)" "$before")
  rate=$(($(sum "$fired") * 1000 / delivered))
  note "$1: interrupts of each queue: $fired; $rate in 1000 frames"
}
stopped() { check "$1: interrupts stop: $rate in 1000 frames, $softirq in softirq" [ $((rate * 10)) -le "$softirq" ]; }

# Deferral ends by itself: 100 polls of 20 ms without a frame. When they are over, nothing but the next interrupt tells.
comes_back() {
  local before
  sleep 3
  before=$(sum "$(interrupts)")
  burst 1 $VM 100 && [ "$(sum "$(interrupts)")" -gt "$before" ]
}

# packed_on: the one CPU that all of eth0's threads may be on, and all its interrupts are on; else nothing.
packed_on() {
  local line
  {
    for line in $(pgrep '^napi/eth0-'); do taskset -cp "$line" | sed 's/.*: //'; done
    for line in $(awk '$NF ~ /^labnic_comp[0-9]+@ln0a$/ { sub(":", "", $1); print $1 }' /proc/interrupts); do
      cat "/proc/irq/$line/effective_affinity_list"
    done
  } | sort -u | paste -sd' ' | grep -x '[0-9]*'
}
# follow: all interrupts came where the threads are. A burst that was cut in two by a move tells nothing, so it is a small one.
follow() {
  local cpu all there
  cpu=$(packed_on) || return
  all=$(interrupts) there=$(interrupts "$cpu")
  burst 60 $VM 100 100 && [ "$(packed_on)" = "$cpu" ] || return
  all=$(minus "$(interrupts)" "$all") there=$(minus "$(interrupts "$cpu")" "$there")
  echo "of interrupts $all these were on CPU $cpu: $there" >/run/followed
  [ "$(sum "$all")" -gt 0 ] && [ "$all" = "$there" ]
}

until_true 180 system_is_up
must wire_up
must readers 1
configure 1
sed -i 's/"bond0"/"eth0"/' /etc/xdpfwd/xdpfwd.toml
tune_with 'profile = "none"'
must install_units
must systemctl start xdpfwd
must until_true 120 forwarding
must until_true 60 carrier eth0
check_equal "four queues have an interrupt each" 4 "$(interrupts | wc -w)"
check_equal "which nothing puts off" 0 "$(ethtool -c eth0 | awk '$1 == "rx-usecs:" { print $2 }')"

must mode softirq 1
measure softirq
softirq=$rate
check "softirq: interrupts come: $softirq in 1000 frames" [ "$softirq" -ge 50 ]
check "softirq: from each queue: $fired" eval '! grep -qw 0 <<<"$fired"'

must mode deferred 1
measure deferred
stopped deferred
check "deferred: without frames, interrupts come back" until_true 120 comes_back

must mode busy-poll 1
if kernel_polls_for_processes; then
  # On a starved machine this took 160 s once. Why is not known: perhaps systemd, which has two seconds to answer and is
  # asked again after 30.
  check "busy-poll: the poller is started" until_true 400 poller_polls $poller
  must until_true 60 nothing_to_tune
  check_equal "busy-poll: by io_uring" io_uring "$(poller_counters $poller | jq -r '[.queues[].handle] | unique | join(" ")')"
  own=$(poller_sum $poller own_packets)
  measure busy-poll
  own=$(($(poller_sum $poller own_packets) - own))
  check "busy-poll: the poller took most frames itself: $own of $FRAMES" [ $((own * 2)) -ge $FRAMES ]
  stopped busy-poll
else
  refused() { problem | grep -q "nothing on this kernel polls its queues"; }
  check "busy-poll: nothing polls for a process here, and that is said" until_true 400 refused
  note "$(problem | head -1)"
  must until_true 60 nothing_to_tune
  measure "busy-poll, deferred here"
  stopped "busy-poll, deferred here"
fi

must mode auto 0-2
check "auto: threads that have little to do are on one CPU, with their interrupts" until_true 120 packed_on
check "auto: each has one" [ "$(pgrep -c '^napi/eth0-')" -ge 4 ]
check "auto: interrupts come on that CPU and no other" until_true 300 follow
note "auto: $(cat /run/followed)"

[ "$checks_failed" -eq 0 ] || journalctl --no-pager -u xdpfwd -u 'xdpfwd-poller@*' | tail -40
check "a stop that puts back" systemctl stop xdpfwd
xdpfwd --detach-all
readers_end
# The kernel's generator is not known to it.
check "the reader read them all" [ "$(jq .foreign /run/readers.json)" -ge $((3 * FRAMES)) ]
the_end
