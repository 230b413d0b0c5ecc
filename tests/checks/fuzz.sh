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
done
fuzz() { # format
  "./fuzz_$1" -max_total_time="$seconds" -print_final_stats=1 "$1" "$root/tests/fuzz/corpus/$1" 2>fuzz_"$1".log ||
    { tail -40 fuzz_"$1".log >&2; return 1; }
  grep -E 'number_of_executed_units|peak_rss' fuzz_"$1".log
}
fuzz idx &
other=$!
status=0
fuzz safetensors || status=1
wait "$other" || status=1
exit "$status"
