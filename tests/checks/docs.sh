#!/usr/bin/env bash
# Builds the pages of the headers with Doxygen; a warning is an error. The target `docs` runs it.
#
#   bash tests/checks/docs.sh [FOLDER]      (default: build/docs)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
export LAYERWISE_DOCS=${1:-build/docs}
command -v doxygen >/dev/null ||
  { printf 'error: doxygen was not found\nhint: install it (Debian: apt-get install doxygen)\n' >&2; exit 1; }
mkdir -p "$LAYERWISE_DOCS"
doxygen cmake/Doxyfile
echo "$LAYERWISE_DOCS/html/index.html"
# README shows the example whole, but for its first comment.
example=$(sed -n '/^#include <torch\/nn.h>/,$p' apps/examples/own_study.cpp)
[[ $(<README.md) == *"$example"* ]] ||
  { printf 'error: README.md does not show apps/examples/own_study.cpp as it is\n' >&2; exit 1; }
# The library's README shows the parts, and the options that they are put together in, without the program around them.
parts=$(sed -n '/^\/\/ A data set/,/^int main/p' apps/examples/own_parts.cpp | sed '$d')
options=$(sed -n '/^  const SupervisedDeepeningOptions/,/^  Observer/p' apps/examples/own_parts.cpp | sed '$d')
[[ $(<src/layerwise/README.md) == *"$parts"*"$options"* ]] ||
  { printf 'error: src/layerwise/README.md does not show apps/examples/own_parts.cpp as it is\n' >&2; exit 1; }
