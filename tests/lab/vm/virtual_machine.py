# SPDX-License-Identifier: BSD-2-Clause
"""A real VM on a tap: QEMU with a stock kernel of the lab's cache and virtio-net, in the network namespace of the tap.
Starts it, waits for what it says on its console, ends it by its pid. What is sent to it, the test decides."""

import subprocess
import time
from pathlib import Path

from tool import archive, emulator, initramfs, kernel

_HERE = Path(__file__).resolve().parent
_INIT = _HERE / "guest_init"
_MODULES = ("virtio_net",)
_APPLETS = "cat cut dd httpd insmod ip mkdir mount mv sed sh sha256sum sleep wget".split()
_FOLDERS = ("bin", "dev", "modules", "proc", "sys", "www")


def write_initramfs(of_kernel, into):
    """What the VM boots besides its kernel; works in the folder of the file that it writes."""
    echo = into.with_name("udp_echo")
    archive.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", _HERE / "udp_echo.c", "-o", echo])
    initramfs.write(of_kernel, into, _INIT, _MODULES, _APPLETS, _FOLDERS, [echo])


class VirtualMachine:
    """with VirtualMachine(...) as vm: vm.wait_for(text)"""

    def __init__(self, namespace, tap, mac, folder, blocks, kernel_name=kernel.USUAL):
        self._kernel = kernel.Kernel(kernel_name).required()
        self._namespace, self._tap, self._mac, self._blocks = namespace, tap, mac, blocks
        self._console, self._initramfs = Path(folder) / "vm.console", Path(folder) / "vm.initramfs"
        self._said, self._process = Path(folder) / "vm.emulator", None

    def __enter__(self):
        write_initramfs(self._kernel, self._initramfs)
        words, environment = emulator.command()
        words = ["ip", "netns", "exec", self._namespace, "env", *(f"{name}={value}" for name, value in environment.items()),
                 *words, "-M", "q35,usb=off,vmport=off", "-cpu", "max", "-accel", "tcg", "-smp", "1", "-m", "256",
                 "-display", "none", "-nodefaults", "-no-user-config", "-no-reboot", "-monitor", "none",
                 "-serial", f"file:{self._console}", "-kernel", str(self._kernel.image), "-initrd", str(self._initramfs),
                 "-append", "console=ttyS0 quiet panic=-1 net.ifnames=0 tsc=reliable no_timer_check mitigations=off "
                 f"vm.blocks={self._blocks}",
                 # As libvirt makes it without vhost: the tap with virtio headers, every offload that both know.
                 "-netdev", f"tap,id=net,ifname={self._tap},script=no,downscript=no,vhost=off",
                 "-device", f"virtio-net-pci,netdev=net,mac={self._mac},romfile="]
        with open(self._said, "wb") as said:
            self._process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()

    def console(self):
        return self._console.read_text(errors="replace") if self._console.exists() else ""

    def wait_for(self, text, limit_s):
        """Until the VM says so. There is no event to wait for: its console is a file."""
        end = time.monotonic() + limit_s
        while text not in self.console():
            if self._process.poll() is not None:
                raise AssertionError(f"the VM ended: {self._said.read_text(errors='replace')}{self.console()}")
            if time.monotonic() > end:
                raise AssertionError(f"the VM did not say '{text}' in {limit_s} s: {self.console()}")
            time.sleep(0.2)
