#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""`lab shell` as a person has it, at a terminal: what --up names is up, keys reach the guest, its size is the terminal's,
exit and Ctrl-] end it, and the terminal is as it was."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
import unittest
from pathlib import Path

LAB = Path(__file__).resolve().parent / "lab"
PATIENCE_S = 600
PROMPT = "# "


class Terminal:
    """A person at `lab shell OPTIONS`."""

    def __init__(self, *options):
        self._master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 101, 0, 0))
        self.settings = lambda: termios.tcgetattr(slave)
        self.before = self.settings()
        self.begun = time.monotonic()
        self.process = subprocess.Popen([LAB, "shell", *options], stdin=slave, stdout=slave, stderr=slave)
        self.text = ""

    def type(self, keys):
        self.text = ""
        os.write(self._master, keys.encode())

    def expect(self, wanted):
        end = time.monotonic() + PATIENCE_S
        while wanted not in self.text:
            readable, _, _ = select.select([self._master], [], [], 1)
            if readable:
                self.text += os.read(self._master, 4096).decode(errors="replace")
            elif self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"no '{wanted}' came; status {self.process.poll()}: {self.text}")

    def seconds(self):
        return time.monotonic() - self.begun


class ShellTest(unittest.TestCase):
    def start(self, *options):
        terminal = Terminal(*options)
        self.addCleanup(terminal.process.wait)
        self.addCleanup(terminal.process.terminate)
        return terminal

    def test_a_prompt_and_exit(self):
        terminal = self.start("--nic", "none")
        terminal.expect(PROMPT)
        print(f"the prompt came after {terminal.seconds():.1f} s", flush=True)
        terminal.type("echo $((6 * 7)) $(stty size)\n")
        terminal.expect("42 33 101")
        terminal.type("exit 3\n")
        self.assertEqual(terminal.process.wait(60), 3)
        self.assertEqual(terminal.settings(), terminal.before)

    def test_what_up_names_is_up(self):
        terminal = self.start("--up", "bond active-backup bridge vlan 100 taps 1 xdpfwd 1")
        terminal.expect(PROMPT)
        print(f"with bond, bridge, tap and xdpfwd it came after {terminal.seconds():.1f} s", flush=True)
        terminal.type("echo $(cat /sys/class/net/bond0/bonding/mode) $(xdpctl guest list | grep -c vm1)\n")
        terminal.expect("active-backup 1 1")
        terminal.type("ip netns exec tor ping -q -c 1 -W 30 10.100.0.1 | grep received\n")
        terminal.expect("1 received")
        terminal.type("\x1d")
        self.assertEqual(terminal.process.wait(60), 130)
        self.assertEqual(terminal.settings(), terminal.before)


if __name__ == "__main__":
    sys.exit(unittest.main(verbosity=2))
