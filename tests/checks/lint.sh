#!/usr/bin/env bash
# What is looked at without running anything: format, layers, headers as pages; with the folder of a LibTorch 2, also by
# clang-tidy.
#
#   bash tests/checks/lint.sh [TORCH_FOLDER]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for check in format layers docs; do
  bash "$here/$check.sh"
done
if [ -n "${1:-}" ]; then
  bash "$here/tidy.sh" "$1"
else
  echo "clang-tidy: skipped: no folder of a LibTorch 2 was given" >&2
fi
