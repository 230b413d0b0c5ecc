#!/usr/bin/env bash
# Configures, builds and runs a project outside the tree that uses the library.
#
#   bash tests/consumers/run.sh PROJECT WORK_FOLDER [CMAKE_OPTION...]      PROJECT: a folder of tests/consumers
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$1
work=$2
shift 2
rm -rf "$work"
mkdir -p "$work"
cp -r "$here/$project" "$work/project"
cmake -S "$work/project" -B "$work/build" -G Ninja -DLAYERWISE_DIR="$here/../.." "$@"
commands=$(ninja -C "$work/build" -t commands my_program)
compiling() { grep -e " -c .*/$1" <<<"$commands"; }
# Without a build type nothing is optimized, but for the kernels.
[[ $(compiling tiny_kernels.cpp) == *" -O3"* ]] || { echo "error: the kernels are compiled without optimization" >&2; exit 1; }
[[ $(compiling my_program.cpp) != *" -Wpedantic"* ]] ||
  { echo "error: options of the library's own build reach a project that uses it" >&2; exit 1; }
cmake --build "$work/build" --parallel "${LAYERWISE_JOBS:-$(nproc)}" --target my_program
"$work/build/my_program"
