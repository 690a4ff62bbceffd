#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Prints where the instructions of each benchmark case went.

profile.py DIR LINES CASE...: DIR holds results (ring.sh's lines, in the order of
their stretches), counts.N for each stretch N (lines "ADDRESS INSTRUCTIONS", the
address in hexadecimal), and the VM's kallsyms. Code outside the kernel is told
apart by program only: the load generator is linked to a low address.
"""

import bisect
import collections
import json
import pathlib
import re
import sys

GENERATOR_END = 0x10000000
KERNEL_START = 1 << 63


class Symbols:
    """The kernel's functions by address."""

    def __init__(self, path):
        symbols = []
        for line in path.read_text().splitlines():
            address, kind, name, *module = line.split()
            if kind in "tTwW":
                symbols.append((int(address, 16), name,
                                module[0].strip("[]") if module else "kernel"))
        symbols.sort()
        self.addresses = [s[0] for s in symbols]
        self.symbols = symbols

    def find(self, address):
        """Returns (function, module)."""
        if address < KERNEL_START:
            return ("(all)", "generator" if address < GENERATOR_END else "programs")
        at = bisect.bisect_right(self.addresses, address) - 1
        return self.symbols[at][1:] if at >= 0 else ("?", "kernel")


def read_counts(path, symbols):
    """Returns the instructions by (function, module)."""
    counts = collections.Counter()
    for line in path.read_text().splitlines():
        address, count = line.split()
        counts[symbols.find(int(address, 16))] += int(count)
    return counts


def print_stretch(title, counts, operations, lines):
    modules = collections.Counter()
    for (_, module), count in counts.items():
        modules[module] += count
    total = sum(counts.values())
    print(f"\n{title}: {total / operations:.0f} instructions per operation")
    print("  " + ", ".join(f"{module} {count / operations:.0f}"
                           for module, count in modules.most_common(8)))
    for (function, module), count in counts.most_common(lines):
        print(f"{count / operations:10.1f} {100 * count / total:5.1f} %  "
              f"{function} [{module}]")


def main():
    out, lines, cases = pathlib.Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    symbols = Symbols(out / "kallsyms")
    results = [line.partition(" ") for line in (out / "results").read_text().splitlines()]
    for i, (target, _, text) in enumerate(results):
        row = json.loads(text)
        operations = int(re.search(r"\*(\d+)$", cases[i % len(cases)]).group(1))
        size = f" {row['size']}" if row["size"] else ""
        title = (f"{target} {row['op']}{size} x{row['depth']} (clock {row['ns']:.0f}, "
                 f"kicks {row['kicks']}, sleeps {row['sleeps']})")
        print_stretch(title, read_counts(out / f"counts.{i}", symbols), operations, lines)


main()
