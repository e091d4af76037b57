# SPDX-License-Identifier: BSD-2-Clause
"""coalesce_by_ioctl.py NIC on|off RX-USECS TX-USECS: sets adaptive and both times by one ETHTOOL_SCOALESCE, which reaches
the driver as one call; ethtool itself goes by netlink. Prints what is in force afterwards."""

import array
import fcntl
import socket
import struct
import sys

SIOCETHTOOL = 0x8946
GCOALESCE, SCOALESCE = 0xE, 0xF
# struct ethtool_coalesce: 23 words; these of them.
RX_USECS, TX_USECS, ADAPTIVE_RX, ADAPTIVE_TX = 1, 5, 10, 11

nic, adaptive, rx, tx = sys.argv[1:]
control = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)


def call(words):
    block = array.array("I", words)
    fcntl.ioctl(control, SIOCETHTOOL, struct.pack("16sP8x", nic.encode(), block.buffer_info()[0]))
    return list(block)


now = call([GCOALESCE] + [0] * 22)
now[0] = SCOALESCE
now[RX_USECS], now[TX_USECS] = int(rx), int(tx)
now[ADAPTIVE_RX] = now[ADAPTIVE_TX] = int(adaptive == "on")
call(now)
now = call([GCOALESCE] + [0] * 22)
print(f"rx-usecs {now[RX_USECS]} tx-usecs {now[TX_USECS]} adaptive {now[ADAPTIVE_RX]}")
