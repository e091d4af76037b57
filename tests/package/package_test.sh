#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-2-Clause
# Builds the Debian packages from the committed tree, looks at what is in them, installs them on a throw-away layer
# over this system, runs what was installed, and purges.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d /var/tmp/xdpfwd-package.XXXXXX)
trap 'rm -rf "$work"' EXIT
fail() { echo "package: $*" >&2; exit 1; }

packages=$(tests/package/build.sh) || fail "the packages do not build"
version=$(dpkg-parsechangelog -l debian/changelog -S Version)
architecture=$(dpkg --print-architecture)
main=$packages/xdpfwd_${version}_$architecture.deb
tools=$packages/xdpfwd-tools_${version}_$architecture.deb

# Into files: a reader that stops at its first match would end dpkg-deb with a broken pipe.
for package in "$main" "$tools"; do dpkg-deb -c "$package" >"$work/$(basename "$package").list"; done
has() { grep -qE " \./$2\$" "$work/$(basename "$1").list" || fail "$(basename "$1") has no /$2"; }
has "$main" usr/sbin/xdpfwd
has "$main" usr/sbin/xdpfwd-poller
has "$main" usr/bin/xdpctl
has "$main" 'lib/systemd/system/xdpfwd\.service|usr/lib/systemd/system/xdpfwd\.service'
has "$main" '(usr/)?lib/systemd/system/xdpfwd-poller@\.service'
has "$main" etc/xdpfwd/xdpfwd.toml
has "$main" usr/share/man/man8/xdpfwd.8.gz
has "$main" usr/share/man/man8/xdpfwd-poller.8.gz
has "$main" usr/share/man/man1/xdpctl.1.gz
has "$main" usr/share/man/man5/xdpfwd.toml.5.gz
has "$main" usr/share/bash-completion/completions/xdpctl
has "$main" usr/share/zsh/vendor-completions/_xdpctl
has "$main" usr/lib/sysusers.d/xdpfwd.conf
has "$main" usr/share/xdpfwd/host-tuning.rules
has "$main" usr/share/xdpfwd/host-tuning.conf
has "$tools" usr/bin/xdpfwd-pktgen
has "$tools" usr/bin/xdpfwd-bench
dpkg-deb --info "$main" conffiles >"$work/conffiles"
grep -q /etc/xdpfwd/xdpfwd.toml "$work/conffiles" || fail "the configuration is no conffile"
dpkg-deb --info "$main" postinst >"$work/postinst"
grep -q "deb-systemd-helper.*enable.*xdpfwd.service" "$work/postinst" || fail "installing does not enable the service"
grep -q "deb-systemd-invoke.*xdpfwd.service" "$work/postinst" || fail "installing does not start the service"
if lintian --fail-on error "$main" "$tools" >"$work/lintian.log" 2>&1; then :; else cat "$work/lintian.log"; fail "lintian"; fi
dpkg-deb -x "$main" "$work/tree"
for unit in xdpfwd.service xdpfwd-poller@.service; do
  systemd-analyze security --offline=true --threshold=20 "$(find "$work/tree" -name "$unit")" >"$work/security.log" 2>&1 ||
    { tail -5 "$work/security.log"; fail "systemd-analyze security: $unit has more than 2.0"; }
done

# Installing, in a mount namespace with layers over what dpkg writes to. No daemon may be started by it.
cat >"$work/install.sh" <<'INSTALL'
set -euo pipefail
work=$1 main=$2 tools=$3
mount --make-rprivate /
mount -t tmpfs layers /mnt
for folder in usr etc var; do
  mkdir -p "/mnt/$folder/upper" "/mnt/$folder/work"
done
mount -t tmpfs none /sys/fs/bpf 2>/dev/null || true
# Nor may systemd be asked to start it: to the packages' scripts none runs.
[ ! -d /run/systemd ] || mount -t tmpfs none /run/systemd
mkdir -p /mnt/packages
cp "$main" "$tools" /mnt/packages/
for folder in usr etc var; do
  mount -t overlay overlay -o "lowerdir=/$folder,upperdir=/mnt/$folder/upper,workdir=/mnt/$folder/work" "/$folder"
done
dpkg -i /mnt/packages/*.deb
xdpfwd --check /etc/xdpfwd/xdpfwd.toml
xdpfwd --version
xdpfwd-poller --version
xdpctl version || [ $? -eq 3 ]
getent group xdpfwd
man -l /dev/null 2>/dev/null || true
# As a daemon leaves it: a NIC that it changed, and a note about one that is gone and whose name another has.
ip link add nic0 type veth peer name nic1
ethtool -K nic0 rxvlan off
ip link set nic0 promisc on
ip link set nic1 promisc on
mkdir -p /sys/fs/bpf/xdpfwd/links /sys/fs/bpf/xdpfwd/undo
index=$(ip -o link show dev nic0 | cut -d: -f1)
ln -s nic0 "/sys/fs/bpf/xdpfwd/undo/promisc-$index"
ln -s nic0 "/sys/fs/bpf/xdpfwd/undo/rxvlan-$index"
ln -s nic1 /sys/fs/bpf/xdpfwd/undo/promisc-99999
mkdir -p /run/private/xdpfwd-poller/cpu3 /run/xdpfwd-poller
ln -s ../private/xdpfwd-poller/cpu3 /run/xdpfwd-poller/cpu3
dpkg -P xdpfwd xdpfwd-tools
ip -d link show nic0 | grep -q 'promiscuity 0' || { echo "purging left nic0 promiscuous"; exit 1; }
ethtool -k nic0 | grep -q 'rx-vlan-offload: on' || { echo "purging left rxvlan of nic0 off"; exit 1; }
ip -d link show nic1 | grep -q 'promiscuity 1' || { echo "purging changed nic1, which was never ours"; exit 1; }
[ ! -e /sys/fs/bpf/xdpfwd ] || { echo "purging left /sys/fs/bpf/xdpfwd"; exit 1; }
[ ! -e /run/xdpfwd-poller ] && [ ! -e /run/private/xdpfwd-poller ] || { echo "purging left folders of pollers"; exit 1; }
[ ! -e /etc/xdpfwd ] || { echo "purging left /etc/xdpfwd"; find /etc/xdpfwd; exit 1; }
INSTALL
unshare --mount --net bash "$work/install.sh" "$work" "$main" "$tools" >"$work/install.log" 2>&1 || { cat "$work/install.log"; fail "install, run, purge"; }
echo "built, installed, ran and purged $(basename "$main") and $(basename "$tools")"
