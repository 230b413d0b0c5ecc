#!/usr/bin/env bash
# clang-tidy over library and programs; .clang-tidy has the checks and why. Several files at once, as the builds compile
# them: reading LibTorch's headers is what takes the time.
#
#   bash tests/checks/tidy.sh [BUILD_FOLDER]      (default: build/tidy)
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
build=${1:-$root/build/tidy}
cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_EXPORT_COMPILE_COMMANDS=ON \
  -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON -DCMAKE_UNITY_BUILD=ON -DCMAKE_UNITY_BUILD_BATCH_SIZE=16 >/dev/null
mapfile -t files < <(python3 - "$build" <<'PY'
import json, sys
for entry in json.load(open(sys.argv[1] + "/compile_commands.json")):
    if "/tests/" not in entry["output"] and not entry["output"].startswith("tests/"):
        print(entry["file"])
PY
)
printf '%s\0' "${files[@]}" | xargs -0 -n 1 -P "$(nproc)" clang-tidy --quiet -p "$build" 2>/dev/null
echo "tidy: ${#files[@]} translation units"
