"""How far the results of two runs of a program lie apart, and how long each took. For run.sh.

    python3 difference.py NAME FOLDER FOLDER [ALLOWED]

With ALLOWED, only losses are compared, and the status is 1 if one differs by more than that share of itself.
"""
import csv
import math
import sys

LOSSES = {"mse", "cross_entropy", "squared_error"}


def rows(folder, losses_alone):
    with open(folder + "/metrics.csv") as file:
        return [row for row in csv.DictReader(file) if not losses_alone or row["metric"] in LOSSES]


def seconds(folder):
    with open(folder + "/seconds") as file:
        return file.read()


name, *folders = sys.argv[1:4]
allowed = float(sys.argv[4]) if len(sys.argv) > 4 else None
worst, where, compared = 0.0, "nowhere", 0
for a, b in zip(*(rows(folder, allowed is not None) for folder in folders), strict=True):
    x, y = float(a["value"]), float(b["value"])
    difference = abs(x - y) / max(abs(x), 1e-3)
    compared += 1
    if not difference <= worst:  # NaN is the largest of all
        worst = math.inf if math.isnan(difference) else difference
        where = f"{a['variant']} stage {a['stage']}, {a['split']} {a['metric']}: {x:.6g} and {y:.6g}"
print(f"{name}: {' and '.join(map(seconds, folders))}; largest relative difference of {compared} "
      f"{'results' if allowed is None else 'early losses'} {worst:.2g} ({where.strip()})")
if allowed is not None and not (compared > 0 and worst <= allowed):
    sys.exit(f"error: {name}: more than {allowed} apart, or nothing to compare\nhint: see {' and '.join(folders)}")
