#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Turns what the bench printed into results.json, a table and a chart.

report.py OUT_DIR FILE...: each FILE is named LEVEL-FS-MEASURE-QUEUES.txt and has
lines "TARGET JSON": ring_bench's objects, or those of mounted.sh; that of level
isolation has lines "TARGET COMPANY JSON". Costs are nanoseconds per operation, or instructions,
which are the emulated processor's nanoseconds. Of several rounds the median counts;
of times the least, because whatever disturbs a machine only adds to them.

In results.json each object has level, op, size, depth, queues, fs, measure, and a
cost for each of TARGETS, null where it wasn't measured. What is mounted also has
"guest", the part of vhost_fs's cost that no server can change: the guest's own.

Beside the ratio the table has two bounds: the ratio that a server would reach whose
answers cost nothing, and the one of a server whose only work is the system calls
that do the same on the host, as the target native does them.
"""

import json
import pathlib
import statistics
import sys

TARGETS = ("vhost_fs", "virtiofsd", "virtiofsd_pool", "native", "self")
# Mounted operations whose native cost is that of one system call.
SINGLE_CALLS = ("fio write 128K", "fio read 128K", "fio randread 4K", "fio randwrite 4K")
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
        if target == "vhost_fs" and "server_ns" in row:
            yield key, "guest", row["ns"] - row["server_ns"]


def collect(paths):
    """Returns the list that results.json is."""
    costs = {}
    for path in paths:
        for key, target, cost in read_lines(path):
            costs.setdefault(key, {}).setdefault(target, []).append(cost)
    rows = []
    for key, by in costs.items():
        row = dict(zip(KEYS, key)) | dict.fromkeys(TARGETS)
        typical = statistics.median_low if row["measure"] == "instructions" else min
        row |= {t: round(typical(values), 1) for t, values in by.items()}
        rows.append(row)
    return rows


def daemon(row):
    """virtiofsd's cost at its better setting."""
    return min((row[t] for t in ("virtiofsd", "virtiofsd_pool") if row[t]), default=None)


def quotient(a, b):
    return a / b if a and b else None


def ratio(row):
    """How many times as much virtiofsd costs."""
    return quotient(daemon(row), row["vhost_fs"])


def bound(row):
    """The ratio if our answers cost nothing."""
    return quotient(daemon(row), row.get("guest"))


def calls_bound(row):
    """The ratio if our answers cost what the system calls do.

    Of what is mounted only fio's own system calls are known by themselves: native has
    the program's work too. At level ring the guest's part is the load generator's own,
    where it hardly sleeps.
    """
    calls = row["op"] in SINGLE_CALLS if row["level"] == "mounted" else row["depth"] > 1
    guest = row.get("guest") or row["self"]
    if not calls or not guest or not row["native"]:
        return None
    return quotient(daemon(row), guest + row["native"])


def name(row):
    size = row["size"]
    size = f" {size // 1024}K" if 0 < size < 1 << 20 else f" {size >> 20}M" if size else ""
    if row["level"] == "mounted":
        return row["op"]
    return f"{row['op']}{size} x{row['depth']}"


def cell(value, width, digits=0):
    return f"{value:{width}.{digits}f}" if value else " " * (width - 1) + "-"


def table(rows):
    yield (f"{'measure':13} {'level':8} {'fs':6} {'queues':>6} {'operation':20} {'vhost-fs':>12} "
           f"{'virtiofsd':>12} {'with pool':>12} {'native':>12} {'ratio':>6} {'calls':>6} "
           f"{'bound':>6} {'of native':>9}")
    for row in rows:
        yield (f"{row['measure']:13} {row['level']:8} {row['fs']:6} {row['queues']:6} "
               f"{name(row):20} {cell(row['vhost_fs'], 12)} {cell(row['virtiofsd'], 12)} "
               f"{cell(row['virtiofsd_pool'], 12)} {cell(row['native'], 12)} "
               f"{cell(ratio(row), 6, 2)} {cell(calls_bound(row), 6, 2)} "
               f"{cell(bound(row), 6, 2)} "
               f"{cell(quotient(row['vhost_fs'], row['native']), 9, 2)}")


def isolation_table(paths):
    """How long an idle guest waits for an answer, in the measure's unit."""
    for path in paths:
        yield f"\n{path.stem.split('-')[2]:13} answers to an idle guest {'p50':>12} {'p99':>12}"
        for line in path.read_text().splitlines():
            target, company, text = line.split(" ", 2)
            row = json.loads(text)
            yield f"{target:13} {company:24} {row['p50']:12} {row['p99']:12}"


BAR, LABELS, UNIT = 16, 190, 60


def panel(title, rows, top):
    """Bars of ratios below a title; a line marks where both cost the same."""
    yield f'<text x="4" y="{top + 13}" font-weight="bold">{title}</text>'
    for i, row in enumerate(rows, 1):
        y, value = top + i * BAR + 4, ratio(row)
        color = "#3a7d44" if value >= 1 else "#b3392f"
        yield (f'<text x="4" y="{y + 11}">{name(row)}</text>'
               f'<rect x="{LABELS}" y="{y + 2}" width="{value * UNIT:.0f}" '
               f'height="{BAR - 4}" fill="{color}"/>'
               f'<text x="{LABELS + value * UNIT + 4:.0f}" y="{y + 11}">{value:.1f}</text>')
        marks = ((bound(row), "#1f4f9e"), (calls_bound(row), "#d98e04"))
        for x, color in ((LABELS + mark * UNIT, color) for mark, color in marks if mark):
            yield f'<path d="M{x:.0f} {y + 1}v{BAR - 2}" stroke="{color}" stroke-width="2"/>'
    yield (f'<path d="M{LABELS + UNIT} {top + BAR}v{BAR * len(rows) + 4}" stroke="black" '
           'stroke-dasharray="3"/>')


def chart(rows):
    """A panel for each level and measure: in memory, on one queue."""
    groups = {}
    for row in rows:
        if ratio(row) and row["fs"] == "tmpfs" and row["queues"] == 1 and row["depth"] != 8:
            groups.setdefault((row["level"], row["measure"]), []).append(row)
    out, top, widest = [], 20, 2
    for (level, measure), group in groups.items():
        out += panel(f"{level}: {measure}", group, top)
        top += BAR * (len(group) + 2)
        widest = max([widest] + [max(ratio(row), bound(row) or 0, calls_bound(row) or 0)
                                 for row in group])
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" width="{LABELS + widest * UNIT + 60:.0f}" '
            f'height="{top}" font-family="sans-serif" font-size="11">'
            '<rect width="100%" height="100%" fill="white"/>'
            '<text x="4" y="13">cost of virtiofsd over cost of vhost-fs; '
            'blue: if answers cost nothing; yellow: if they cost what system calls '
            'do</text>')
    return "\n".join(["<!-- SPDX-License-Identifier: GPL-2.0-only -->", head, *out,
                      "</svg>"]) + "\n"


def main():
    if len(sys.argv) < 3:
        sys.exit("usage: report.py OUT_DIR FILE...")
    out, paths = pathlib.Path(sys.argv[1]), [pathlib.Path(p) for p in sys.argv[2:]]
    isolation = [p for p in paths if p.stem.startswith("isolation-")]
    rows = [row for row in collect(p for p in paths if p not in isolation) if row["vhost_fs"]]
    (out / "results.json").write_text(json.dumps(rows, indent=1) + "\n")
    (out / "ratios.svg").write_text(chart(rows))
    print("\n".join(table(rows)))
    print("\n".join(isolation_table(isolation)))


main()
