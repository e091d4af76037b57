# SPDX-License-Identifier: BSD-2-Clause
"""The hypervisor as QEMU emulates it: the arguments for board, CPUs, NICs and cables, shared folders and ports.
Emulation only (TCG), so that a run is the same on every machine; never KVM."""

from dataclasses import dataclass, field
from pathlib import Path

from tool import clock

NICS = {"igb": "igb", "virtio": "virtio-net-pci", "vmxnet3": "vmxnet3"}
# A module of our own in the guest, which QEMU knows nothing of.
LABNIC = "labnic"
CABLES = 2


@dataclass
class Machine:
    """What a run asks for."""

    kernel: object
    cpus: int = 3
    memory_mib: int = 2048
    nic: str = "igb"
    icount: bool = False
    root: Path = None
    disk: Path = None
    # Read-only folders, seen in the guest at their own paths: [(tag, path)].
    shares: list = field(default_factory=list)
    first_program: str = "runner"
    more: list = field(default_factory=list)

    def arguments(self, folder):
        """QEMU's arguments; folder is the run's own."""
        words = ["-M", "q35,usb=off,vmport=off,i8042=off,hpet=off,smbus=off", *self._cpu(), "-smp", str(self.cpus), "-m", str(self.memory_mib),
                 "-display", "none", "-nodefaults", "-no-user-config", "-monitor", "none", *self._clock()]
        words += ["-kernel", str(self.kernel.image), "-initrd", str(folder / "initramfs"), "-append", self._kernel_line()]
        # Nothing is plugged in while it runs; the tables for it take the guest half a second to read.
        words += ["-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"]
        if not self.disk:
            # A reboot is then an end. With a disk it is a reboot.
            words += ["-no-reboot"]
        words += _socket("console", folder) + ["-serial", "chardev:console"]
        words += _socket("monitor", folder) + ["-mon", "chardev=monitor,mode=control"]
        words += ["-device", "virtio-serial-pci"]
        for name in ("output", "control"):
            words += _socket(name, folder) + ["-device", f"virtserialport,chardev={name},name={name}"]
        words += _socket("shell", folder) + ["-device", "virtconsole,chardev=shell"]
        words += self._folders(folder)
        if self.disk:
            # It ends with the run: what the guest wants on it for sure may stay in this machine's memory.
            words += ["-drive", f"file={_quoted(self.disk)},format=raw,if=none,id=disk,cache=unsafe",
                      "-device", "virtio-blk-pci,drive=disk"]
        if self.nic in NICS:
            words += self._nics()
        return words + self.more

    def _cpu(self):
        # The guest's randomness moves its slabs and hashes, and with them the instructions of a packet: where these are
        # counted it is the same in each run.
        if self.icount:
            return ["-cpu", "max,rdrand=off,rdseed=off", "-seed", "1", "-rtc", "base=2026-01-01,clock=vm"]
        return ["-cpu", "max"]

    def _clock(self):
        # One thread for a clock that counts instructions: the same run gives the same times.
        if self.icount:
            return ["-accel", "tcg,thread=single", "-icount", "shift=2,sleep=off"]
        return ["-accel", "tcg,thread=multi"]

    def _kernel_line(self):
        # An oops ends the guest, and a panic ends it at once: a broken kernel must not look like a slow one.
        # nokaslr: addresses of functions, for those who count instructions.
        first = "console=ttyS0 quiet panic=-1 oops=panic net.ifnames=0 tsc=reliable no_timer_check mitigations=off"
        # The crypto library's tests of itself take long in an emulated machine.
        untested = "cryptomgr.notests initcall_blacklist=jent_mod_init"
        # With icount the counter counts emulated nanoseconds.
        khz = 1_000_000 if self.icount else clock.counter_khz()
        return f"{first} {untested} nokaslr tsc_early_khz={khz} systemd.show_status=auto systemd.default_timeout_start_sec=600"

    def _folders(self, folder):
        words = []
        shared = [("run", folder / "share", ""), ("root", self.root, ",readonly=on"),
                  ("modules", self.kernel.modules, ",readonly=on"), ("programs", folder / "programs", ",readonly=on")]
        shared += [(tag, path, ",readonly=on") for tag, path in self.shares]
        for tag, path, more in shared:
            words += ["-fsdev", f"local,id={tag},path={_quoted(path)},security_model=none,multidevs=remap{more}",
                      "-device", f"virtio-9p-pci,fsdev={tag},mount_tag={tag}"]
        return words

    def _nics(self):
        """eth0, eth1: the hypervisor's; eth2, eth3: the switch's; cable N joins ethN and eth(N+2) by a hub.

        Each behind a PCIe root port: igb's virtual functions do not fit on the root bus ("VF addr overflows")."""
        words = []
        for side in range(2):
            for cable in range(CABLES):
                number = side * CABLES + cable
                multifunction = ",multifunction=on" if cable == 0 else ""
                words += ["-netdev", f"hubport,id=hub{number},hubid={cable}",
                          "-device", f"pcie-root-port,id=slot{number},chassis={number + 1},slot={number + 1},bus=pcie.0,"
                          f"addr={8 + side:#x}.{cable}{multifunction}",
                          "-device", f"{NICS[self.nic]},id=nic{number},netdev=hub{number},bus=slot{number},romfile=,"
                          f"mac=52:54:00:00:{side:02x}:{cable + 1:02x}"]
        return words


def _socket(name, folder):
    return ["-chardev", f"socket,id={name},path={_quoted(folder / name)}"]


def _quoted(path):
    # QEMU takes a comma in an option's value when it is doubled.
    return str(path).replace(",", ",,")
