# SPDX-License-Identifier: BSD-2-Clause
"""The cache folder: where it is, who may change it when, and how a thing in it is made so that it is there whole or
not at all. What is in it, the makers decide (archive, root, kernel, emulator)."""

import contextlib
import fcntl
import os
import shutil
import sys
import time
from pathlib import Path

from tool.trouble import Trouble


def folder():
    named = os.environ.get("XDPFWD_LAB_CACHE")
    if named:
        return Path(named).absolute()
    if os.geteuid() == 0:
        return Path("/var/cache/xdpfwd-lab")
    return Path.home() / ".cache" / "xdpfwd-lab"


def say(text):
    print(f"lab: {text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def _locked(name, mode, refusal=None):
    folder().mkdir(parents=True, exist_ok=True)
    with open(folder() / name, "a", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, mode | fcntl.LOCK_NB)
        except BlockingIOError:
            if refusal:
                raise Trouble(refusal) from None
            say(f"waiting for another lab to finish with {folder()}")
            fcntl.flock(lock, mode)
        yield


def preparing():
    """Held by prepare and clean: one at a time."""
    return _locked("prepare.lock", fcntl.LOCK_EX)


def in_use():
    """Held by every running guest; any number of them."""
    return _locked("use.lock", fcntl.LOCK_SH)


def unused():
    """Held while things are removed: no guest may run."""
    return _locked("use.lock", fcntl.LOCK_EX, f"a guest is running from {folder()}: end it first ('lab list' names it)")


def make(target, what, maker):
    """Calls maker(folder) and puts its work in place with one rename. Does nothing when target is there. Of two labs that
    want the same, one makes it and the other waits."""
    if target.exists():
        return
    locks = folder() / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    with open(locks / target.name, "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if target.exists():
            return
        unfinished = target.with_name(target.name + ".unfinished")
        remove(unfinished)
        unfinished.mkdir(parents=True)
        start = time.monotonic()
        say(f"{what} …")
        maker(unfinished)
        unfinished.rename(target)
        say(f"{what}: {time.monotonic() - start:.0f} s")


def remove(path):
    """Removes a folder, if it is there. Never follows a mount: a chroot's /proc may have stayed after a crash."""
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines():
        if line.split()[1].startswith(f"{path}/"):
            raise Trouble(f"{line.split()[1]} is still mounted: umount it, then try again")
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
