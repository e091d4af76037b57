# SPDX-License-Identifier: BSD-2-Clause
"""The person's terminal while a shell runs in the guest: raw, so that every key goes there."""

import contextlib
import os
import sys
import termios
import tty

# Ctrl-] ends the guest, as with telnet.
ESCAPE = b"\x1d"
END_OF_INPUT = b"\x04"


def size():
    """(rows, columns)"""
    try:
        columns, rows = os.get_terminal_size(sys.stdin.fileno())
    except OSError:
        return 24, 80
    return rows or 24, columns or 80


@contextlib.contextmanager
def raw():
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    tty.setraw(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
