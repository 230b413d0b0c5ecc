#!/usr/bin/env bash
# clang-tidy over the library, with the checks of .clang-tidy. It needs clang-tidy 19, and a LibTorch 2: those before 17
# cannot read LibTorch's headers as C++20, nor any version those of 1.13.
#
#   bash tests/checks/tidy.sh TORCH_FOLDER
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
torch=${1:?the folder of a LibTorch 2 is missing}
tidy=$(command -v clang-tidy-19) || { printf 'error: no clang-tidy-19\nhint: apt-get install clang-tidy-19\n' >&2; exit 1; }
cmake --preset release -B build/tidy -DCMAKE_PREFIX_PATH="$torch" -DCMAKE_EXPORT_COMPILE_COMMANDS=ON \
  -DCMAKE_DISABLE_PRECOMPILE_HEADERS=ON >/dev/null
# Not the kernels, whose files Highway includes once for each instruction set.
python3 - <<'E2' >build/tidy/files
import json
import re
for entry in json.load(open("build/tidy/compile_commands.json")):
    file = entry["file"]
    if "/src/layerwise/" in file and not re.search(r"precompiled|kernels\.cpp|processor\.cpp", file):
        print(file)
E2
xargs -a build/tidy/files -P "$(nproc)" -I{} "$tidy" -p build/tidy --quiet {} 2>build/tidy/log ||
  { grep -v "warnings\? generated" build/tidy/log >&2; exit 1; }
