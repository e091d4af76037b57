# SPDX-License-Identifier: BSD-2-Clause
"""The initramfs: busybox, the modules that it takes to mount the real root, and guest/init. Built for each run, in a
blink, so it is never stale."""

import lzma
from pathlib import Path

from tool import root
from tool.trouble import Trouble

_INIT = Path(__file__).resolve().parent.parent / "guest" / "init"
_MODULES = ("virtio_pci", "virtio_console", "9pnet_virtio", "9p", "overlay")
_MODULES_OF_A_DISK = ("virtio_blk", "ext4", "crc32c_generic")
_APPLETS = ("sh", "mount", "insmod", "mkdir", "switch_root", "cat", "umount", "sleep", "ls", "dmesg", "ip", "hostname", "ln",
            "mkfifo", "cut")


class _Cpio:
    """A cpio archive in the "newc" form that the kernel unpacks."""

    def __init__(self):
        self._parts, self._number = [], 0

    def add(self, name, mode, content=b""):
        self._number += 1
        encoded = name.encode() + b"\0"
        fields = [self._number, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(encoded), 0]
        header = b"070701" + b"".join(b"%08x" % field for field in fields)
        self._parts += [_padded(header + encoded), _padded(content)]

    def folder(self, name):
        self.add(name, 0o040755)

    def file(self, name, content, mode=0o755):
        self.add(name, 0o100000 | mode, content)

    def link(self, name, target):
        self.add(name, 0o120777, target.encode())

    def whole(self):
        self.add("TRAILER!!!", 0)
        return b"".join(self._parts)


def _padded(data):
    return data + b"\0" * (-len(data) % 4)


def _load_order(kernel, wanted):
    """Files of the modules and of what they depend on, in the order in which insmod takes them."""
    folder = kernel.modules / kernel.release
    needs, path_of = {}, {}
    for line in (folder / "modules.dep").read_text(encoding="ascii").splitlines():
        path, _, others = line.partition(":")
        needs[path] = others.split()
        path_of[Path(path).name.split(".")[0].replace("-", "_")] = path
    builtin = {Path(line).stem.replace("-", "_")
               for line in (folder / "modules.builtin").read_text(encoding="ascii").splitlines()}
    order = []
    for name in wanted:
        if name in path_of:
            order += [*reversed(needs[path_of[name]]), path_of[name]]
        elif name not in builtin and name != "crc32c_generic":
            raise Trouble(f"kernel {kernel.name} has no module '{name}'")
    return [folder / path for path in dict.fromkeys(order)]


def _module(path):
    content = path.read_bytes()
    return lzma.decompress(content) if path.suffix == ".xz" else content


def build(kernel, into, with_disk=False):
    """Writes the initramfs of a kernel to a file."""
    folders = ("bin", "dev", "proc", "sys", "modules", "lower", "upper", "new", "lab")
    write(kernel, into, _INIT, _MODULES + (_MODULES_OF_A_DISK if with_disk else ()), _APPLETS, folders)


def write(kernel, into, init, modules, applets, folders, programs=()):
    """Busybox, its applets and other programs in /bin, a kernel's modules in /modules, a program as /init."""
    archive = _Cpio()
    for name in folders:
        archive.folder(name)
    archive.file("bin/busybox", (root.lab().required() / "usr/bin/busybox").read_bytes())
    for applet in applets:
        archive.link(f"bin/{applet}", "busybox")
    for program in programs:
        archive.file(f"bin/{program.name}", program.read_bytes())
    for number, path in enumerate(_load_order(kernel, modules)):
        archive.file(f"modules/{number:02}-{path.name.split('.')[0]}.ko", _module(path), 0o644)
    archive.file("init", init.read_bytes())
    into.write_bytes(archive.whole())
