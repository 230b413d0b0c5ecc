#!/usr/bin/env bash
# Compiles what only a build with CUDA compiles, without a CUDA toolkit: against the headers of a LibTorch 2.x, the
# header of CUDA's runtime (pip's package nvidia-cuda-runtime-cu12 has it), and the stand-ins in this folder for the rest.
# Nothing is linked or run.
#
#   bash tests/cuda_stand_ins/compile.sh TORCH_FOLDER CUDA_RUNTIME_INCLUDE_FOLDER
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$here/../..
torch=${1:?the folder of a LibTorch 2.x is missing}
cuda=${2:?the folder that holds cuda_runtime_api.h is missing}
[ -e "$torch/include/ATen/cuda/CUDAGraph.h" ] || { echo "error: no LibTorch 2.x in '$torch'" >&2; exit 1; }
[ -e "$cuda/cuda_runtime_api.h" ] || { echo "error: no cuda_runtime_api.h in '$cuda'" >&2; exit 1; }
grep -rl LAYERWISE_CUDA "$root/src" --include=*.cpp | while read -r source; do
  echo "compiling ${source#"$root/"} with LAYERWISE_CUDA" >&2
  "${CXX:-c++}" -std=c++20 -fsyntax-only -DLAYERWISE_CUDA=1 -Wall -Wextra -Wpedantic -Wshadow -Werror \
    -I"$root/src" -isystem "$here" -isystem "$cuda" -isystem "$torch/include" \
    -isystem "$torch/include/torch/csrc/api/include" "$source"
done
