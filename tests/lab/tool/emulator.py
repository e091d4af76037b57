# SPDX-License-Identifier: BSD-2-Clause
"""QEMU: the version from trixie-backports (QEMU 10.0 with several vCPUs and igb aborts in most boots; docs/lab.md),
extracted beside the lab's root file system and run with the libraries of that root."""

import os

from tool import archive, cache, root
from tool.trouble import Trouble

_PACKAGES = ("qemu-system-x86", "qemu-system-common", "qemu-system-data")


def _folder():
    return cache.folder() / "qemu"


def prepare(packages):
    cache.make(_folder(), "QEMU", lambda into: packages.extract([f"{name}/trixie-backports" for name in _PACKAGES], into))


def ready():
    return _folder().exists()


def command():
    """The words that start QEMU on this machine, up to its arguments, and the environment it wants."""
    if not ready():
        raise Trouble(f"QEMU is not in {cache.folder()}: run 'tests/lab/lab prepare'")
    lab = root.lab()
    lab.required()
    words = lab.program(_folder() / "usr/bin/qemu-system-x86_64", "qemu-system-x86_64")
    for data in (_folder() / "usr/share/qemu", lab.path / "usr/share/seabios", lab.path / "usr/lib/ipxe/qemu"):
        words += ["-L", str(data)]
    return words, {"QEMU_MODULE_DIR": str(_folder() / "usr/lib/x86_64-linux-gnu/qemu")}


def version():
    """What it says of itself."""
    words, environment = command()
    return archive.run([*words, "--version"], env={**os.environ, **environment}).splitlines()[0]
