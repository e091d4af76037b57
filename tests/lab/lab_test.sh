#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The lab itself: statuses, a guest that panics, one that hangs, two side by side, and that nothing is left behind.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lab/guest/checks.sh
work=$(mktemp -d)
# Runs of this test only, to see what they leave.
export TMPDIR=$work
trap 'rm -rf "$work"' EXIT

lab() {
  local log=$work/$1
  shift
  tests/lab/lab run --nic none "$@" >"$log" 2>&1
  echo $? >"$log.status"
}
status_of() { cat "$work/$1.status"; }

lab words sh -- -c 'echo "$1"; uname -r; exit 7' sh 'two words' &
lab panic sh -- -c 'echo c >/proc/sysrq-trigger; sleep 1000' &
wait
check_equal "side by side, the first: the status is the script's" 7 "$(status_of words)"
check_equal "its output" "two words" "$(head -1 "$work/words")"
check_equal "the other panicked: status 125" 125 "$(status_of panic)"
check "said so" grep -q "the guest's kernel panicked" "$work/panic"
check "and showed its console" grep -q 'sysrq triggered crash' "$work/panic"

# Long enough for a boot on a busy machine: the limits start to count with it.
lab silent --silence 90 sh -- -c 'exec >/dev/null 2>&1; sleep 1000' &
lab endless --timeout 100 sh -- -c 'while :; do echo again; sleep 1; done' &
wait
check_equal "a silent guest is ended: status 124" 124 "$(status_of silent)"
check "with the reason" grep -q 'silent for 90 s' "$work/silent"
check_equal "an endless one too: status 124" 124 "$(status_of endless)"
check "with the reason" grep -q 'time limit of 100 s' "$work/endless"

tests/lab/lab run --nic none sleep -- 1000 >"$work/ended" 2>&1 &
ended=$!
until_true 60 test -e "$work"/xdpfwd-lab-*/run-*/pid
emulator=$(cat "$work"/xdpfwd-lab-*/run-*/pid)
kill "$ended"
wait "$ended"
check_equal "ended by SIGTERM: status 143" 143 $?
check "its emulator is gone" eval "! kill -0 $emulator"
tests/lab/lab run --nic none sleep -- 1000 >"$work/killed" 2>&1 &
ended=$!
until_true 60 test -e "$work"/xdpfwd-lab-*/run-*/pid
emulator=$(cat "$work"/xdpfwd-lab-*/run-*/pid)
kill -KILL "$ended"
wait "$ended" 2>/dev/null
check "killed: its emulator goes with it" until_true 20 eval "! kill -0 $emulator"

check_equal "nothing is left but the folder of the run that was killed" 1 "$(find "$work"/xdpfwd-lab-* -maxdepth 1 -name 'run-*' | wc -l)"

for wrong in "--kernel nine true" "--kernel 3.2 true" "no-such-script.sh" "--icount --count-instructions true" "--systemd true" "--cpus 0 true"; do
  # shellcheck disable=SC2086  # words
  tests/lab/lab run $wrong >"$work/wrong" 2>&1
  status=$?
  check_equal "refused: lab run $wrong ($(tail -1 "$work/wrong" | cut -c1-100))" 2 "$status"
done
tests/lab/lab run --nic none true >"$work/true" 2>&1
check_equal "true: status 0" 0 $?
check_equal "and later runs took the folder away" 0 "$(find "$work"/xdpfwd-lab-* -maxdepth 1 -name 'run-*' | wc -l)"
finish
