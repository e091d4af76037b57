#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""report.py on counts written by hand: the arithmetic, and what it says of counts that are not whole."""

import json
import sys
import tempfile
import unittest
from pathlib import Path

sys.dont_write_bytecode = True
import report  # noqa: E402


def line(number, edge, name, packets, seconds, *vcpus):
    """As the plugin writes it; each vCPU is (softirq, everything else)."""
    return json.dumps({"mark": {"edge": edge, "name": name, "packets": packets, "cpu": 1, "ns": int(seconds * 1e9)},
                       "number": number,
                       "vcpus": [{"user": other, "process": other, "irq": other, "softirq": softirq, "irqs": other,
                                  "softirqs": other} for softirq, other in vcpus]})


class ReportTest(unittest.TestCase):
    def setUp(self):
        self._temporary = tempfile.TemporaryDirectory()
        self.addCleanup(self._temporary.cleanup)
        self.folder = Path(self._temporary.name)

    def write(self, *lines):
        (self.folder / "counts.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def test_takes_idle_off_and_looks_at_the_named_vcpu(self):
        self.write(line(0, "begin", "idle", None, 0, (0, 0), (0, 0)), line(1, "end", "idle", 0, 2, (9, 9), (200, 0)),
                   line(2, "begin", "a", None, 2, (0, 0), (1000, 0)), line(3, "end", "a", 10, 3, (777, 0), (6100, 0)))
        (row,) = report.measurements([self.folder])
        self.assertEqual(row["softirq"]["median"], (5100 - 100) / 10)
        self.assertEqual((row["name"], row["runs"], row["packets"]), ("a", 1, 10))

    def test_spread_over_repetitions_and_folders(self):
        self.write(line(0, "begin", "a", None, 0, (0, 0), (0, 0)), line(1, "end", "a", 10, 1, (0, 0), (1000, 0)),
                   line(2, "begin", "a", None, 1, (0, 0), (1000, 0)), line(3, "end", "a", 10, 2, (0, 0), (2100, 0)))
        (row,) = report.measurements([self.folder, self.folder])
        self.assertEqual(row["runs"], 4)
        self.assertEqual(row["softirq"], {"median": 105, "min": 100, "max": 110, "spread_percent": 9.52})

    def test_names_what_is_wrong(self):
        begin = line(0, "begin", "a", None, 0, (0, 0), (0, 0))
        for lines, complaint in (
                ([begin], "window 'a' never ends"),
                ([line(0, "end", "a", 10, 1, (0, 0), (0, 0))], ":1: window 'a' ends without having begun"),
                ([begin, '{"mark": 3'], ":2: not a line of the plugin"),
                ([begin, line(1, "end", "a", 0, 1, (0, 0), (0, 0))], "window 'a' counted no packets"),
                ([begin, line(1, "end", "a", 1, 1, (0, 0))], "names vCPU 1; the guest has 1")):
            self.write(*lines)
            with self.assertRaises(report.Trouble) as caught:
                report.measurements([self.folder])
            self.assertIn(complaint, str(caught.exception))

    def test_no_counts(self):
        with self.assertRaises(report.Trouble) as caught:
            report.measurements([self.folder])
        self.assertIn("--count-instructions", str(caught.exception))

    def test_profile_by_function_of_kernel_modules_and_programs(self):
        self.write(line(0, "begin", "a", None, 0, (0, 0), (0, 0)), line(1, "end", "a", 10, 1, (0, 0), (1000, 0)))
        (self.folder / "kallsyms").write_text("ffffffff81000000 T first\nffffffff81000100 t second\n"
                                              "ffffffffc0000000 t poll\t[igb]\nffffffffc0000040 d not_text\n"
                                              "ffffffffc0001000 t bpf_prog_1_up\t[bpf]\n", encoding="utf-8")
        (self.folder / "profile-0").write_text("1 softirq ffffffff81000104 50\n", encoding="utf-8")
        (self.folder / "profile-1").write_text(
            "1 softirq ffffffff81000104 150\n0 softirq ffffffff81000104 999\n1 irq ffffffff81000000 999\n"
            "1 softirq ffffffffc0000044 300\n1 softirq ffffffffc0001000 20\n1 softirq ffffffff81000000 10\n",
            encoding="utf-8")
        self.assertEqual(report.profile(self.folder, "a", "softirq"),
                         [("poll [igb]", 30), ("second", 10), ("bpf_prog_1_up [bpf]", 2), ("first", 1)])


if __name__ == "__main__":
    unittest.main()
