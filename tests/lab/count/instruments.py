# SPDX-License-Identifier: BSD-2-Clause
"""The programs of measurements, built with this machine's gcc when their sources changed: the guest's `drain`, and the
instruction counter's two, the plugin for QEMU and the guest's `count`, with the words that QEMU wants for them. What is
made of the counts: report.py."""

import hashlib
import shutil
from pathlib import Path

from tool import archive, cache
from tool.trouble import Trouble

_HERE = Path(__file__).resolve().parent
_FLAGS = "-std=gnu17 -O2 -Wall -Wextra -Wconversion -Wshadow -Werror".split()
_PLUGIN = "instruction_count.so"
_GUEST_PROGRAMS = ("count", "drain")


def _sources():
    return sorted([*_HERE.glob("*.h"), *_HERE.glob("plugin/*"), *_HERE.glob("guest/*")])


def _folder():
    content = b"".join(path.name.encode() + path.read_bytes() for path in _sources())
    return cache.folder() / "count" / hashlib.sha256(content + " ".join(_FLAGS).encode()).hexdigest()[:12]


def build():
    """The folder with both; built unless it is there."""
    cache.make(_folder(), "instruction counter", _make)
    return _folder()


def _make(into):
    archive.run(["gcc", *_FLAGS, "-fPIC", "-fvisibility=hidden", "-shared", *sorted(_HERE.glob("plugin/*.c")),
                 "-o", into / _PLUGIN])
    for program in _GUEST_PROGRAMS:
        archive.run(["gcc", *_FLAGS, "-static", _HERE / "guest" / f"{program}.c", "-o", into / program])


def provide_reader(folder):
    """Puts `drain` on the guest's PATH."""
    shutil.copy(build() / "drain", folder / "programs" / "bin")


def arguments(folder, machine):
    """QEMU's arguments for a run, whose share/out gets the counts; puts `count` on the guest's PATH."""
    if machine.icount and machine.cpus > 1:
        # gen_cpu_index() of plugins/plugin-gen.c: seen in 10.0.13 and 11.1.3, the guest panics.
        raise Trouble("QEMU spoils the guest's memory when it counts instructions of several CPUs in one thread: "
                      "say --cpus 1")
    built = build()
    shutil.copy(built / "count", folder / "programs" / "bin")
    return ["-plugin", f"{built / _PLUGIN},directory={folder / 'share' / 'out'}"]
