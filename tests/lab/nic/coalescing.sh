# SPDX-License-Identifier: BSD-2-Clause
# The stand-in's coalescing: that it delays, globally and for one queue; and mlx5's reset when adaptive is switched.
# lab: --nic labnic
. "$LAB_TREE/tests/lab/nic/nic.sh"

shown() { ethtool -c eth0 | awk -v name="$1:" '$1 == name { print $2 }'; }
shown_of_queue() {
  ethtool --per-queue eth0 queue_mask "$(printf '0x%x' $((1 << $1)))" --show-coalesce | awk -v name="$2:" '$1 == name { print $2 }'
}
by_ioctl() { python3 "$LAB_TREE/tests/lab/nic/coalesce_by_ioctl.py" eth0 "$@"; }
both() { echo "$(shown rx-usecs) $(shown tx-usecs)"; }

must nics_up
ip link set eth0 up
tor ip link set eth2 up
must until_true 20 carrier eth0
check_equal "adaptive at first, at mlx5's start values" "8 8" "$(both)"

check_equal "by ioctl, adaptive off and 0 us in one call: the 0 is thrown away" "rx-usecs 16 tx-usecs 16 adaptive 0" \
  "$(by_ioctl off 0 0)"
check_equal "by ioctl, once more: taken" "rx-usecs 0 tx-usecs 0 adaptive 0" "$(by_ioctl off 0 0)"
check_equal "by ioctl, adaptive on: its values" "rx-usecs 8 tx-usecs 8 adaptive 1" "$(by_ioctl on 3 3)"
# From 6.12 on at the latest, the kernel makes two calls of the driver out of this one (net/ethtool/coalesce.c).
check "by netlink, adaptive off and 5 us in one call" ethtool -C eth0 adaptive-rx off adaptive-tx off rx-usecs 5 tx-usecs 6
check_equal "is taken: netlink hides the reset" "5 6" "$(both)"
check "too long is refused" eval '! ethtool -C eth0 rx-usecs 5000 2>/dev/null'

check "one queue, adaptive on" ethtool --per-queue eth0 queue_mask 0x2 --coalesce adaptive-rx on
check "one queue, adaptive off with 77 us in one call" ethtool --per-queue eth0 queue_mask 0x2 --coalesce adaptive-rx off rx-usecs 77
check_equal "the 77 is thrown away" 16 "$(shown_of_queue 1 rx-usecs)"
check "one queue, 77 us" ethtool --per-queue eth0 queue_mask 0x2 --coalesce rx-usecs 77
check_equal "are taken" 77 "$(shown_of_queue 1 rx-usecs)"
check_equal "by this queue only" 5 "$(shown_of_queue 2 rx-usecs)"
check "all queues again" ethtool -C eth0 rx-usecs 4
check_equal "that one too" 4 "$(shown_of_queue 1 rx-usecs)"

echo 1 >/sys/module/labnic/parameters/ignore_tx_usecs
check "told to ignore tx-usecs, it accepts them" ethtool -C eth0 rx-usecs 7 tx-usecs 64
check_equal "and keeps the old ones" "7 6" "$(both)"
echo 0 >/sys/module/labnic/parameters/ignore_tx_usecs

# It delays. All on queue 2, whose interrupt is on the sender's CPU: each frame has its own there unless something delays. On
# another CPU an emulated one comes late by itself, so that several frames share it.
must ethtool -C eth0 rx-usecs 0
must ethtool -N eth0 flow-type ether dst $VM action 2 loc 1
interrupts() {
  local before
  before=$(counter ch2_events)
  must burst 500 $VM none 2000
  echo $(($(counter ch2_events) - before))
}
queue_2() { ethtool --per-queue eth0 queue_mask 0x4 --coalesce "$@"; }
none=$(interrupts)
must queue_2 rx-usecs 4000 rx-frames 1000
long=$(interrupts)
check "500 frames at 2000 a second: $long interrupts with 4000 us, $none without" [ $((long * 2)) -lt "$none" ]
# Nine frames and then no more: the timer brings them.
before=$(counter rx2_packets)
must burst 9 $VM none 1000
check_equal "frames below rx-frames come when the time is over" 9 $(($(counter rx2_packets) - before))
must queue_2 rx-usecs 4000 rx-frames 1
frames=$(interrupts)
check "and at once with rx-frames 1: $frames interrupts" [ "$frames" -gt $((long * 2)) ]
the_end
