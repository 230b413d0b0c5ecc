#!/usr/bin/env bash
# Compiles what only a build with CUDA compiles, on a machine without a GPU: the kernels with nvcc, and what calls them
# against the headers of a LibTorch 2.x, those of CUDA's runtime, and the stand-ins in this folder for the rest.
# Nothing is linked or run.
#
#   bash tests/cuda_stand_ins/compile.sh TORCH_FOLDER CUDA_FOLDER
#
# CUDA_FOLDER: a toolkit, or what pip's packages nvidia-cuda-nvcc, -crt, -runtime, -cccl and nvidia-nvvm put in one folder.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$here/../..
torch=${1:?the folder of a LibTorch 2.x is missing}
cuda=${2:?the folder of CUDA is missing}
[ -e "$torch/include/ATen/cuda/CUDAGraph.h" ] || { echo "error: no LibTorch 2.x in '$torch'" >&2; exit 1; }
[ -e "$cuda/include/cuda_runtime_api.h" ] || { echo "error: no include/cuda_runtime_api.h in '$cuda'" >&2; exit 1; }
grep -rl LAYERWISE_CUDA "$root/src" --include=*.cpp | while read -r source; do
  echo "compiling ${source#"$root/"} with LAYERWISE_CUDA" >&2
  "${CXX:-c++}" -std=c++20 -fsyntax-only -DLAYERWISE_CUDA=1 -DLAYERWISE_VERSION='""' -Wall -Wextra -Wpedantic -Wshadow -Werror \
    -I"$root/src" -isystem "$here" -isystem "$cuda/include" -isystem "$torch/include" \
    -isystem "$torch/include/torch/csrc/api/include" "$source"
done
object=$(mktemp)
trap 'rm -f "$object"' EXIT
find "$root/src" -name '*.cu' | while read -r source; do
  echo "compiling ${source#"$root/"} with nvcc" >&2
  "$cuda/bin/nvcc" -std=c++17 -arch=sm_80 -Werror all-warnings -I"$root/src" -c "$source" -o "$object"
done
