#!/usr/bin/env bash
# What is looked at without running anything: format, layers, headers as pages.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
for check in format layers docs; do
  bash "$here/$check.sh"
done
