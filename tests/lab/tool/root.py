# SPDX-License-Identifier: BSD-2-Clause
"""Root file systems: which there are, what is installed in them, and how one is made (debootstrap, then apt inside
it). A guest never writes to one: init lays a tmpfs or a disk over it."""

import hashlib
from pathlib import Path

from tool import archive, cache
from tool.trouble import Trouble

# What tests use in the hypervisor guest; and QEMU, whose libraries the emulator borrows.
LAB_PACKAGES = (
    "bpftool bridge-utils busybox-static dpdk dpdk-dev e2fsprogs ethtool iproute2 iputils-ping ipxe-qemu jq kmod nftables "
    "numactl openssl openvswitch-switch perl-base procps psmisc python3-minimal qemu-system-x86 seabios socat strace "
    "sysstat tcpdump util-linux xdp-tools xz-utils zstd"
).split()

# What a small Debian server has: our package is installed in it as a user would.
SYSTEM_PACKAGES = "dbus ethtool iproute2 iputils-ping jq kmod libbenchmark1debian procps systemd systemd-sysv tcpdump udev".split()
# Their libraries are what our packages depend on; the names carry a version that differs between suites.
SYSTEM_LIBRARIES_OF = "libbpf-dev libfmt-dev libmnl-dev libspdlog-dev".split()

# gcc-14 makes modules for Debian 13's kernels; objtool wants libdw.
BUILDER_PACKAGES = "binutils gcc-14 libdw1t64 make".split()

_INSTALL = r"""
set -eu
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
mount -t proc proc /proc
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
apt-get -q update
libraries=
if [ -n "$LIBRARIES_OF" ]; then
  libraries=$(apt-cache depends $LIBRARIES_OF | sed -n 's/^ *Depends: \(lib[^ ]*[0-9]\)$/\1/p' | sort -u)
fi
apt-get -q install -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io "$@" $libraries
apt-get clean
rm -rf /var/lib/apt/lists/* /usr/sbin/policy-rc.d /etc/resolv.conf /etc/apt/apt.conf
: >/etc/machine-id
umount /proc
"""


class Root:
    """One root file system of a suite, named by what is in it: another list of packages makes another one."""

    def __init__(self, name, suite, packages, libraries_of=()):
        self.name, self.suite, self._packages, self._libraries_of = name, suite, packages, libraries_of
        content = " ".join([suite, _INSTALL, *packages, *libraries_of])
        self.path = cache.folder() / "roots" / f"{name}-{suite}-{hashlib.sha256(content.encode()).hexdigest()[:8]}"

    def ready(self):
        return self.path.exists()

    def required(self):
        """The folder, or the remedy."""
        if not self.ready():
            raise Trouble(f"there is no root file system '{self.name}' in {cache.folder()}: run 'tests/lab/lab prepare'")
        return self.path

    def prepare(self, packages):
        cache.make(self.path, f"root file system '{self.name}' ({self.suite})", lambda into: self._make(into, packages))

    def _make(self, into, packages):
        tools = cache.folder() / "debootstrap"
        cache.make(tools, "debootstrap", lambda folder: packages.extract(["debootstrap"], folder))
        uri, proxy = archive.mirror(), archive.proxy()
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBOOTSTRAP_DIR": str(tools / "usr/share/debootstrap"),
                       "LIBRARIES_OF": " ".join(self._libraries_of), "TMPDIR": "/tmp", "HOME": "/root"}
        if proxy:
            environment["http_proxy"] = proxy
        # Mounts that either makes end with its mount namespace.
        alone = ["unshare", "--mount", "--propagation", "private"]
        archive.run([*alone, tools / "usr/sbin/debootstrap", "--variant=minbase", f"--arch={archive.ARCHITECTURE}",
                     f"--keyring={archive.KEYRING}", self.suite, into, uri], env=environment)
        (into / "etc/apt/sources.list").write_text(f"deb {uri} {self.suite} main\n", encoding="utf-8")
        if proxy:
            (into / "etc/apt/apt.conf").write_text(f'Acquire::http::Proxy "{proxy}";\n', encoding="utf-8")
        (into / "etc/resolv.conf").write_bytes(Path("/etc/resolv.conf").read_bytes())
        archive.run([*alone, "chroot", into, "sh", "-c", _INSTALL, "install", *self._packages], env=environment)

    def program(self, path, name=None):
        """The words that run a program of this root on the machine itself, with the root's own libraries."""
        words = [str(self.path / "lib64/ld-linux-x86-64.so.2"), "--library-path",
                 str(self.path / "usr/lib/x86_64-linux-gnu")]
        return [*words, "--argv0", name or Path(path).name, str(self.path / path if not Path(path).is_absolute() else path)]


def lab():
    """The hypervisor's."""
    return Root("lab", "trixie", LAB_PACKAGES)


def system():
    """With systemd, of the suite that this machine builds packages for."""
    return Root("system", archive.own_suite(), SYSTEM_PACKAGES, SYSTEM_LIBRARIES_OF)


def builder():
    """With the compiler that Debian 13's kernels were built with, for the module of nic/."""
    return Root("builder", "trixie", BUILDER_PACKAGES)


def everyone():
    return (lab(), system(), builder())


def remove_others():
    """Roots of older package lists."""
    wanted = {root.path.name for root in everyone()}
    for path in sorted((cache.folder() / "roots").glob("*")):
        if path.name not in wanted:
            cache.say(f"removing {path.name}: no longer used")
            cache.remove(path)
