"""How far the results of two runs of a program lie apart, and how long each took. For run.sh.

    python3 difference.py NAME FOLDER FOLDER
"""
import csv
import sys


def rows(folder):
    with open(folder + "/metrics.csv") as file:
        return [row for row in csv.DictReader(file)]


def seconds(folder):
    with open(folder + "/seconds") as file:
        return file.read()


name, first, second = sys.argv[1:4]
worst, where = 0.0, ""
for a, b in zip(rows(first), rows(second), strict=True):
    x, y = float(a["value"]), float(b["value"])
    difference = abs(x - y) / max(abs(x), 1e-3)
    if difference > worst:
        worst, where = difference, f"{a['variant']} stage {a['stage']}, {a['split']} {a['metric']}: {x:.6g} and {y:.6g}"
print(f"{name}: {seconds(first)} and {seconds(second)}; largest relative difference {worst:.2g} ({where})")
