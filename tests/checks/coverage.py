"""Prints the share of covered lines by folder, from gcovr's JSON summary.

    python3 coverage.py coverage.json
"""
import collections
import json
import pathlib
import sys

lines = collections.defaultdict(lambda: [0, 0])
with open(sys.argv[1]) as stream:
    for file in json.load(stream)["files"]:
        folder = str(pathlib.PurePath(file["filename"]).parent)
        lines[folder][0] += file["line_covered"]
        lines[folder][1] += file["line_total"]
for folder, (covered, total) in sorted(lines.items()):
    if total:
        print(f"{folder:34} {100 * covered / total:5.1f}% of {total} lines")
