# SPDX-License-Identifier: BSD-2-Clause
"""A very small virtual machine on a tap: answers ARP and ping for one address, and sends a frame when told so.
usage: tap_guest.py TAP MAC IPV4 FIFO; a line "send MAC COUNT" to the fifo sends COUNT frames to that MAC. The fifo is
made once the tap is up. A line "count FILE" writes how many broadcasts of IPv4 it got."""

import fcntl
import os
import select
import struct
import sys

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
IPV4, ARP = b"\x08\x00", b"\x08\x06"
BROADCAST = b"\xff" * 6


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data if len(data) % 2 == 0 else data + b"\0"))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Guest:
    def __init__(self, tap, mac, address):
        self.mac = bytes.fromhex(mac.replace(":", ""))
        self.address = bytes(int(part) for part in address.split("."))
        self.tap = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(self.tap, TUNSETIFF, struct.pack("16sH", tap.encode(), IFF_TAP | IFF_NO_PI))
        self.broadcasts = 0

    def receive(self):
        frame = os.read(self.tap, 65536)
        to, sender, kind = frame[:6], frame[6:12], frame[12:14]
        if to == BROADCAST and kind == IPV4:
            self.broadcasts += 1
        if kind == ARP and frame[20:22] == b"\0\1" and frame[38:42] == self.address:
            answer = frame[14:20] + b"\0\2" + self.mac + self.address + frame[22:32]
            self.send(sender, ARP, answer)
        elif kind == IPV4 and to == self.mac and frame[23] == 1 and frame[34] == 8:
            packet = bytearray(frame[14:])
            packet[12:16], packet[16:20] = packet[16:20], packet[12:16]
            length = struct.unpack("!H", packet[2:4])[0]
            packet[20] = 0
            packet[22:24] = b"\0\0"
            packet[22:24] = struct.pack("!H", checksum(bytes(packet[20:length])))
            self.send(sender, IPV4, bytes(packet))

    def send(self, to, kind, payload):
        os.write(self.tap, (to + self.mac + kind + payload).ljust(60, b"\0"))

    def told(self, line):
        words = line.split()
        if len(words) == 2 and words[0] == "count":
            with open(words[1] + ".new", "w", encoding="ascii") as file:
                print(self.broadcasts, file=file)
            os.rename(words[1] + ".new", words[1])
        elif len(words) == 3 and words[0] == "send":
            for _ in range(int(words[2])):
                # An ethertype for local experiments.
                self.send(bytes.fromhex(words[1].replace(":", "")), b"\x88\xb5", b"guest")


def main(tap, mac, address, fifo):
    guest = Guest(tap, mac, address)
    os.system(f"ip link set {tap} up")
    os.mkfifo(fifo)
    orders = os.open(fifo, os.O_RDWR)
    while True:
        ready, _, _ = select.select([guest.tap, orders], [], [])
        if guest.tap in ready:
            guest.receive()
        if orders in ready:
            for line in os.read(orders, 4096).decode().splitlines():
                guest.told(line)


main(*sys.argv[1:])
