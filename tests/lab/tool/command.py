# SPDX-License-Identifier: BSD-2-Clause
"""The command line: which subcommands and options there are, and what each calls."""

import argparse
import os
import shutil
import signal
import sys
from pathlib import Path

from nic import stand_in
from tool import archive, cache, case, emulator, kernel, machine, root, run_folder, session
from tool.trouble import Trouble

_ABOUT = """A hypervisor in QEMU, to run scripts and tests in: a stock Debian kernel, four NICs cabled in pairs
(eth0-eth2, eth1-eth3), and this source tree with its build at their own paths. Nothing of the machine is touched but
the cache folder ($XDPFWD_LAB_CACHE; now {cache})."""

_RUN = """Runs each script in a boot of its own and streams its output. The exit status is the script's; 124: the time
was up or the guest fell silent; 125: the guest or the emulator died; 2: the lab could not start. Of several scripts
the status is 1 if one failed. In the guest: $LAB_OUT is the folder of --out, $LAB_GUEST has topology.sh."""


def _boot_options(parser):
    parser.add_argument("--kernel", default=kernel.USUAL, help=f"the first two numbers of its version (default {kernel.USUAL})")
    parser.add_argument("--cpus", type=_count, default=3, metavar="N", help="virtual CPUs (default 3)")
    parser.add_argument("--memory", type=_count, default=2048, metavar="MIB", help="memory (default 2048)")
    parser.add_argument("--nic", choices=[*machine.NICS, machine.LABNIC, "none"], default="igb",
                        help="the NICs' model (default igb); labnic: our stand-in for mlx5, see nic/")
    parser.add_argument("--root", choices=list(session.ROOTS), default="lab",
                        help="root file system: the lab's (Debian 13, with OVS and DPDK), or a small system of this machine's suite")
    parser.add_argument("--systemd", action="store_true", help="systemd as init (with --root system)")
    parser.add_argument("--disk", action="store_true", help="keep what the guest writes over reboots within the run")
    parser.add_argument("--icount", action="store_true", help="a clock that counts instructions; several CPUs run in turns")
    parser.add_argument("--count-instructions", action="store_true", help="load the plugin that counts instructions")
    parser.add_argument("--silence", type=_seconds, default=300, metavar="S",
                        help="end a guest that says nothing for so long (default 300)")
    parser.add_argument("--build", metavar="DIR", help="the build tree (default $BUILD, or build in the source tree)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="keep what the guest wrote to $LAB_OUT, and its console")
    parser.add_argument("--show-version", action="store_true", help="print the emulator's version")
    parser.add_argument("--show-command", action="store_true", help="print the emulator's command line")


def _count(text):
    value = int(text) if text.isdigit() else 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is no number above 0")
    return value


def _seconds(text):
    try:
        value = float(text)
    except ValueError:
        value = 0
    if not 0 < value <= 86400:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of seconds from 1 to 86400")
    return value


def _parser():
    parser = argparse.ArgumentParser(prog="tests/lab/lab", description=_ABOUT.format(cache=cache.folder()))
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    prepare = commands.add_parser("prepare", help="fetch kernels, root file systems and QEMU into the cache")
    prepare.add_argument("--kernel", action="append", metavar="VERSION",
                         help=f"only this kernel, may be repeated (default: {', '.join(kernel.OFFERED)})")
    prepare.set_defaults(action=_prepare)

    run = commands.add_parser("run", help="run scripts or tests in the guest", description=_RUN)
    _boot_options(run)
    run.add_argument("--timeout", type=_seconds, default=600, metavar="S", help="end a boot after so long (default 600)")
    run.add_argument("script", nargs="+", metavar="SCRIPT|TEST",
                     help="a test (see list), the path of a script, or a program of the guest; what follows -- is its arguments")
    run.set_defaults(action=_run)

    shell = commands.add_parser("shell", help="a prompt in the guest; Ctrl-] or exit ends it")
    _boot_options(shell)
    shell.add_argument("--up", metavar="WORDS", help="first bring up, as in --up 'bond 802.3ad ovs taps 4' (see topology.sh)")
    shell.set_defaults(action=_shell)

    commands.add_parser("list", help="what is in the cache, which tests there are, which guests run").set_defaults(action=_list)
    commands.add_parser("clean", help="remove the cache folder").set_defaults(action=_clean)
    return parser


def _prepare(options):
    names = options.kernel or kernel.OFFERED
    kernels = [kernel.Kernel(name) for name in names]
    with cache.preparing():
        wanted = [*root.everyone(), *kernels]
        if all(one.ready() for one in wanted) and emulator.ready() and all(stand_in.ready(one) for one in kernels):
            cache.say(f"all is in {cache.folder()}")
            return 0
        _can_prepare()
        packages = archive.Archive()
        packages.update()
        root.lab().prepare(packages)
        emulator.prepare(packages)
        for one in kernels:
            one.prepare(packages)
        root.system().prepare(packages)
        root.builder().prepare(packages)
        for one in kernels:
            stand_in.prepare(one, packages)
        try:
            with cache.unused():
                root.remove_others()
        except Trouble:
            # Guests run. What is no longer used goes with the next prepare.
            pass
    cache.say(f"all is in {cache.folder()}")
    return 0


def _can_prepare():
    if os.geteuid() != 0:
        raise Trouble("making a root file system needs root: run 'tests/lab/lab prepare' as root, or with sudo")
    for program in ("apt-get", "dpkg-deb", "wget", "unshare", "chroot"):
        if not shutil.which(program):
            raise Trouble(f"'{program}' is missing: the lab is prepared on Debian 12 or 13 (apt-get install {program})")


def _run(options):
    worst = []
    cases = [(name, case.Case(name)) for name in options.script]
    for name, one in cases:
        with_own = _parser().parse_args(["run", *one.options(), *options.given, name])
        status = session.boot(with_own, lambda share, one=one: _words(one, share, options.arguments))
        if len(cases) > 1:
            cache.say(f"{name}: {'passed' if status == 0 else f'FAILED ({status})'}")
        worst.append(status)
    if len(cases) > 1:
        failed = sum(status != 0 for status in worst)
        cache.say(f"{len(cases) - failed} passed, {failed} failed")
        return 1 if failed else 0
    return worst[0]


def _words(one, share, arguments):
    one.prepare(share)
    return one.command(share, arguments)


def _shell(options):
    options.timeout, options.silence = None, None
    up = ["bash", str(case.TREE / "tests/lab/guest/up"), *options.up.split()] if options.up else []
    return session.boot(options, lambda share: up, shell=True)


def _list(_):
    print(f"cache: {cache.folder()}")
    print(f"kernels: {' '.join(kernel.those_ready()) or 'none'}")
    print(f"roots: {' '.join(one.name for one in root.everyone() if one.ready()) or 'none'}")
    print(f"QEMU: {'yes' if emulator.ready() else 'no'}")
    print("tests:")
    for name in case.names():
        print(f"  {name:20} {case.summary(name)}")
    running = [folder for folder, alive in run_folder.runs() if alive]
    print("running:" if running else "running: none")
    for folder in running:
        pid = (folder / "pid").read_text(encoding="ascii").strip() if (folder / "pid").exists() else "starting"
        print(f"  {pid} {folder}")
    return 0


def _clean(_):
    with cache.preparing(), cache.unused():
        cache.say(f"removing {cache.folder()}")
        for path in sorted(cache.folder().iterdir()):
            cache.remove(path)
    return 0


def main(words):
    # What ends the lab ends its guest: 'finally' runs.
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: sys.exit(128 + received))
    arguments = []
    if "--" in words:
        at = words.index("--")
        words, arguments = words[:at], words[at + 1:]
    try:
        options = _parser().parse_args(words)
        options.arguments = arguments
        if options.command == "run":
            # Options given by hand win over a test's own.
            options.given = [word for word in words[1:] if word not in options.script]
        return options.action(options)
    except Trouble as trouble:
        print(f"lab: {trouble}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130
