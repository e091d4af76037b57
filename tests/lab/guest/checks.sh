# SPDX-License-Identifier: BSD-2-Clause
# Checks by name, as TAP prints them: "ok - NAME", "not ok - NAME". A case ends with finish, whose status is the case's.
# Leaves to the cases what to check.
# shellcheck shell=bash

checks_passed=0
checks_failed=0

note() { printf '# %s\n' "$*"; }
ok() {
  checks_passed=$((checks_passed + 1))
  printf 'ok - %s\n' "$*"
}
not_ok() {
  checks_failed=$((checks_failed + 1))
  printf 'not ok - %s\n' "$*"
}

# check NAME COMMAND...: by the command's status; what it printed is shown when it fails.
check() {
  local name=$1 said
  shift
  if said=$("$@" 2>&1); then
    ok "$name"
  else
    not_ok "$name"
    note "failed: $*"
    [ -z "$said" ] || sed 's/^/#   /' <<<"$said"
  fi
}

# check_equal NAME WANTED FOUND
check_equal() {
  if [ "$2" = "$3" ]; then ok "$1"; else not_ok "$1: wanted '$2', found '$3'"; fi
}

# until_true SECONDS COMMAND...: polls, for what announces itself nowhere. Fails when the time is over.
until_true() {
  local end=$((SECONDS + $1))
  shift
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.2
  done
}

# must COMMAND...: what the case cannot go on without.
must() {
  "$@" && return
  not_ok "set-up: $*"
  finish
}

finish() {
  printf '1..%d\n' $((checks_passed + checks_failed))
  note "$checks_passed passed, $checks_failed failed"
  [ "$checks_failed" -eq 0 ] && [ "$checks_passed" -gt 0 ]
  exit
}
