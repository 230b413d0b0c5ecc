#!/usr/bin/env bash
# Times this library beside other frameworks, alternately in the same minutes on the same core.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here=$root/tests/benchmarks
rounds=3
core=
quick=
peers=$root/build/peers
mnist=${XDG_CACHE_HOME:-$HOME/.cache}/layerwise/mnist

usage() {
  cat <<'EOT'
Times steps and whole runs beside JAX, PyTorch, Keras and scikit-learn, and prints ratios with their range.

  bash tests/benchmarks/compare.sh [--rounds N] [--core N] [--quick] [--peers DIR] [--mnist DIR]

  --rounds   how often each is run, in turns (default: 3)
  --core     the core that all of them are pinned to (default: the last)
  --quick    three of Keras' eleven stages, scaled up; no study of 1,000 repeats
  --peers    the virtual environment, made if it is not there (default: build/peers)
  --mnist    where MNIST's files are (default: where cmake/fetch_data.sh puts them)

What cannot be installed is named as missing. The release preset is built first; the times of all rounds stay in
build/compare.tsv.
EOT
}

fail() { # what, hint, [status]
  printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
  exit "${3:-1}"
}

while [ $# -gt 0 ]; do
  case $1 in
    --rounds | --core | --peers | --mnist)
      [ -n "${2:-}" ] || fail "$1 needs a value" "see --help" 2
      printf -v "${1#--}" %s "$2"
      shift 2
      ;;
    --quick) quick=--quick; shift ;;
    -h | --help) usage; exit ;;
    *) fail "unknown option '$1'" "see bash tests/benchmarks/compare.sh --help" 2 ;;
  esac
done
[[ $rounds =~ ^[1-9][0-9]*$ ]] || fail "--rounds '$rounds' is not a whole number from 1" "see --help" 2
[ -n "$core" ] || core=$(($(nproc) - 1))
taskset -c "$core" true 2>/dev/null || fail "there is no core '$core' to pin to" "name one with --core" 2

if [ ! -x "$peers/bin/python" ]; then
  python3 -m venv "$peers" || fail "no virtual environment could be made in $peers" "Debian: apt-get install python3-venv"
fi
python=$peers/bin/python
missing=()
have() { # module, packages...
  "$python" -c "import $1" 2>/dev/null || "$peers/bin/pip" install -q "${@:2}" >&2 2>/dev/null || true
  "$python" -c "import $1" 2>/dev/null || { missing+=("$1"); return 1; }
}
have sklearn scikit-learn && sklearn=1 || sklearn=
have jax jax && jax=1 || jax=
have torch torch && torch=1 || torch=
have tensorflow tensorflow-cpu && have keras keras && keras=1 || keras=

cmake --preset release -S "$root" >/dev/null
cmake --build "$root/build/release" --target benchmarks mnist_autoencoder blobs_supervised own_module >/dev/null ||
  fail "the benchmarks could not be built" "is Google Benchmark there? Debian: apt-get install libbenchmark-dev"
bin=$root/build/release/bin
results=$root/build/compare.tsv
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
: >"$results"

export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1
pinned() { taskset -c "$core" "$@"; }

peer() { # script, arguments
  pinned "$python" "$here/peers/$1" "${@:2}" $quick 2>/dev/null >>"$results" || missing+=("$1: it failed")
}

ours() { # work, name, benchmark, seconds in its unit, steps in one iteration
  pinned "$root/build/release/tests/benchmarks" --benchmark_filter="^$3\$" --benchmark_format=csv 2>/dev/null |
    awk -F, -v work="$1" -v who="$2" -v unit="$4" -v steps="${5:-1}" \
      '$1 ~ /^"/ && $3 + 0 > 0 { printf "%s\t%s\t%.9f\n", work, who, $3 * unit / steps }' >>"$results"
}

process() { # work, who, command
  local start end
  start=$(date +%s.%N)
  "${@:3}" >/dev/null 2>&1 || { missing+=("$2: it failed"); return; }
  end=$(date +%s.%N)
  awk -v a="$start" -v b="$end" -v work="$1" -v who="$2" 'BEGIN { printf "%s\t%s\t%.6f\n", work, who, b - a }' >>"$results"
}

for ((round = 1; round <= rounds; ++round)); do
  echo "round $round of $rounds" >&2
  ours "blobs run" layerwise blobs_run/tiny 1e-3
  [ -z "$jax" ] || peer blobs_jax.py
  [ -z "$torch" ] || peer blobs_pytorch.py
  [ -z "$keras" ] || peer blobs_keras.py
  ours "blobs stage" layerwise blobs_stage/2 1e-6
  ours "blobs stage" "layerwise, stage 32" blobs_stage/32 1e-6
  [ -z "$sklearn" ] || peer blobs_sklearn.py
  ours "autoencoder step" layerwise autoencoder_step/dense 1e-3 40
  [ -z "$jax" ] || peer autoencoder_jax.py
  ours "autoencoder step" "layerwise, bf16" autoencoder_step/dense_bf16 1e-3 40
  [ -z "$torch" ] || peer autoencoder_pytorch.py
  [ -z "$keras" ] || peer autoencoder_keras.py
  [ -z "$sklearn" ] || peer autoencoder_sklearn.py
  if [ -e "$mnist/train-images-idx3-ubyte" ]; then
    for precision in fp32 bf16; do
      name=layerwise
      [ $precision = fp32 ] || name="layerwise, bf16"
      process "mnist_autoencoder" "$name" pinned "$bin/mnist_autoencoder" --data-dir "$mnist" --quiet \
        --precision $precision --out "$scratch/run" --force
    done
    [ -z "$torch" ] ||
      process "mnist_autoencoder" "PyTorch eager" pinned "$python" "$here/peers/mnist_autoencoder_pytorch.py" "$mnist"
  else
    missing+=("MNIST (bash cmake/fetch_data.sh)")
  fi
  [ -n "$quick" ] || process "1,000 blobs runs, two threads" layerwise "$bin/blobs_supervised" --repeats 1000 --threads 2 \
    --quiet --out "$scratch/study" --force
done

peak_memory() { # command
  python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, "MB")' "$@"
}

python3 "$here/ratios.py" "$results"
if [ -e "$mnist/train-images-idx3-ubyte" ]; then
  echo "peak memory: mnist_autoencoder $(peak_memory "$bin/mnist_autoencoder" --data-dir "$mnist" --quiet --out \
    "$scratch/run" --force), of which its images are $(du -cm --apparent-size "$mnist"/*-images-idx3-ubyte | tail -1 | cut -f1) MB;" \
    "a small program on LibTorch $(cd "$scratch" && peak_memory "$bin/own_module")"
fi
if [ ${#missing[@]} -gt 0 ]; then
  printf 'missing: %s\n' "${missing[@]}" | sort -u
fi
