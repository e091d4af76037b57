# SPDX-License-Identifier: BSD-2-Clause
"""The module labnic for a kernel of the lab: fetches that kernel's headers, and builds the module in a root file system
with Debian 13's compiler, as the kernel itself was built. Needs nothing of the machine but the cache."""

import hashlib
import shutil
from pathlib import Path

from tool import archive, cache, root
from tool.trouble import Trouble

_SOURCES = Path(__file__).resolve().parent / "module"
# What the headers' tools and the module are compiled with.
_COMPILER = "gcc-14"
# Its metadata calls, per-queue coalescing and ethtool's parameters are of newer kernels than 6.1.
OFFERED = ("6.12", "7.2")


def offered(kernel):
    return kernel.name in OFFERED


def _headers(kernel):
    return root.builder().path / "usr/src" / f"linux-headers-{kernel.release}"


def _complete(kernel):
    """Is there when all of the headers' packages are."""
    return _headers(kernel).with_name(f"{_headers(kernel).name}.complete")


def ready(kernel):
    return not offered(kernel) or _complete(kernel).exists()


def prepare(kernel, packages):
    if ready(kernel):
        return
    cache.say(f"headers of kernel {kernel.name} …")
    wanted = [f"linux-headers-{kernel.release}"]
    wanted += [name for name in packages.depends(wanted[0]) if name.startswith(("linux-headers-", "linux-kbuild-"))]
    packages.extract(wanted, root.builder().required())
    _complete(kernel).touch()


def build(kernel):
    """The path of labnic.ko; built unless it is there."""
    if not offered(kernel):
        raise Trouble(f"--nic labnic is for kernels {' and '.join(OFFERED)}, not {kernel.name}: say --kernel {OFFERED[0]}")
    if not ready(kernel):
        raise Trouble(f"the headers of kernel {kernel.name} are not in {cache.folder()}: run 'tests/lab/lab prepare'")
    sources = sorted(_SOURCES.iterdir())
    content = b"".join(path.name.encode() + path.read_bytes() for path in sources)
    name = f"{kernel.release}-{hashlib.sha256(content).hexdigest()[:12]}"
    folder = cache.folder() / "nic" / name
    cache.make(folder, f"module labnic for {kernel.release}", lambda into: _make(into, kernel, sources, name))
    return folder / "labnic.ko"


def _make(into, kernel, sources, name):
    builder = root.builder().required()
    work = builder / "build" / name
    cache.remove(work)
    work.mkdir(parents=True)
    for path in sources:
        shutil.copy(path, work)
    # objtool reads /proc; the mount ends with its namespace.
    # Without type information, for which pahole and the kernel's own would be needed.
    script = (f"mount -t proc proc /proc && exec make -s -C /usr/src/{_headers(kernel).name} M=/build/{name} "
              f"CC={_COMPILER} CONFIG_DEBUG_INFO_BTF_MODULES= modules")
    archive.run(["unshare", "--mount", "--propagation", "private", "chroot", builder, "sh", "-ec", script],
                env={"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"})
    archive.run([*root.builder().program("usr/bin/objcopy"), "--strip-debug", work / "labnic.ko", into / "labnic.ko"])
    cache.remove(work)
