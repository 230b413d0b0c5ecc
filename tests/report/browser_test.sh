#!/usr/bin/env bash
# The pages of runs in headless Chromium, as browser.py checks them: a study, a study of one's own, one with hostile
# text in its options, one without plots, and an index over them.
#
#   bash tests/report/browser_test.sh PROGRAMS       the folder with the programs
#   bash tests/report/browser_test.sh --fetch        brings axe-core (npm) to where this test looks for it
#
# LAYERWISE_SCREENSHOTS names a folder for pictures of the pages, and for what they print.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
axe_package=axe-core@4.10.3
axe=${XDG_CACHE_HOME:-$HOME/.cache}/layerwise/axe-core/axe.min.js

if [ "$1" = --fetch ]; then
  [ ! -e "$axe" ] || exit 0
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  (cd "$work" && npm pack --silent "$axe_package" >/dev/null && tar -xzf axe-core-*.tgz --no-same-owner package/axe.min.js)
  mkdir -p "$(dirname "$axe")"
  mv "$work/package/axe.min.js" "$axe"
  exit 0
fi

programs=$(cd "$1" && pwd)
skip() {
  echo "skipped: no $1"
  exit 0
}
command -v python3 >/dev/null || skip "python3"
command -v gnuplot >/dev/null || skip "gnuplot"
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome) ||
  skip "chromium (Debian: apt-get install chromium)"
[ -e "$axe" ] || skip "axe-core (bash tests/report/browser_test.sh --fetch)"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
hostile='<img src=x onerror=alert(1)> & "q" `touch made`'
python3 - "$hostile.csv" <<'EOP'
import random, sys
draw = random.Random(1)
with open(sys.argv[1], "w") as table:
    print("a,b,y", file=table)
    for row in range(200):
        kind = row % 3
        print(f"{draw.gauss(kind, 1)},{draw.gauss(-kind, 1)},<b>kind {kind}</b>", file=table)
EOP
run() { "$programs/$1" "${@:2}" --quiet >/dev/null; }
run blobs_unsupervised --repeats 20 --epochs 20 --out study
run own_study --data "$hostile.csv" --out own
PATH=/nowhere "$programs/blobs_supervised" --epochs 2 --out without_plots --quiet >/dev/null 2>&1
# What nothing here can be named: a study with a hostile title, values and claims.
cp -r study hostile
python3 - hostile/results.json "$hostile" <<'EOP'
import json, sys
path, text = sys.argv[1:]
results = json.load(open(path))
results["title"] = text
results["summary"] = [{"what": text, "published": "0.83", "here": text}]
results["verdicts"] = [{"claim": text, "verdict": verdict, "evidence": text}
                       for verdict in ("better", "worse", "equivalent", "undecided", text)]
json.dump(results, open(path, "w"))
EOP
"$programs/layerwise_index" study own without_plots hostile --out index.html >/dev/null 2>&1
python3 "$here/browser.py" "$chromium" "$axe" study/report.html own/report.html without_plots/report.html index.html
[ ! -e made ]
