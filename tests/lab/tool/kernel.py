# SPDX-License-Identifier: BSD-2-Clause
"""Stock Debian kernels: which are offered, how one is fetched, and where its image and modules are afterwards.

The image is unpacked once, here: QEMU starts the ELF file inside by its PVH entry, and no emulated CPU has to
decompress it at each boot."""

import re
import struct
import subprocess

from tool import archive, cache, root
from tool.trouble import Trouble

# Debian 12, Debian 13, and Debian 13 with backports.
OFFERED = ("6.1", "6.12", "7.2")
USUAL = "6.12"


class Kernel:
    """One kernel, named by the first two numbers of its version."""

    def __init__(self, name):
        if not re.fullmatch(r"\d+\.\d+", name):
            raise Trouble(f"'{name}' is no kernel: name it by its first two numbers, as in --kernel {USUAL}")
        self.name = name
        self.path = cache.folder() / "kernels" / name
        self.image = self.path / "vmlinux"

    def ready(self):
        return self.image.exists()

    def required(self):
        if not self.ready():
            raise Trouble(f"kernel {self.name} is not in {cache.folder()}: run 'tests/lab/lab prepare --kernel {self.name}'")
        return self

    @property
    def modules(self):
        """The folder with the one folder of modules."""
        return self.path / "lib" / "modules"

    @property
    def release(self):
        return next(self.modules.iterdir()).name

    def prepare(self, packages):
        cache.make(self.path, f"kernel {self.name}", lambda into: self._make(into, packages))
        if not self.image.exists():
            unfinished = self.path / "vmlinux.unfinished"
            unfinished.write_bytes(_unpacked(self.path / "vmlinuz"))
            unfinished.rename(self.image)

    def _make(self, into, packages):
        tree = into / "extracted"
        packages.extract(self._packages(packages), tree)
        images = sorted(tree.glob("boot/vmlinuz-*")) + sorted(tree.glob("usr/lib/modules/*/vmlinuz"))
        modules = [path for path in (tree / "lib/modules", tree / "usr/lib/modules") if path.exists()]
        if not images or not modules:
            raise Trouble(f"the packages of kernel {self.name} hold no image or no modules: {tree}")
        images[0].rename(into / "vmlinuz")
        (into / "lib").mkdir()
        modules[0].rename(into / "lib" / "modules")
        cache.remove(tree)
        release = next((into / "lib" / "modules").iterdir()).name
        archive.run([*root.lab().program("usr/bin/kmod", "depmod"), "-b", into, release])

    def _packages(self, packages):
        """The newest stock image of this version; where it is split into several packages, all of them."""
        pattern = re.compile(rf"linux-image-{re.escape(self.name)}(\.\d+)*[+-][^-]*(-\d+)?-{archive.ARCHITECTURE}$")
        found = [name for name in packages.names(f"linux-image-{self.name}") if pattern.match(name)]
        if not found:
            versions = sorted({match.group(1) for name in packages.names("linux-image-")
                               if (match := re.match(r"linux-image-(\d+\.\d+)(\.\d+)*[+-]", name))})
            raise Trouble(f"the archive has no kernel {self.name}; it has {', '.join(versions) or 'none'}")
        newest = max(found, key=lambda name: [int(number) for number in re.findall(r"\d+", name)])
        wanted = [newest]
        for name in wanted:
            wanted += [more for more in packages.depends(name)
                       if re.match(r"linux-(base|binary|image|modules)-\d", more) and more not in wanted]
        return wanted


def _unpacked(image):
    """The ELF file in a bzImage. Its header (Documentation/arch/x86/boot.rst of the kernel) says where it is; its last
    four bytes are its length."""
    content = image.read_bytes()
    if content[0x202:0x206] != b"HdrS":
        raise Trouble(f"{image} is no bzImage: remove its folder, then run 'tests/lab/lab prepare'")
    begin, length = struct.unpack_from("<II", content, 0x248)
    begin += (content[0x1F1] + 1) * 512
    packed, (size,) = content[begin:begin + length - 4], struct.unpack_from("<I", content, begin + length - 4)
    program = "usr/bin/zstd" if packed.startswith(b"\x28\xb5\x2f\xfd") else "usr/bin/xz"
    done = subprocess.run([*root.lab().program(program), "-dc"], input=packed, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, check=False)
    if len(done.stdout) != size or not done.stdout.startswith(b"\x7fELF"):
        raise Trouble(f"{image} did not unpack: {done.stderr.decode(errors='replace').strip()}")
    return done.stdout


def those_ready():
    """Names of the kernels that are in the cache."""
    found = [path.name for path in (cache.folder() / "kernels").glob("*") if re.fullmatch(r"\d+\.\d+", path.name)]
    return sorted(found, key=lambda name: [int(part) for part in name.split(".")])
