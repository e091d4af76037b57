# SPDX-License-Identifier: BSD-2-Clause
# The stand-in's module goes under traffic and comes, and goes and comes as large as it may be. No frame that was under way,
# no structure and no interrupt is left behind. Argument, after --: how many rounds under traffic (4).
# lab: --nic labnic --timeout 900
. "$LAB_TREE/tests/lab/nic/nic.sh"

rounds=${1:-4}
must load_verdicts
must everything_up

# reload: while frames are under way.
reload() {
  must stream none 5000
  must frames_come
  rmmod labnic || return
  wait "$streaming"
  ip netns del tor
  everything_up
}
must reload
must reload
free_before=$(free_kib)
for round in $(seq "$rounds"); do check "the module goes under traffic and comes, round $round" reload; done
nothing_missing "after these"

# As many as there can be: what each of them left would be there 256 or 32 times a load.
must rmmod labnic
ip netns del tor
large_load() { insmod /lab/labnic.ko pairs=16 queues=8 && rmmod labnic; }
must large_load
must large_load
interrupts=$(ls /proc/irq | wc -l) free_before=$(free_kib)
check "10 loads of 16 pairs of 8 queues" eval 'for n in {1..10}; do large_load || exit 1; done'
nothing_missing "after them"
check_equal "no interrupt is left" "$interrupts" "$(ls /proc/irq | wc -l)"
check "the kernel has nothing to complain of" kernel_is_content
finish
