#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Turns what the bench printed into results.json, a table and a chart.

report.py OUT_DIR FILE...: each FILE is named LEVEL-FS-MEASURE-QUEUES.txt and has lines
"TARGET JSON": ring_bench's objects, or {"op", "ns"} of mounted.sh. Of several
rounds the median counts.
"""

import json
import pathlib
import statistics
import sys

TARGETS = ("vhost_fs", "virtiofsd", "virtiofsd_pool", "native", "self")
KEYS = ("level", "op", "size", "depth", "queues", "fs", "measure")


def read_lines(path):
    """Yields (key, target, cost) for each line of a file."""
    level, fs, measure, queues = path.stem.split("-")
    for line in path.read_text().splitlines():
        target, _, text = line.partition(" ")
        if target not in TARGETS or not text.startswith("{"):
            continue
        row = json.loads(text)
        key = (level, row["op"], row.get("size", 0), row.get("depth", 1),
               int(queues), fs, measure)
        yield key, target, row["ns"]


def collect(paths):
    """Returns the list that results.json is."""
    costs = {}
    for path in paths:
        for key, target, cost in read_lines(path):
            costs.setdefault(key, {}).setdefault(target, []).append(cost)
    return [dict(zip(KEYS, key),
                 **{t: round(statistics.median(by[t]), 1) if t in by else None
                    for t in TARGETS})
            for key, by in costs.items()]


def daemon(row):
    """virtiofsd's cost at its better setting."""
    costs = [row[t] for t in ("virtiofsd", "virtiofsd_pool") if row[t]]
    return min(costs) if costs else None


def ratio(row):
    """How many times as much virtiofsd costs."""
    other = daemon(row)
    return other / row["vhost_fs"] if other and row["vhost_fs"] else None


def name(row):
    size = f" {row['size'] // 1024}K" if row["size"] else ""
    return f"{row['op']}{size} x{row['depth']} q{row['queues']}"


def table(rows):
    yield (f"{'measure':13} {'level':8} {'fs':6} {'operation':22} {'vhost-fs':>12} "
           f"{'virtiofsd':>12} {'native':>12} {'ratio':>6} {'of native':>9}")
    for row in rows:
        native = row["native"]
        share = f"{row['vhost_fs'] / native:9.2f}" if native else " " * 9
        yield (f"{row['measure']:13} {row['level']:8} {row['fs']:6} {name(row):22} "
               f"{row['vhost_fs']:12.0f} {daemon(row) or 0:12.0f} {native or 0:12.0f} "
               f"{ratio(row) or 0:6.2f} {share}")


def chart(rows):
    """Bars of ratios; a line marks where both cost the same."""
    bar, left, unit = 16, 300, 60
    width = left + int(unit * max([ratio(r) for r in rows] + [2])) + 80
    height = bar * (len(rows) + 2)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
           'font-family="sans-serif" font-size="11">',
           f'<rect width="{width}" height="{height}" fill="white"/>',
           f'<text x="4" y="12">cost of virtiofsd over cost of vhost-fs</text>']
    for i, row in enumerate(rows, 1):
        y, value = i * bar + 4, ratio(row)
        color = "#3a7d44" if value >= 1 else "#b3392f"
        label = f"{row['measure']} {row['level']} {row['fs']} {name(row)}"
        out.append(f'<text x="4" y="{y + 11}">{label}</text>'
                   f'<rect x="{left}" y="{y + 2}" width="{value * unit:.0f}" '
                   f'height="{bar - 4}" fill="{color}"/>'
                   f'<text x="{left + value * unit + 4:.0f}" y="{y + 11}">{value:.2f}</text>')
    out.append(f'<line x1="{left + unit}" y1="{bar}" x2="{left + unit}" y2="{height}" '
               'stroke="black" stroke-dasharray="3"/></svg>')
    return "\n".join(out) + "\n"


def main():
    if len(sys.argv) < 3:
        sys.exit("usage: report.py OUT_DIR FILE...")
    out = pathlib.Path(sys.argv[1])
    rows = collect(pathlib.Path(p) for p in sys.argv[2:])
    rows = [row for row in rows if row["vhost_fs"]]
    if not rows:
        sys.exit("report.py: no results")
    (out / "results.json").write_text(json.dumps(rows, indent=1) + "\n")
    (out / "ratios.svg").write_text(chart([row for row in rows if ratio(row)]))
    print("\n".join(table(rows)))


main()
