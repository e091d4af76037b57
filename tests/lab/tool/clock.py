# SPDX-License-Identifier: BSD-2-Clause
"""How fast this machine's time stamp counter counts. An emulated guest sees the same counter and would measure it against
an emulated timer while it boots; on a busy machine that goes wrong by any factor, and then all its time runs too fast
(seen: 705 s of uptime after less than 500 s). So the guest is told."""

import ctypes
import mmap
import time

# rdtsc; shl rdx, 32; or rax, rdx; ret
_READ_COUNTER = bytes.fromhex("0f3148c1e2204809d0c3")
_MEASURE_S = 0.05


def counter_khz():
    code = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    code.write(_READ_COUNTER)
    read = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(ctypes.c_char.from_buffer(code)))

    def look():
        """Counter and clock at the same moment: of several looks the one that took least."""
        looks = []
        for _ in range(20):
            before = time.monotonic_ns()
            counter = read()
            after = time.monotonic_ns()
            looks.append((after - before, counter, (before + after) // 2))
        return min(looks)[1:]

    counter, at = look()
    time.sleep(_MEASURE_S)
    later_counter, later = look()
    return round((later_counter - counter) * 1_000_000 / (later - at))
