#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-2-Clause
"""Makes instructions per packet of what the plugin wrote: a table, or JSON. Windows of one name are repetitions of one
measurement; the window "idle" is what the guest executes without traffic, and is taken off in proportion to time."""

import argparse
import json
import statistics
import sys
from bisect import bisect_right
from collections import Counter
from pathlib import Path

CONTEXTS = ("softirq", "irq", "process", "user")
IDLE = "idle"


class Trouble(Exception):
    """Says what is wrong with the counts, in one line."""


def read_windows(folder):
    """The windows in order: name, packets, cpu, seconds, and for every vCPU what it executed in between."""
    path = Path(folder) / "counts.jsonl"
    if not path.exists():
        raise Trouble(f"{path} does not exist: was the guest run with --count-instructions, and did it call 'count'?")
    windows, begun = [], {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(line)
            mark, name = row["mark"], row["mark"]["name"]
        except (ValueError, KeyError) as error:
            raise Trouble(f"{path}:{number}: not a line of the plugin: {error}") from None
        if mark["edge"] == "begin":
            begun[name] = row
            continue
        first = begun.pop(name, None)
        if first is None:
            raise Trouble(f"{path}:{number}: window '{name}' ends without having begun")
        windows.append({
            "name": name, "packets": mark["packets"], "cpu": mark["cpu"],
            "seconds": (mark["ns"] - first["mark"]["ns"]) / 1e9, "marks": (first["number"], row["number"]),
            "vcpus": [{key: after[key] - before[key] for key in after}
                      for before, after in zip(first["vcpus"], row["vcpus"])],
        })
    if begun:
        raise Trouble(f"{path}: window '{next(iter(begun))}' never ends")
    return windows


def _of_cpu(window):
    """What the window's vCPU executed; all of them together where it names none."""
    if window["cpu"] is not None:
        if window["cpu"] >= len(window["vcpus"]):
            raise Trouble(f"window '{window['name']}' names vCPU {window['cpu']}; the guest has {len(window['vcpus'])}")
        return window["vcpus"][window["cpu"]]
    return dict(sum((Counter(vcpu) for vcpu in window["vcpus"]), Counter()))


def _per_second_idle(windows, like):
    """Mean of the idle windows that look at the same vCPU; None where there is none."""
    idle = [window for window in windows if window["name"] == IDLE]
    if not idle:
        return None
    seconds = sum(window["seconds"] for window in idle)
    total = Counter()
    for window in idle:
        total.update(_of_cpu({**window, "cpu": like["cpu"]}))
    return {key: value / seconds for key, value in total.items()}


def per_packet(window, idle):
    """Instructions a packet in each context, and softirq runs and interrupts a packet."""
    if not window["packets"]:
        raise Trouble(f"window '{window['name']}' counted no packets")
    executed = _of_cpu(window)
    return {key: (executed.get(key, 0) - (idle or {}).get(key, 0) * window["seconds"]) / window["packets"]
            for key in (*CONTEXTS, "softirqs", "irqs")}


def spread(values):
    """Median, extremes, and how far apart they are in percent of the median."""
    middle = statistics.median(values)
    return {"median": round(middle, 2), "min": round(min(values), 2), "max": round(max(values), 2),
            "spread_percent": round(100 * (max(values) - min(values)) / abs(middle), 2) if middle else None}


def measurements(folders):
    """One row for each name of a window, over all folders (runs of the guest)."""
    runs = {}
    for folder in folders:
        windows = read_windows(folder)
        for window in windows:
            if window["name"] != IDLE:
                idle = _per_second_idle(windows, window)
                runs.setdefault(window["name"], []).append({**per_packet(window, idle), "packets": window["packets"]})
    if not runs:
        raise Trouble("no window with packets")
    return [{"name": name, "runs": len(rows), "packets": sum(row["packets"] for row in rows),
             **{key: spread([row[key] for row in rows]) for key in (*CONTEXTS, "softirqs", "irqs")}}
            for name, rows in runs.items()]


def _read_profile(path, cpu):
    counts = Counter()
    for line in path.read_text(encoding="ascii").splitlines():
        vcpu, context, address, count = line.split()
        if cpu is None or int(vcpu) == cpu:
            counts[context, int(address, 16)] += int(count)
    return counts


def _read_symbols(path):
    """Sorted addresses and names of the kernel's text, its modules' and the BPF programs'."""
    if not path.exists():
        raise Trouble(f"{path} does not exist: the guest must run 'count symbols' after its windows")
    found = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.split()
        if words[1] in "tTwW":
            found.setdefault(int(words[0], 16), words[2] + (f" {words[3]}" if len(words) > 3 else ""))
    addresses = sorted(found)
    return addresses, [found[address] for address in addresses]


def profile(folder, name, context):
    """[(function, instructions a packet)] of the last window of a name, most first. Blocks are counted whole: an
    interrupted block counts for all of its instructions, so the sum may be a little over the measurement's."""
    window = next((window for window in reversed(read_windows(folder)) if window["name"] == name), None)
    if window is None:
        raise Trouble(f"there is no window '{name}' in {folder}")
    before, after = (Path(folder) / f"profile-{mark}" for mark in window["marks"])
    if not after.exists():
        raise Trouble(f"{after} does not exist: the guest must run 'count start --profile'")
    addresses, names = _read_symbols(Path(folder) / "kallsyms")
    functions = Counter()
    executed = _read_profile(after, window["cpu"])
    executed.subtract(_read_profile(before, window["cpu"]))
    for (where, address), count in executed.items():
        if where == context:
            index = bisect_right(addresses, address) - 1
            functions[names[index] if index >= 0 else hex(address)] += count
    return [(function, count / window["packets"]) for function, count in functions.most_common()]


def _print_table(rows):
    print(f"{'window':24} {'runs':>4} {'packets':>8} " +
          " ".join(f"{key + '/packet':>16} {'spread':>7}" for key in CONTEXTS))
    for row in rows:
        cells = []
        for key in CONTEXTS:
            percent = row[key]["spread_percent"]
            cells.append(f"{row[key]['median']:16.0f} {'-' if percent is None else f'{percent:.1f}%':>7}")
        print(f"{row['name']:24} {row['runs']:4} {row['packets']:8} " + " ".join(cells))


def main(words):
    parser = argparse.ArgumentParser(prog="report.py", description=__doc__)
    parser.add_argument("folder", nargs="+", help="the folder of 'lab run --count-instructions'; several: repetitions")
    parser.add_argument("--json", action="store_true", help="JSON instead of a table")
    parser.add_argument("--profile", metavar="WINDOW", help="instead: where this window's instructions went, by function")
    parser.add_argument("--context", choices=CONTEXTS[:3], default="softirq", help="of the profile (softirq)")
    parser.add_argument("--top", type=int, default=30, help="lines of the profile (30)")
    wanted = parser.parse_args(words)
    try:
        if wanted.profile:
            rows = profile(wanted.folder[0], wanted.profile, wanted.context)
            if wanted.json:
                print(json.dumps([{"function": function, "instructions_per_packet": round(count, 2)}
                                  for function, count in rows], indent=2))
                return 0
            print(f"{sum(count for _, count in rows):10.1f} instructions a packet in {wanted.context} context")
            for function, count in rows[:wanted.top]:
                print(f"{count:10.1f}  {function}")
            return 0
        rows = measurements(wanted.folder)
        if wanted.json:
            print(json.dumps(rows, indent=2))
        else:
            _print_table(rows)
    except Trouble as trouble:
        print(f"report.py: {trouble}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
