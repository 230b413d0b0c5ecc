"""Prints what compare.sh collected: times, and how many times faster this library was, round by round.

    python3 ratios.py compare.tsv
"""
import collections
import statistics
import sys

OURS = "layerwise"


def span(values, form):
    middle = statistics.median(values)
    return f"{form(middle)} [{form(min(values))} .. {form(max(values))}]"


def seconds(value):
    for unit, size in (("s", 1), ("ms", 1e-3), ("us", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"


times = collections.defaultdict(lambda: collections.defaultdict(list))
with open(sys.argv[1]) as lines:
    for line in lines:
        work, who, value = line.rstrip("\n").split("\t")
        times[work][who].append(float(value))

rows = [("work", "who", "time", "times what layerwise takes", "times what layerwise takes in bf16")]
for work, by in times.items():
    for who, values in by.items():
        row = [work, who, span(values, seconds)]
        for own in (OURS, OURS + ", bf16"):
            pairs = list(zip(values, by.get(own, [])))
            row.append("" if who.startswith(OURS) and who != OURS + ", stage 32" or not pairs
                       else span([theirs / ours for theirs, ours in pairs], lambda x: f"{x:.3g}"))
        rows.append(tuple(row))
widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
for row in rows:
    print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())
