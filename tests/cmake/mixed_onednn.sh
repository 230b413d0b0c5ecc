#!/usr/bin/env bash
# Headers of one version of oneDNN with the library of another must stop the configure step, in words.
#
#   bash tests/cmake/mixed_onednn.sh WORK_FOLDER [CMAKE_OPTION...]
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
work=$1
shift
headers=/usr/include/oneapi/dnnl
[ -e "$headers/dnnl_version.h" ] || { echo "skipped: no oneDNN of the system"; exit 0; }
library=$(/sbin/ldconfig -p | awk '/libdnnl\.so/ && !found { print $NF; found = 1 }')
rm -rf "$work"
mkdir -p "$work/include/oneapi"
cp -r "$headers" "$work/include/oneapi/dnnl"
sed -i -E 's/(define DNNL_VERSION_MAJOR) .*/\1 3/' "$work/include/oneapi/dnnl/dnnl_version.h"
if cmake -S "$root" -B "$work/build" -G Ninja "$@" -DONEDNN_INCLUDE_DIR="$work/include" \
  -DONEDNN_LIBRARY="$library" >"$work/output" 2>&1; then
  echo "error: it was configured"
  exit 1
fi
grep -q 'Two versions of oneDNN are mixed: headers 3' "$work/output" || { cat "$work/output"; exit 1; }
cmake -S "$root" -B "$work/without" -G Ninja "$@" -DLAYERWISE_ONEDNN=OFF >"$work/output" 2>&1
grep -q 'oneDNN is not used (LAYERWISE_ONEDNN is off)' "$work/output"
