#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""wire → VM through xdpfwd's fast path, VM → wire through the bridge that owns the tap: ping, UDP and TCP of a real VM,
every byte compared. On this machine itself, in network namespaces of the test's own; the wire is a veth, untagged, since
a machine's kernel may have neither VLAN devices nor bridges that filter.

    usage: vm_test.py BUILD-FOLDER"""

import ctypes
import functools
import hashlib
import http.server
import json
import os
import random
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from tool import root  # noqa: E402
from vm.virtual_machine import VirtualMachine  # noqa: E402

BUILD = Path("build")
MAC = "52:54:00:aa:00:01"
VM, WIRE = "10.100.0.1", "10.100.0.254"
BLOCKS = 128  # of 64 KiB
PATIENCE_S = 300
CLONE_NEWNET = 0x40000000

HYPERVISOR_SET_UP = """
ip link set lo up
ip link add wire1 type veth peer name wire0 netns {wire}
ip tuntap add dev tap1 mode tap vnet_hdr
ip link add br0 type bridge
ip link set wire1 master br0
ip link set tap1 master br0
ip link set wire1 up
ip link set tap1 up
ip link set br0 up
"""
# A veth hands on what its sender left to it to do. The sender's kernel leaves the checksum for the NIC to fill in; XDP
# takes the frame to the tap without the mark that says so; the VM sees a wrong checksum, and TCP hangs. A NIC's wire
# carries whole checksums, so must this one.
WIRE_SET_UP = """
ip link set lo up
ethtool -K wire0 tx off
ip address add {address}/24 dev wire0
ip link set wire0 up
"""


def run(*words, **more):
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, words))}: {done.stdout}")
    return done.stdout


def enter_namespace(name):
    """This thread, and the threads and programs that it starts from now on."""
    with open(f"/run/netns/{name}", "rb") as namespace:
        if ctypes.CDLL(None, use_errno=True).setns(namespace.fileno(), CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), f"setns {name}")


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


class VmTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.hypervisor, cls.wire = f"xdpfwd-vm-{os.getpid()}", f"xdpfwd-wire-{os.getpid()}"
        for name in (cls.hypervisor, cls.wire):
            run("ip", "netns", "add", name)
            cls.addClassCleanup(run, "ip", "netns", "del", name)
        run("ip", "netns", "exec", cls.hypervisor, "sh", "-ec", HYPERVISOR_SET_UP.format(wire=cls.wire))
        enter_namespace(cls.wire)
        run("sh", "-ec", WIRE_SET_UP.format(address=WIRE))
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = Path(temporary.name)
        cls.file = os.urandom(BLOCKS * 65536)
        cls._serve_file()
        cls.vm = VirtualMachine(cls.hypervisor, "tap1", MAC, cls.folder, BLOCKS)
        cls.enterClassContext(cls.vm)
        cls._start_daemon()
        cls.vm.wait_for("vm: up", PATIENCE_S)
        print(next(line for line in cls.vm.console().splitlines() if "vm: up" in line), flush=True)

    @classmethod
    def _serve_file(cls):
        (cls.folder / "www").mkdir()
        (cls.folder / "www/file").write_bytes(cls.file)
        handler = functools.partial(QuietFiles, directory=str(cls.folder / "www"))
        server = http.server.ThreadingHTTPServer((WIRE, 8000), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        cls.addClassCleanup(server.server_close)
        cls.addClassCleanup(server.shutdown)

    @classmethod
    def _start_daemon(cls):
        """In the hypervisor's namespace, its pins in a mount namespace that ends with it."""
        for name in ("bpf", "state"):
            (cls.folder / name).mkdir()
        (cls.folder / "xdpfwd.toml").write_text(f"""[uplink]
devices = ["wire1"]
[daemon]
bpffs = "{cls.folder}/bpf/xdpfwd"
state_dir = "{cls.folder}/state"
[control]
socket = "{cls.folder}/socket"
group = ""
[[guest]]
name = "vm1"
tap = "tap1"
mac = "{MAC}"
vlan = "untagged"
""", encoding="utf-8")
        log = open(cls.folder / "xdpfwd.log", "wb")
        cls.addClassCleanup(log.close)
        daemon = subprocess.Popen(
            ["ip", "netns", "exec", cls.hypervisor, "sh", "-ec",
             f"mount -t bpf bpf {cls.folder}/bpf; exec {BUILD}/xdpfwd -c {cls.folder}/xdpfwd.toml"],
            stdout=log, stderr=log)
        cls.addClassCleanup(daemon.wait)
        cls.addClassCleanup(daemon.terminate)
        end = time.monotonic() + PATIENCE_S
        while cls.status().get("state") != "forwarding":
            if daemon.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"xdpfwd does not forward: {cls.status()} {(cls.folder / 'xdpfwd.log').read_text()}")
            time.sleep(0.2)

    @classmethod
    def status(cls):
        done = subprocess.run([BUILD / "xdpctl", "--socket", cls.folder / "socket", "status", "--json"],
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        return json.loads(done.stdout) if done.returncode == 0 else {}

    @classmethod
    def forwarded(cls):
        return sum(member["packets"]["forwarded"] for member in cls.status()["members"])

    @classmethod
    def from_vm(cls, what):
        return int(run("ip", "netns", "exec", cls.hypervisor, "cat", f"/sys/class/net/tap1/statistics/rx_{what}"))

    def test_ping(self):
        before = self.forwarded()
        busybox = root.lab().required() / "usr/bin/busybox"
        run(busybox, "ping", "-c", "5", "-W", "20", VM)
        self.assertGreaterEqual(self.forwarded() - before, 5, "the fast path took the requests")

    def test_udp(self):
        before = self.forwarded()
        sizes = random.Random(1)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
            wire.settimeout(60)
            wire.connect((VM, 7))
            for _ in range(300):
                sent = os.urandom(sizes.randint(1, 1472))
                wire.send(sent)
                self.assertEqual(wire.recv(2000), sent)
        self.assertGreaterEqual(self.forwarded() - before, 300)

    def test_tcp_into_the_vm(self):
        self.vm.wait_for("vm: received", PATIENCE_S)
        with urllib.request.urlopen(f"http://{VM}/received.sum", timeout=60) as answer:
            self.assertEqual(answer.read().split()[0].decode(), hashlib.sha256(self.file).hexdigest())
        self.assertGreater(self.forwarded(), len(self.file) // 1500, "the fast path took the segments")

    def test_tcp_out_of_the_vm(self):
        packets, octets = self.from_vm("packets"), self.from_vm("bytes")
        with urllib.request.urlopen(f"http://{VM}/sent", timeout=60) as answer:
            got = answer.read()
        packets, octets = self.from_vm("packets") - packets, self.from_vm("bytes") - octets
        with urllib.request.urlopen(f"http://{VM}/sent.sum", timeout=60) as answer:
            self.assertEqual(answer.read().split()[0].decode(), hashlib.sha256(got).hexdigest())
        self.assertEqual(len(got), BLOCKS * 65536)
        # Segments larger than a frame: the VM leaves cutting and checksums to us, offloads are on.
        self.assertGreater(octets / packets, 1514)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    BUILD = Path(sys.argv.pop(1)).absolute()
    unittest.main(verbosity=2)
