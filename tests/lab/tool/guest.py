# SPDX-License-Identifier: BSD-2-Clause
"""One running guest: starts QEMU, streams the output, serves what the guest asks of the lab, and ends QEMU by its pid
when the script is done, the time is up, nothing is heard any more, or the kernel died. What runs in it is not its
business."""

import collections
import ctypes
import json
import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import time

from tool import terminal

# A panic with its registers and its way there takes 45.
_CONSOLE_LINES_SHOWN = 80
# A kernel that prints without end must not fill the disk.
_CONSOLE_LOG_LIMIT = 16 << 20
_PR_SET_PDEATHSIG = 1
# Statuses of the lab's own, as timeout(1) and env(1) have them.
STATUS_TIME_UP = 124
STATUS_GUEST_DIED = 125
# What the kernel says when it is broken though it may go on.
_TROUBLE = re.compile(rb"BUG: |Oops|Kernel panic|general protection|WARNING: CPU|Call Trace:|rcu: INFO: rcu.*stall"
                      rb"|soft lockup|blocked for more than|lab: init: ")


class Guest:
    """Use once: Guest(...).run()."""

    def __init__(self, words, environment, folder, mark, time_limit_s, silence_limit_s, shell=False):
        self._words, self._environment, self._folder = words, environment, folder
        self._mark = mark.encode()
        self._time_limit_s, self._silence_limit_s = time_limit_s, silence_limit_s
        self._with_shell = shell
        self._selector = selectors.DefaultSelector()
        self._sockets = {}
        self._pending = b""
        self._requests = b""
        self._monitor_input = b""
        self._console_tail = collections.deque(maxlen=_CONSOLE_LINES_SHOWN)
        self._console_line = b""
        self._troubled = []
        self._status = None
        self._process = None

    def run(self):
        """Runs the guest to its end; returns (status, what the lab has to say about it or None)."""
        try:
            self._start()
            return self._serve()
        finally:
            self._end()

    def kernel_troubles(self):
        """Lines of the console that tell of a broken kernel."""
        return self._troubled

    def console_tail(self):
        lines = [*self._console_tail, self._console_line]
        return "\n".join(line.decode(errors="replace") for line in lines if line.strip())

    def _start(self):
        listeners = {}
        for name in ("console", "monitor", "output", "control", "shell"):
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(self._folder / name))
            listener.listen(1)
            listener.settimeout(60)
            listeners[name] = listener

        def die_with_the_lab():
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)

        self._console_log = open(self._folder / "share" / "out" / "console", "wb")
        self._process = subprocess.Popen(
            self._words, env={**os.environ, **self._environment}, stdin=subprocess.DEVNULL,
            stdout=open(self._folder / "emulator.log", "wb"), stderr=subprocess.STDOUT,
            start_new_session=True, preexec_fn=die_with_the_lab)
        (self._folder / "pid").write_text(f"{self._process.pid}\n", encoding="ascii")
        for name, listener in listeners.items():
            self._sockets[name] = self._accept(listener)
            listener.close()
            self._sockets[name].setblocking(False)
            self._selector.register(self._sockets[name], selectors.EVENT_READ, getattr(self, f"_on_{name}"))
        self._sockets["monitor"].setblocking(True)
        self._sockets["monitor"].sendall(b'{"execute":"qmp_capabilities"}\n')
        if self._with_shell:
            self._selector.register(sys.stdin, selectors.EVENT_READ, self._on_keyboard)

    def _accept(self, listener):
        listener.settimeout(0.2)
        for _ in range(600):
            try:
                return listener.accept()[0]
            except TimeoutError:
                if self._process.poll() is not None:
                    break
        raise EmulatorDied(self._emulator_said() or "it said nothing")

    def _emulator_said(self):
        """What QEMU complained of, without its warnings (of hubs without a host network, for one)."""
        lines = (self._folder / "emulator.log").read_text(errors="replace").splitlines()
        return "\n".join(line for line in lines if "warning:" not in line)

    def _serve(self):
        start = heard = time.monotonic()
        while self._status is None:
            events = self._selector.select(timeout=0.5)
            now = time.monotonic()
            for key, _ in events:
                if key.data(key.fileobj):
                    heard = now
            if self._status is not None:
                break
            if not events and self._process.poll() is not None:
                said = self._emulator_said()
                reason = "the guest's kernel panicked" if any(b"panic" in line for line in self._troubled) else \
                    "the guest ended before its script did"
                return STATUS_GUEST_DIED, reason + (f"; the emulator said: {said}" if said else "")
            if self._time_limit_s and now - start > self._time_limit_s:
                return STATUS_TIME_UP, f"the time limit of {self._time_limit_s:g} s is over"
            if self._silence_limit_s and now - heard > self._silence_limit_s:
                return STATUS_TIME_UP, f"the guest has been silent for {self._silence_limit_s:g} s"
        return self._status, None

    def _end(self):
        if self._process and self._process.poll() is None:
            # First kindly: a plugin writes its figures at QEMU's exit.
            self._process.terminate()
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        for connection in self._sockets.values():
            connection.close()
        self._selector.close()

    def _received(self, connection):
        try:
            data = connection.recv(65536)
        except BlockingIOError:
            return b""
        except ConnectionError:
            data = b""
        if not data:
            self._selector.unregister(connection)
        return data

    def _on_output(self, connection):
        """Passes the output on, except for the mark, of which a beginning is held back."""
        data = self._received(connection)
        self._pending += data
        at = self._pending.find(self._mark)
        if at < 0:
            keep = _beginning_at_end(self._pending, self._mark)
            _write_out(self._pending[:len(self._pending) - keep])
            self._pending = self._pending[len(self._pending) - keep:]
        elif b"\n" in self._pending[at:]:
            _write_out(self._pending[:at])
            self._status = int(self._pending[at:].split(b"\n")[0].split()[1])
        return bool(data)

    def _on_console(self, connection):
        data = self._received(connection)
        if self._console_log.tell() < _CONSOLE_LOG_LIMIT:
            self._console_log.write(data)
            self._console_log.flush()
        *lines, self._console_line = (self._console_line + data).replace(b"\r", b"").split(b"\n")
        # A guest may never end its line.
        self._console_line = self._console_line[-4096:]
        for line in lines:
            self._console_tail.append(line)
            if _TROUBLE.search(line) and len(self._troubled) < 100:
                self._troubled.append(line)
        return bool(data)

    def _on_control(self, connection):
        """The guest asks for something that only the outside can do: 'cable N on|off'. Answered with one line."""
        data = self._received(connection)
        *lines, self._requests = (self._requests + data).split(b"\n")
        self._requests = self._requests[-4096:]
        for line in lines:
            words = line.decode(errors="replace").split()
            if len(words) == 3 and words[0] == "cable" and words[1].isdigit() and words[2] in ("on", "off"):
                for side in (0, 2):
                    self._tell_monitor("set_link", name=f"nic{int(words[1]) + side}", up=words[2] == "on")
                connection.send(b"ok\n")
            else:
                connection.send(b"the lab knows: cable N on|off\n")
        return bool(data)

    def _tell_monitor(self, command, **arguments):
        request = json.dumps({"execute": command, "arguments": arguments}) + "\n"
        self._sockets["monitor"].sendall(request.encode())

    def _on_monitor(self, connection):
        data = self._received(connection)
        *lines, self._monitor_input = (self._monitor_input + data).split(b"\n")
        for line in lines:
            if b'"error"' in line:
                print(f"lab: the emulator refused: {line.decode(errors='replace').strip()}", file=sys.stderr)
        return False

    def _on_shell(self, connection):
        data = self._received(connection)
        if self._with_shell:
            _write_out(data)
        return bool(data)

    def _on_keyboard(self, keyboard):
        data = os.read(keyboard.fileno(), 4096)
        if terminal.ESCAPE in data:
            self._status = 130
        elif not data:
            self._selector.unregister(keyboard)
            data = terminal.END_OF_INPUT
        self._sockets["shell"].setblocking(True)
        self._sockets["shell"].sendall(data)
        self._sockets["shell"].setblocking(False)
        return True


class EmulatorDied(Exception):
    """QEMU did not start."""


def _beginning_at_end(data, mark):
    """How many last bytes of data may be the beginning of the mark."""
    for length in range(min(len(mark) - 1, len(data)), 0, -1):
        if mark.startswith(data[-length:]):
            return length
    return 0


def _write_out(data):
    if data:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
