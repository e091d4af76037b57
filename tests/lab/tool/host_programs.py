# SPDX-License-Identifier: BSD-2-Clause
"""Programs built on this machine, made to run in the guest: each gets a small wrapper on the guest's PATH that names
the machine's own libraries. The guest's libc serves both: it is of Debian 13, so no older than the machine's."""

import os
import subprocess
from pathlib import Path

import shutil

_LOADER = "/lib64/ld-linux-x86-64.so.2"
# Parts of the C library: these must fit the guest's dynamic linker.
_OF_THE_C_LIBRARY = ("ld-linux", "libc.", "libm.", "libmvec.", "libpthread.", "libdl.", "librt.", "libresolv.",
                     "libutil.", "libanl.", "libnss_")


def programs(build):
    """The executables at the top of a build tree and in its tests/."""
    found = []
    for folder in (build, build / "tests"):
        if folder.is_dir():
            found += [path for path in sorted(folder.iterdir())
                      if path.is_file() and os.access(path, os.X_OK) and _is_elf(path)]
    return found


def _is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def _libraries(paths):
    found = {}
    for path in paths:
        # What ldd does, without its shell. A static program has none.
        listed = subprocess.run([_LOADER, "--list", path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False,
                                text=True).stdout
        for line in listed.splitlines():
            name, arrow, rest = line.strip().partition(" => ")
            if arrow and rest.startswith("/") and not name.startswith(_OF_THE_C_LIBRARY):
                found[name] = Path(rest.split(" ")[0])
    return found


def provide(build, into):
    """Puts wrappers into a folder's bin and libraries into its lib; the guest has that folder as /run/lab."""
    (into / "bin").mkdir(parents=True)
    (into / "lib").mkdir()
    paths = programs(build)
    if not paths:
        return
    for name, path in _libraries(paths).items():
        shutil.copy(path, into / "lib" / name)
    for path in paths:
        wrapper = into / "bin" / path.name
        wrapper.write_text(f'#!/bin/sh\nLD_LIBRARY_PATH=/run/lab/lib exec {path} "$@"\n', encoding="utf-8")
        wrapper.chmod(0o755)
