# SPDX-License-Identifier: BSD-2-Clause
"""One boot: gathers what the guest gets (root, kernel, folders, settings, programs), runs it, and reports how it went."""

import os
import secrets
import shlex
import shutil
import sys
from pathlib import Path

from count import instruments
from nic import stand_in
from tool import archive, cache, case, emulator, host_programs, initramfs, kernel, root, run_folder, terminal
from tool.guest import STATUS_GUEST_DIED, EmulatorDied, Guest
from tool.machine import LABNIC, Machine
from tool.trouble import Trouble

ROOTS = {"lab": root.lab, "system": root.system}


def boot(options, command_of, shell=False):
    """Boots with the options of the command line; command_of(share) gives the words to run. Returns the status."""
    with cache.in_use(), run_folder.own() as folder:
        share = folder / "share"
        machine = _machine(options, folder)
        guest_words = command_of(share)
        mark = f"lab-mark-{secrets.token_hex(16)}"
        _settings(options, machine, share, mark, guest_words, shell)
        host_programs.provide(_build(options), folder / "programs")
        if machine.nic == LABNIC:
            shutil.copy(stand_in.build(machine.kernel), share)
        initramfs.build(machine.kernel, folder / "initramfs", with_disk=machine.disk is not None)
        instruments.provide_reader(folder)
        if options.count_instructions:
            machine.more += instruments.arguments(folder, machine)
        words, environment = emulator.command()
        if options.show_version:
            cache.say(emulator.version())
        if options.show_command:
            print(shlex.join([*words, *machine.arguments(folder)]), file=sys.stderr)
        guest = Guest([*words, *machine.arguments(folder)], environment, folder, mark, options.timeout, options.silence,
                      shell)
        try:
            with terminal.raw() if shell else _nothing():
                status, complaint = guest.run()
        except EmulatorDied as died:
            status, complaint = STATUS_GUEST_DIED, f"the emulator did not start: {died}"
        finally:  # also of a run that a signal ends
            _keep(options, share)
        _report(guest, status, complaint)
        return status


class _nothing:
    def __enter__(self):
        return self

    def __exit__(self, *_):
        return False


def _machine(options, folder):
    machine = Machine(kernel=kernel.Kernel(options.kernel).required(), cpus=options.cpus, memory_mib=options.memory,
                      nic=options.nic, icount=options.icount)
    machine.root = ROOTS[options.root]().required()
    machine.shares = [("tree", case.TREE)]
    if not _build(options).is_relative_to(case.TREE) and _build(options).is_dir():
        machine.shares.append(("build", _build(options)))
    if options.systemd:
        if options.root != "system":
            raise Trouble("--systemd: only the root file system 'system' has it: say --root system too")
        machine.first_program = "first-systemd"
    if options.disk:
        machine.disk = folder / "disk"
        _make_disk(machine.disk)
    return machine


def _make_disk(path):
    """An empty file system that takes no room until it is written to."""
    with open(path, "wb") as file:
        file.truncate(2 << 30)
    archive.run([*root.lab().program("usr/sbin/mke2fs"), "-q", "-t", "ext4", "-F", "-J", "size=8", "-E",
                 "lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0", path])


def _build(options):
    return Path(options.build or os.environ.get("BUILD") or case.TREE / "build").absolute()


def _settings(options, machine, share, mark, words, shell):
    folder = Path.cwd()
    rows, columns = terminal.size() if shell else (24, 80)
    settings = {
        "LAB_MARK": mark, "LAB_TREE": case.TREE, "LAB_BUILD": _build(options), "LAB_NIC": options.nic,
        "LAB_KERNEL": options.kernel, "LAB_FIRST": machine.first_program, "LAB_DISK": "yes" if machine.disk else "no",
        "LAB_FOLDER": folder, "LAB_SHELL": "yes" if shell else "no", "LAB_ROWS": rows, "LAB_COLUMNS": columns,
        "LAB_TERM": os.environ.get("TERM", "dumb"),
    }
    (share / "settings").write_text("".join(f"{name}={shlex.quote(str(value))}\n" for name, value in settings.items()),
                                    encoding="utf-8")
    (share / "shares").write_text("".join(f"{tag} {path}\n" for tag, path in machine.shares), encoding="utf-8")
    (share / "command").write_bytes(b"".join(os.fsencode(word) + b"\0" for word in words))


def _report(guest, status, complaint):
    if complaint:
        print(f"lab: {complaint}; the end of its console:", file=sys.stderr)
        for line in guest.console_tail().splitlines():
            print(f"  | {line}", file=sys.stderr)
    elif guest.kernel_troubles():
        print("lab: the guest's kernel complained:", file=sys.stderr)
        for line in guest.kernel_troubles():
            print(f"  | {line.decode(errors='replace')}", file=sys.stderr)
    if complaint:
        print(f"lab: status {status}", file=sys.stderr)


def _keep(options, share):
    if options.out:
        # The guest wrote it: its links are not followed.
        shutil.copytree(share / "out", options.out, symlinks=True, dirs_exist_ok=True)
