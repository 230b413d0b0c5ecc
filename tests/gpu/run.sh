#!/usr/bin/env bash
# All that only a GPU can show: builds with CUDA, runs the tests tagged [cuda], the programs on CPU and GPU side by side,
# compute-sanitizer, and steps beside PyTorch and JAX.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

usage() {
  cat <<'EOT'
Shows on a GPU what only a GPU can show. Needs CUDA's LibTorch and its toolkit; works without a network.

  bash tests/gpu/run.sh [--torch PATH] [--packages FOLDER] [--out FOLDER] [STEP...]

  --torch     the folder of a LibTorch with CUDA (default: the torch of your python3)
  --packages  what packages.sh has fetched (default: packages and MNIST of this machine)
  --out       where the build, the runs and the times go (default: build/gpu)
  STEP        build tests sanitizer early programs memory speed (default: these, in this order)
              papers (half an hour; needs CIFAR-10)
EOT
}

torch=
packages=
out=$root/build/gpu
steps=()
while [ $# -gt 0 ]; do
  case $1 in
    --torch | --packages | --out)
      [ -n "${2:-}" ] || { printf 'error: %s needs a value\nhint: see --help\n' "$1" >&2; exit 2; }
      printf -v "${1#--}" %s "$2"; shift 2 ;;
    -h | --help) usage; exit ;;
    build | tests | sanitizer | early | programs | memory | speed | papers) steps+=("$1"); shift ;;
    *) printf "error: unknown argument '%s'\nhint: see --help\n" "$1" >&2; exit 2 ;;
  esac
done
[ ${#steps[@]} -gt 0 ] || steps=(build tests sanitizer early programs memory speed)
[ -n "$torch" ] || torch=$(python3 -c 'import os, torch; print(os.path.dirname(torch.__file__))')
mkdir -p "$out"
out=$(cd "$out" && pwd)
data=()
if [ -n "$packages" ]; then
  packages=$(cd "$packages" && pwd)
  data=(--data-dir "$packages/data")
  export LD_LIBRARY_PATH=$out/packages/usr/lib/x86_64-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
fi
cd "$root"
cuda_tests="nn_test train_test engines_test pretraining_test random_test apps_test"

build() {
  local prefix=$torch
  if [ -n "$packages" ]; then
    mkdir -p "$out/packages"
    for package in "$packages"/*.deb; do dpkg -x "$package" "$out/packages"; done
    prefix="$torch;$out/packages/usr"
  fi
  cmake --preset release -B "$out/build" -DCMAKE_PREFIX_PATH="$prefix"
  # shellcheck disable=SC2086
  cmake --build "$out/build" --target turns $cuda_tests \
    blobs_supervised blobs_unsupervised blobs_study cnn_supervised mnist_autoencoder mnist_pretraining mnist_dbn \
    when_pretraining_helps
}

tests() {
  local test
  for test in $cuda_tests; do
    "$out/build/tests/$test" '[cuda]' -d yes | tee "$out/$test.txt"
    ! grep -q 'skipped: no CUDA' "$out/$test.txt" || { echo "error: this build finds no CUDA device" >&2; return 1; }
  done
}

sanitizer() {
  command -v compute-sanitizer >/dev/null || { echo "skipped: no compute-sanitizer"; return; }
  for tool in memcheck racecheck; do
    LAYERWISE_GRID_EVERY=500 compute-sanitizer --tool $tool --error-exitcode 1 "$out/build/tests/engines_test" '[cuda]'
  done
}

# NAME PROGRAM OPTIONS...: a program on the CPU and on the GPU.
on_both() {
  local name=$1 program=$2 device started
  shift 2
  mkdir -p "$out/runs"
  for device in cpu cuda again; do
    started=$(date +%s.%N)
    "$out/build/bin/$program" "$@" --device "${device/again/cuda}" --out "$out/runs/$name-$device" --force --quiet \
      >"$out/runs/$name-$device.txt" 2>"$out/runs/$name-$device.err" ||
      { cat "$out/runs/$name-$device.err" >&2; return 1; }
    awk -v a="$started" -v b="$(date +%s.%N)" 'BEGIN { printf "%.1f s", b - a }' >"$out/runs/$name-$device/seconds"
  done
  cmp "$out/runs/$name-cuda/metrics.csv" "$out/runs/$name-again/metrics.csv"
}

# A few steps of every program: the losses on both agree to 1e-4.
early() {
  run() {
    on_both "early-$1" "${@:2}"
    python3 "$root/tests/gpu/difference.py" "early-$1" "$out/runs/early-$1-cpu" "$out/runs/early-$1-cuda" 1e-4 || apart+=("$1")
  }
  local apart=()
  run supervised blobs_supervised --repeats 1 --layers 4 --epochs 1
  run unsupervised blobs_unsupervised --repeats 1 --layers 4 --epochs 1
  run study blobs_study --repeats 1 --layers 3 --autoencoder-layers 3 --epochs 1 --fine-tune 1
  run autoencoder mnist_autoencoder --validation 58500 --epochs 1 "${data[@]}"
  run gaussian mnist_autoencoder --reproduce gaussian --validation 58500 --epochs 1 "${data[@]}"
  run pretraining mnist_pretraining --encoder-epochs 1 --validation 58500 --labels 500 --epochs 1 --curve-every 10 \
    --variants none,frozen,fine-tuned "${data[@]}"
  run convolutions cnn_supervised --repeats 1 --train-rows 1280 --epochs 1 --schedule constant \
    --arms greedy_k1,end_to_end --k 1 --crop 4 --dataset mnist "${data[@]}"
  run rbms mnist_dbn --units 784,300,100 --rbm-epochs 1 --epochs 1 --validation 59900 "${data[@]}"
  run controls when_pretraining_helps --controls A --arms A_sigmoid_none,A_sigmoid_rbms,A_elu_none,A_elu_denoising \
    --repeats 1 --autoencoder-epochs 1 --tuning-epochs 1 --train-rows 1000 "${data[@]}"
  [ ${#apart[@]} -eq 0 ] || { echo "error: further apart than 1e-4: ${apart[*]}" >&2; return 1; }
}

# Twice on the GPU and once on the CPU: the same bits, and what rounding makes of a short run.
programs() {
  run() {
    on_both "$@"
    python3 "$root/tests/gpu/difference.py" "$1" "$out/runs/$1-cpu" "$out/runs/$1-cuda"
  }
  run supervised blobs_supervised --repeats 1 --layers 4 --epochs 5
  run unsupervised blobs_unsupervised --repeats 1 --layers 4 --epochs 5
  run autoencoder mnist_autoencoder "${data[@]}"
  run gaussian mnist_autoencoder --reproduce gaussian --epochs 2 "${data[@]}"
  run pretraining mnist_pretraining --encoder-epochs 1 --curve-every 20 "${data[@]}"
  run convolutions cnn_supervised --repeats 1 --train-rows 2000 --epochs 1 --schedule constant --arms greedy_k1,end_to_end \
    --k 1 --crop 4 --dataset mnist "${data[@]}"
  run study blobs_study --repeats 1 --layers 4 --epochs 5
  run rbms mnist_dbn --units 784,300,100 --rbm-epochs 1 --epochs 1 "${data[@]}"
  run controls when_pretraining_helps --controls D --arms D_sigmoid_none,D_sigmoid_rbms --repeats 1 --layer-epochs 1 \
    --classifier-epochs 1 "${data[@]}"
}

# What a run holds at most on the card, above what it held before, and how much of that is its data.
memory() {
  local before peak used pid
  used() { nvidia-smi -i 0 --query-gpu=memory.used --format=csv,noheader,nounits; }
  mkdir -p "$out/runs"
  before=$(used) peak=0
  "$out/build/bin/mnist_autoencoder" --device cuda:0 --out "$out/runs/memory" --force --quiet "${data[@]}" >"$out/runs/memory.txt" &
  pid=$!
  while kill -0 $pid 2>/dev/null; do
    used=$(used)
    [ "$used" -le "$peak" ] || peak=$used
  done
  wait $pid
  echo "mnist_autoencoder: at most $((peak - before)) MiB on the card with CUDA's own; its 70,000 images are 209 MiB," \
    "their codes 80 MiB"
}

speed() {
  local peers=$root/tests/gpu/peers work shape
  rm -f "$out/speed.tsv"
  for work in autoencoder_fp32 autoencoder_tf32 autoencoder_bf16 wide_tf32 wide_bf16; do
    shape="784 300 150 60000"
    [ "${work%_*}" = autoencoder ] || shape="2000 2000 256 61440"
    # shellcheck disable=SC2086
    python3 tests/benchmarks/alternate.py turns 7 "$out/speed.tsv" $work :: layerwise "$out/build/tests/turns" $work cuda \
      :: "PyTorch eager" python3 "$peers/steps_pytorch.py" eager ${work#*_} $shape \
      :: "PyTorch compiled" python3 "$peers/steps_pytorch.py" compiled ${work#*_} $shape \
      :: "PyTorch graph" python3 "$peers/steps_pytorch.py" graph ${work#*_} $shape \
      :: "products alone" python3 "$peers/steps_pytorch.py" products ${work#*_} $shape \
      :: JAX python3 "$peers/steps_jax.py" ${work#*_} $shape
  done
  peers=$root/tests/benchmarks/peers
  for precision in fp32 tf32 bf16; do
    python3 tests/benchmarks/alternate.py turns 7 "$out/speed.tsv" convolution_$precision \
      :: layerwise "$out/build/tests/turns" convolution_$precision cuda \
      :: "PyTorch eager" python3 "$peers/convolution_pytorch.py" eager $precision cuda \
      :: "PyTorch compiled" python3 "$peers/convolution_pytorch.py" compiled $precision cuda
  done
  # On one core of the processor, where it has AVX512_BF16 or AMX: what bf16 gains there.
  OMP_NUM_THREADS=1 python3 tests/benchmarks/alternate.py turns 15 "$out/speed.tsv" "convolution, processor" \
    :: layerwise "$out/build/tests/turns" convolution_fp32 cpu \
    :: "layerwise, bf16" "$out/build/tests/turns" convolution_bf16 cpu
  python3 tests/benchmarks/ratios.py "$out/speed.tsv"
}

papers() {
  local name
  for name in local-mlp belilovsky-k1 belilovsky-k2 belilovsky-k3; do
    "$out/build/bin/cnn_supervised" --reproduce $name --repeats 1 --device cuda --precision tf32 "${data[@]}" \
      --arms "greedy_k$(case $name in *-k?) echo "${name: -1}" ;; *) echo 1 ;; esac)" --out "$out/runs/$name" --force
  done
}

nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader
for step in "${steps[@]}"; do
  printf '\n== %s (after %d s)\n' "$step" "$SECONDS"
  "$step"
done
