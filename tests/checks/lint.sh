#!/usr/bin/env bash
# What is looked at without running anything: format, layers, headers as pages, clang-tidy.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for check in format layers docs tidy; do
  bash "$here/$check.sh"
done
