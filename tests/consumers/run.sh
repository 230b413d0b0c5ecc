#!/usr/bin/env bash
# Configures, builds and runs a project outside the tree that uses the library.
#
#   bash tests/consumers/run.sh PROJECT WORK_FOLDER BUILD_FOLDER [CMAKE_OPTION...]
#
# PROJECT is a folder of tests/consumers; of BUILD_FOLDER the project find_package takes what it installs. In a
# WORK_FOLDER that was used before, what is compiled already and has not changed stays.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
project=$1
work=$2
built=$3
shift 3
mkdir -p "$work"
rm -rf "$work/project"
cp -r "$here/$project" "$work/project"
cp "$here/my_program.cpp" "$work"
options=(-DLAYERWISE_DIR="$here/../.." "$@")
if [ "$project" = find_package ]; then
  cmake --install "$built" --prefix "$work/installed" >/dev/null
  options=(-DCMAKE_PREFIX_PATH="$work/installed") # it knows its LibTorch
fi
cmake --fresh -S "$work/project" -B "$work/build" -G Ninja "${options[@]}"
commands=$(ninja -C "$work/build" -t commands my_program)
compiling() { grep -e " -c .*/$1" <<<"$commands"; }
# Without a build type nothing is optimized, but for the kernels.
[ "$project" = find_package ] || [[ $(compiling tiny_kernels.cpp) == *" -O3"* ]] ||
  { echo "error: the kernels are compiled without optimization" >&2; exit 1; }
for ours in -Wpedantic -DLAYERWISE_ cmake_pch; do
  [[ $(compiling my_program.cpp) != *"$ours"* ]] ||
    { echo "error: '$ours' of the library's own build reaches a project that uses it" >&2; exit 1; }
done
cmake --build "$work/build" --parallel "$(env -u OMP_NUM_THREADS nproc)" --target my_program
cd "$work"
"$work/build/my_program"
