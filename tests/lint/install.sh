#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# What `cmake --install` puts where: as the unit, the daemon and Debian expect it. Only the programs need to be built.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build}
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
status=0
complain() { echo "install: $*" >&2; status=1; }
install_tree() {
  DESTDIR=$1 cmake --install "$build" "${@:2}" >"$root/log" 2>&1 || { cat "$root/log" >&2; complain "cmake --install ${*:2} failed"; }
}
has() { [ -e "$1/$2" ] || complain "there is no /$2"; }

# Where a tree installs to that nobody told. A tree that exists may have been told.
cmake -S . -B "$root/fresh" -DXDPFWD_TESTS=OFF -DXDPFWD_BENCH=OFF >"$root/log" 2>&1 || { cat "$root/log" >&2; complain "cmake"; }
grep -q '^CMAKE_INSTALL_PREFIX:PATH=/usr$' "$root/fresh/CMakeCache.txt" || complain "the prefix is not /usr by default"

# In another place, the unit still starts what is installed, and the configuration stays where the daemon looks.
for prefix in /usr /opt/xdpfwd; do
  tree=$root$prefix.tree
  mkdir -p "$tree"
  install_tree "$tree" --prefix "$prefix"
  for file in "${prefix#/}/sbin/xdpfwd" "${prefix#/}/sbin/xdpfwd-poller" "${prefix#/}/bin/xdpctl" \
    "${prefix#/}/bin/xdpfwd-pktgen" "${prefix#/}/lib/systemd/system/xdpfwd.service" "${prefix#/}/lib/systemd/system/xdpfwd-poller@.service" \
    "${prefix#/}/lib/sysusers.d/xdpfwd.conf" \
    etc/xdpfwd/xdpfwd.toml etc/xdpfwd/xdpfwd.d; do
    has "$tree" "$file"
  done
  units=$tree$prefix/lib/systemd/system
  unit=$units/xdpfwd.service
  while read -r program; do
    [ -x "$tree$program" ] || [ "$program" = /bin/mkdir ] || complain "a unit runs $program, which is not installed"
  done < <(sed -nE 's/^Exec[A-Za-z]*=[-+]*([^ ]+).*/\1/p' "$units"/*.service)
  grep -q "^ExecStart=$prefix/sbin/xdpfwd-poller " "$units/xdpfwd-poller@.service" || complain "the poller's unit does not run it"
  [ "$(grep -cE '^Exec(Start|Reload)=' "$unit")" = 2 ] || complain "the unit has no ExecStart or no ExecReload"
done

# What systemd itself says of the unit: keys and values that it does not know.
tree=$root/usr.tree
if command -v systemd-analyze >/dev/null; then
  for unit in xdpfwd.service xdpfwd-poller@.service; do
    sed "s|=/usr/|=$tree/usr/|" "$tree/usr/lib/systemd/system/$unit" >"$root/$unit"
    file=$root/${unit/@/@cpu1}
    [ -e "$file" ] || mv "$root/$unit" "$file"
    systemd-analyze verify --recursive-errors=no --man=no "$file" >"$root/log" 2>&1 || { cat "$root/log" >&2; complain "systemd-analyze verify $unit"; }
    ! grep -qF "$(basename "$file")" "$root/log" || { cat "$root/log" >&2; complain "systemd-analyze verify warns of $unit"; }
  done
fi

# An operator's configuration survives an installation over it.
echo '# mine' >>"$tree/etc/xdpfwd/xdpfwd.toml"
install_tree "$tree" --prefix /usr
grep -q '^# mine' "$tree/etc/xdpfwd/xdpfwd.toml" || complain "installing again overwrites /etc/xdpfwd/xdpfwd.toml"
exit "$status"
