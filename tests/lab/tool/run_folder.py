# SPDX-License-Identifier: BSD-2-Clause
"""The folder that each run has for itself and that goes with it; and which runs there are. A run that was killed leaves
its folder behind: the next one takes it away."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from pathlib import Path


def _all():
    return Path(tempfile.gettempdir()) / f"xdpfwd-lab-{os.geteuid()}"


@contextlib.contextmanager
def own():
    """A new folder with a lock that says that it is in use."""
    _all().mkdir(mode=0o700, exist_ok=True)
    for path, alive in runs():
        if not alive:
            shutil.rmtree(path, ignore_errors=True)
    with open(_all() / "new.lock", "a", encoding="ascii") as new:
        # Between the folder and its lock nobody may take it for an abandoned one.
        fcntl.flock(new, fcntl.LOCK_EX)
        folder = Path(tempfile.mkdtemp(prefix="run-", dir=_all()))
        lock = open(folder / "lock", "w", encoding="ascii")
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        (folder / "share" / "out").mkdir(parents=True)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.close()


def runs():
    """[(folder, whether its lab still runs)]"""
    found = []
    if not _all().is_dir():
        return found
    with open(_all() / "new.lock", "a", encoding="ascii") as new:
        fcntl.flock(new, fcntl.LOCK_EX)
        for folder in sorted(_all().glob("run-*")):
            try:
                with open(folder / "lock", "r", encoding="ascii") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                found.append((folder, False))
            except BlockingIOError:
                found.append((folder, True))
            except FileNotFoundError:
                found.append((folder, False))
    return found
