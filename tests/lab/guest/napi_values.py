# SPDX-License-Identifier: BSD-2-Clause
"""napi_values.py NIC...: what the kernel keeps for each NAPI instance, by netlink's "netdev" family: a line for each, with the
NIC, napi_defer_hard_irqs, gro_flush_timeout and whether it has a thread; "-" is what this kernel does not keep for each."""

import socket
import struct
import sys

DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
REQUEST = 0x001
ERROR, DONE = 2, 3
CONTROL, GET_FAMILY, FAMILY_ID, FAMILY_NAME = 16, 3, 1, 2
NAPI_GET, IFINDEX = 11, 1
DEFER, FLUSH, THREADED = 5, 6, 8


def attribute(kind, value):
    return struct.pack("HH", 4 + len(value), kind) + value + b"\0" * (-len(value) % 4)


def attributes(data):
    found = {}
    while len(data) >= 4:
        size, kind = struct.unpack_from("HH", data)
        found[kind & 0x3FFF] = int.from_bytes(data[4:size], sys.byteorder)
        data = data[(size + 3) & ~3:]
    return found


def ask(family, command, flags, payload):
    kernel.send(struct.pack("IHHIIBBH", 20 + len(payload), family, flags, 1, 0, command, 1, 0) + payload)
    while True:
        data = kernel.recv(65536)
        while data:
            size, kind = struct.unpack_from("IH", data)
            if kind == ERROR and (code := struct.unpack_from("i", data, 16)[0]):
                sys.exit(f"netlink: error {-code}")
            if kind in (ERROR, DONE):
                return
            yield attributes(data[20:size])
            if flags == REQUEST:
                return
            data = data[(size + 3) & ~3:]


kernel = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
family = next(ask(CONTROL, GET_FAMILY, REQUEST, attribute(FAMILY_NAME, b"netdev\0")))[FAMILY_ID]
for nic in sys.argv[1:]:
    index = struct.pack("I", socket.if_nametoindex(nic))
    for napi in ask(family, NAPI_GET, DUMP, attribute(IFINDEX, index)):
        print(nic, *(napi.get(value, "-") for value in (DEFER, FLUSH, THREADED)))
