#!/usr/bin/env bash
# Every C++ file is formatted as .clang-format says (clang-format 14, Debian 12's).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
git ls-files '*.cpp' '*.h' | xargs clang-format --dry-run -Werror
echo "format: $(git ls-files '*.cpp' '*.h' | wc -l) files"
