#!/usr/bin/env bash
# Builds the fuzz targets, runs them over their corpora, and then for so many seconds each on new inputs.
#
#   bash tests/checks/fuzz.sh [SECONDS]      (default: 60)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
seconds=${1:-60}
build=$root/build/fuzz
cmake -S "$root/tests/fuzz" -B "$build" -G Ninja -DCMAKE_CXX_COMPILER=clang++ >/dev/null
cmake --build "$build"
cd "$build" # where libFuzzer leaves an input that fails
for format in idx safetensors; do
  "./fuzz_$format" -runs=0 "$root/tests/fuzz/corpus/$format"
  "./fuzz_$format" -max_total_time="$seconds" -print_final_stats=1 "$format" "$root/tests/fuzz/corpus/$format" 2>fuzz_"$format".log ||
    { tail -40 fuzz_"$format".log >&2; exit 1; }
  grep -E 'number_of_executed_units|peak_rss' fuzz_"$format".log
done
