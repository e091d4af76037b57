#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# The main job on real input, on this machine, in namespaces of its own: a "switch" and a "hypervisor" joined by
# two cables, twelve guests on three VLANs, the real daemon, and a check of every frame. Leaves nothing behind.
set -euo pipefail
cd "$(dirname "$0")/.."

usage() {
  cat <<'TEXT'
usage: deploy/quickstart.sh [--json] [--keep] [--frames N] [--no-build]
  --json      end with one line of JSON
  --keep      leave it running to play with, until Enter or Ctrl-C; without a terminal, until SIGTERM or SIGINT
  --frames N  frames to send and check (default 1000000)
  --no-build  run the programs that are in $BUILD (default build), and install nothing
Installs what is missing (Debian 12 or 13, as root), builds, runs, checks, cleans up. Exit status 0: every frame
was where it belongs.
TEXT
}

json=false keep=false frames=1000000 make=true
while [ $# -gt 0 ]; do
  case "$1" in
    --json) json=true ;;
    --keep) keep=true ;;
    --no-build) make=false ;;
    --frames)
      shift
      frames=${1:-}
      [[ "$frames" =~ ^[1-9][0-9]*$ ]] || { echo "quickstart: --frames wants a number of frames, as in --frames 1000000" >&2; exit 2; }
      ;;
    -h | --help) usage; exit 0 ;;
    *) echo "quickstart: unknown argument '$1'" >&2; usage >&2; exit 2 ;;
  esac
  shift
done

say() { printf '%s\n' "$*" >&2; }
step() { printf '\n\033[1m== %s\033[0m\n' "$*" >&2; }
die() { say "quickstart: $*"; exit 1; }

[ "$(id -u)" -eq 0 ] || die "namespaces and BPF need root: run it as root, or with sudo"

build=$(realpath -m "${BUILD:-build}")
# On a terminal, the last line of what is read, over and over; elsewhere nothing.
show_progress() {
  local line
  while IFS= read -r line; do
    [ ! -t 2 ] || printf '\r\033[K%.100s' "$line" >&2
  done
  [ ! -t 2 ] || printf '\r\033[K' >&2
}

if $make; then
  step "packages and build"
  deploy/dependencies.sh build >&2
  cmake -S . -B "$build" -G Ninja -DXDPFWD_TESTS=OFF >"$build.log" 2>&1 || { tail -30 "$build.log" >&2; die "cmake failed"; }
  say "building in $build; what the compiler says is in $build.log"
  ninja -C "$build" xdpfwd xdpctl xdpfwd-pktgen 2>&1 | tee -a "$build.log" | show_progress || { tail -30 "$build.log" >&2; die "the build failed"; }
  rm -f "$build.log"
fi
for program in xdpfwd xdpctl xdpfwd-pktgen; do
  [ -x "$build/$program" ] || die "there is no $build/$program; without --no-build it is built"
done

switch=xdpfwd-switch-$$ host=xdpfwd-host-$$ work=/run/xdpfwd-quickstart-$$
daemon='' generator=''

clean_up() {
  local status=$?
  trap '' INT TERM
  [ -z "$generator" ] || { kill -INT "$generator" 2>/dev/null && wait "$generator" 2>/dev/null; } || true
  [ -z "$daemon" ] || { kill "$daemon" 2>/dev/null && wait "$daemon" 2>/dev/null; } || true
  ip netns del "$host" 2>/dev/null || true
  ip netns del "$switch" 2>/dev/null || true
  ! mountpoint -q "$work/bpf" || umount "$work/bpf"
  rm -rf "$work"
  exit "$status"
}
trap clean_up EXIT
interrupted() {
  step "interrupted: nothing is said about the frames"
  exit "$1"
}
trap 'interrupted 130' INT
trap 'interrupted 143' TERM

# The generator ends by itself when told; its exit status is the verdict.
verdict() {
  local status=0
  trap '' INT TERM
  kill -INT "$generator" 2>/dev/null || true
  wait "$generator" || status=$?
  generator=''
  step "$([ "$status" -eq 0 ] && echo 'every frame was where it belongs' || echo 'FAILED: frames were lost or wrong')"
  ! $json || printf '%s\n' "$report"
  [ "$status" -eq 0 ] || exit 1
  exit 0
}

step "a switch and a hypervisor, joined by two cables"
mkdir -p "$work/bpf" "$work/state"
mount -t bpf bpf "$work/bpf"
mkfifo "$work/ready"
for namespace in "$switch" "$host"; do
  ip netns add "$namespace"
  # Nothing of the namespaces' own on the wires.
  ip netns exec "$namespace" sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
done
for i in 0 1; do
  ip -n "$switch" link add "sw$i" type veth peer name "up$i" netns "$host"
  ip -n "$switch" link set "sw$i" up
done
if ip -n "$host" link add bond0 type bond mode balance-xor 2>/dev/null; then
  for i in 0 1; do ip -n "$host" link set "up$i" master bond0; done
  ip -n "$host" link set bond0 up
  devices='"bond0"'
  say "uplink: bond0 over up0 and up1"
else
  devices='"up0", "up1"'
  say "uplink: up0 and up1 (this kernel has no bonding)"
fi
for i in 0 1; do ip -n "$host" link set "up$i" up; done

{
  printf '[uplink]\ndevices = [%s]\n' "$devices"
  printf '[daemon]\nbpffs = "%s/bpf/xdpfwd"\nstate_dir = "%s/state"\n' "$work" "$work"
  printf '[control]\nsocket = "%s/control.sock"\n' "$work"
  for i in $(seq 1 12); do
    printf '[[guest]]\nname = "vm%d"\ntap = "tap%d"\nmac = "52:54:00:00:00:%02x"\nvlan = %d\n' "$i" "$i" "$i" $((100 + i % 3))
  done
} >"$work/xdpfwd.toml"
guests=()
for i in $(seq 1 12); do
  guests+=(--guest "$(printf 'name=vm%d,tap=tap%d,mac=52:54:00:00:00:%02x,vlan=%d' "$i" "$i" "$i" $((100 + i % 3)))")
done

step "twelve guests on three VLANs open their taps; the daemon starts"
"$build/xdpfwd" --check "$work/xdpfwd.toml" >&2
# In sessions of their own: a terminal's Ctrl-C is for this script, which ends them.
coproc PKTGEN {
  exec setsid "$build/xdpfwd-pktgen" loop --tx-netns "$switch" --rx-netns "$host" --member tx=sw0,rx=up0 --member tx=sw1,rx=up1 \
    "${guests[@]}" --size 64 --size 594 --size 1518 --count "$frames" --ready-file "$work/ready" --start-stdin --hold --json
}
generator=$PKTGEN_PID
exec {from_generator}<&"${PKTGEN[0]}" {to_generator}>&"${PKTGEN[1]}"
read -r -t 30 _ <"$work/ready" || die "the taps did not open within 30 s"
setsid ip netns exec "$host" "$build/xdpfwd" --config "$work/xdpfwd.toml" &
daemon=$!

step "every frame is checked: tap, bytes, order, loss, duplicates; then what belongs to the host's stack"
echo go >&"$to_generator"
report=''
while IFS= read -r line <&"$from_generator"; do
  report=$line
  [[ "$line" == '{'* ]] && break
  say "$line"
done
[[ "$report" == '{'* ]] || die "the packet generator gave no report"

ctl() { "$build/xdpctl" --socket "$work/control.sock" "$@"; }
step "what xdpctl says"
for command in status "port list" "fdb list" stats; do
  say ""
  say "\$ xdpctl $command"
  # shellcheck disable=SC2086  # two words
  ctl $command >&2 || true
done

if $keep; then
  step "it keeps running; try, in another terminal"
  say "  alias ctl='$build/xdpctl --socket $work/control.sock'"
  say "  ctl status; ctl stats --watch; ctl fdb lookup 101 52:54:00:00:00:01"
  say "  ctl guest add extra --tap tap1 --mac 52:54:00:00:00:aa --vlan 100; ctl guest list"
  say "  ip netns exec $host ip -d link show up0"
  say "  ip netns exec $switch $build/xdpfwd-pktgen send --dev sw0 --guest mac=52:54:00:00:00:aa,vlan=100 --pps 1000 --duration 5"
  say "  configuration: $work/xdpfwd.toml (ctl plan; ctl reload)"
  # From here on the frames have their verdict, however it ends.
  trap verdict INT TERM
  if [ -t 0 ]; then
    say "Enter or Ctrl-C ends it."
    read -r _ || true
  else
    say "kill $$ ends it."
    wait "$daemon" || true
  fi
fi
verdict
