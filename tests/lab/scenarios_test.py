#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""The lab's scenarios as a user runs them, once each: they come to their end and say what they promise. The figures may be
far from the documented ones; what they say of the order of contenders may not."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

BENCH = Path(os.environ.get("BUILD", "build")) / "xdpfwd-bench"


class ScenariosTest(unittest.TestCase):
    def run_scenario(self, name):
        """The last line of its output, and all of it."""
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run([BENCH, "run", name, "--quick", "--repetitions", "1", "--json", "--out", folder],
                                  stdout=subprocess.PIPE, text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stdout)
            self.assertTrue((Path(folder) / "report.html").is_file())
        return json.loads(done.stdout.splitlines()[-1]), done.stdout

    def median(self, text, row, column):
        """Of a table with contenders in rows."""
        lines = text.splitlines()
        head = next(line.split() for line in lines if column in line.split())
        words = next(line for line in lines if line.startswith(f"{row}  ") and "=" not in line)
        value = words[len(row):].split()[head.index(column)]
        return float(value.rstrip("kM")) * {"k": 1e3, "M": 1e6}.get(value[-1], 1)

    def test_cost_per_packet(self):
        line, _ = self.run_scenario("cost-per-packet")
        self.assertNotIn("refused", line)
        for rates in (line, line["budget_polls"]):
            self.assertLess(rates["xdpfwd_over_ovs"], 0.35)
            self.assertLess(rates["xdpfwd_over_bridge"], 0.5)
            self.assertLess(rates["xdpfwd_over_floor"], 2)
            self.assertLess(rates["two_vms_over_one"], 1.2)
        self.assertGreater(line["one_frame_a_poll"]["instructions"]["xdpfwd"], line["instructions"]["xdpfwd"])

    def test_saturation(self):
        _, text = self.run_scenario("saturation")
        forwarded = {name: self.median(text, name, "forwarded_pps") for name in ("xdpfwd", "bridge", "ovs-kernel")}
        self.assertGreater(forwarded["xdpfwd"], 2.5 * forwarded["ovs-kernel"])
        self.assertGreater(forwarded["bridge"], forwarded["ovs-kernel"])
        self.assertGreater(self.median(text, "ovs-kernel", "busy_percent"), 95)

    def test_ndr(self):
        _, text = self.run_scenario("ndr")
        for metric in ("ndr_pps", "pdr_pps"):
            found = {name: self.median(text, name, metric) for name in ("xdpfwd", "bridge", "ovs-kernel")}
            self.assertGreater(found["xdpfwd"], 1.5 * found["ovs-kernel"])
            self.assertGreater(found["bridge"], found["ovs-kernel"])
        self.assertGreaterEqual(self.median(text, "xdpfwd", "pdr_pps"), self.median(text, "xdpfwd", "ndr_pps"))

    def test_tap_qdisc_lab(self):
        line, _ = self.run_scenario("tap-qdisc-lab")
        ratios = {(one["of"], one["at"]["cpus"]): one["ratio"] for one in line["ratios"]
                  if one["metric"] == "instructions_per_frame" and one["to"] == "noqueue"}
        self.assertGreater(ratios["fq_codel", 1], 1)

    def test_failover(self):
        _, text = self.run_scenario("failover")
        for contender in ("xdpfwd-bridge", "bridge", "ovs-kernel"):
            self.assertEqual(self.median(text, f"{contender}: nothing", "lost"), 0)
            self.assertLess(self.median(text, f"{contender}: cable-cut", "lost"), 100)

    def test_tx_coalescing(self):
        _, text = self.run_scenario("tx-coalescing")
        self.assertLess(self.median(text, "tx-usecs 150", "polls_of_0_per_second"),
                        0.7 * self.median(text, "tx-usecs 0", "polls_of_0_per_second"))


if __name__ == "__main__":
    sys.exit(unittest.main())
