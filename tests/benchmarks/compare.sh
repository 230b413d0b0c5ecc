#!/usr/bin/env bash
# Times this library beside other frameworks, alternately in the same minutes on the same core.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here=$root/tests/benchmarks
all_works=blobs-run,blobs-stage,autoencoder-step,rbm-step,convolution-step,mnist-autoencoder,blobs-study
works=$all_works
turns=
rounds=
core=
quick=
peers=$root/build/peers
mnist=${XDG_CACHE_HOME:-$HOME/.cache}/layerwise/mnist

usage() {
  cat <<'EOT'
Times steps and whole runs beside JAX, PyTorch, Keras and scikit-learn; prints medians and ratios with their intervals.

  bash tests/benchmarks/compare.sh [--works LIST] [--turns N] [--rounds N] [--core N] [--quick] [--peers DIR] [--mnist DIR]

  --works    which, separated by commas (default: all)
               blobs-run          the tutorial's supervised part, 11 stages, 17,600 steps
               blobs-stage        one stage of it: the second, the 32nd, scikit-learn's only one
               autoencoder-step   a step of 784-300-784, batch 150, Adam; ours in fp32 and in bf16
               rbm-step           a step of persistent contrastive divergence on 784-1000, batches of 10 and of 100
               convolution-step   a step of a stage of cnn_supervised, ours also in bf16, and in a loop straight on LibTorch
               mnist-autoencoder  mnist_autoencoder and its equals in PyTorch and JAX, whole processes
               blobs-study        1,000 repeats of blobs-run on two cores, whole processes
  --turns    how many turns each contender of the first five takes (default: 30; at least six for an interval)
  --rounds   how often each whole process runs (default: 3; at least six for an interval)
  --core     the core that all of them are pinned to (default: the last); blobs-study takes a second one
  --quick    ten turns, one round, three of Keras' eleven stages, scaled up; blobs-study only if --works names it, 100
             repeats of it
  --peers    the virtual environment, made if it is not there (default: build/peers)
  --mnist    where MNIST's files are (default: where cmake/fetch_data.sh puts them)

Every contender of the first five, this library too, is a process that stays alive. It warms up, which is not counted, and
takes turns of at least 0.3 s; in each cycle all take one, in random order. One whose turn takes more than two seconds (the
blobs-run of PyTorch and Keras) takes part in every fifth cycle. Whole processes alternate likewise and are timed from outside,
start, compilation and all. Everything runs on one core with one thread, blobs-study on two.

The statistic is the same for all: a time is the median over the turns, a ratio the median of the ratios of turns of the same
cycle, [low, high] the 95% interval of that median by order statistics; with fewer than six values the range is shown.
"layerwise, again" is a second process of ours, the control: its ratio should be 1.

All of it takes some 35 minutes on a core of which nothing else takes time (blobs-run 11, most of them Keras', blobs-study 15,
most of them JAX'), --quick some five; the first time, what is installed and built comes on top. Lines that begin with `note:`
say when the machine was busy.
What cannot be installed is named as missing. The release preset is built first. The times of all turns stay in
build/compare.tsv; ratios.py prints them again.
EOT
}

fail() { # what, hint, [status]
  printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
  exit "${3:-1}"
}

while [ $# -gt 0 ]; do
  case $1 in
    --works | --turns | --rounds | --core | --peers | --mnist)
      [ -n "${2:-}" ] || fail "$1 needs a value" "see --help" 2
      printf -v "${1#--}" %s "$2"
      [ "$1" != --works ] || works_named=yes
      shift 2
      ;;
    --quick) quick=yes; shift ;;
    -h | --help) usage; exit ;;
    *) fail "unknown option '$1'" "see bash tests/benchmarks/compare.sh --help" 2 ;;
  esac
done
[ -n "$turns" ] || turns=$([ -n "$quick" ] && echo 10 || echo 30)
[ -n "$rounds" ] || rounds=$([ -n "$quick" ] && echo 1 || echo 3)
[ -z "$quick" ] || [ -n "${works_named:-}" ] || works=${works%,blobs-study}
for count in turns rounds; do
  [[ ${!count} =~ ^[1-9][0-9]*$ ]] || fail "--$count '${!count}' is not a whole number from 1" "see --help" 2
done
for work in ${works//,/ }; do
  [[ ,$all_works, == *,$work,* ]] || fail "--works: there is no '$work'" "there are $all_works" 2
done
wanted() { [[ ,$works, == *,$1,* ]]; }

mapfile -t cores < <(python3 -c 'import os
for core in sorted(os.sched_getaffinity(0)): print(core)')
[ -n "$core" ] || core=${cores[-1]}
taskset -c "$core" true 2>/dev/null || fail "there is no core '$core' to pin to" "name one with --core" 2
second=
for other in "${cores[@]}"; do
  [ "$other" = "$core" ] || second=$other
done

results=$root/build/compare.tsv
mkdir -p "$root/build"
: >"$results"
missing() { printf '# missing: %s\n' "$1" >>"$results"; }

if [ ! -x "$peers/bin/python" ]; then
  python3 -m venv "$peers" || fail "no virtual environment could be made in $peers" "Debian: apt-get install python3-venv"
fi
python=$peers/bin/python
# Imports what it installs, so that files are in memory when the first process is timed.
have() { # module, packages...
  "$python" -c "import $1" 2>/dev/null || "$peers/bin/pip" install -q "${@:2}" >&2 2>/dev/null || true
  "$python" -c "import $1" 2>/dev/null || { missing "$1, which could not be installed"; return 1; }
}
any_wanted() {
  local work
  for work in "$@"; do
    if wanted "$work"; then return; fi
  done
  return 1
}
sklearn='' jax='' torch='' keras=''
if any_wanted blobs-run blobs-stage autoencoder-step rbm-step blobs-study; then have sklearn scikit-learn && sklearn=1; fi
if any_wanted blobs-run autoencoder-step mnist-autoencoder blobs-study; then have jax jax && jax=1; fi
if any_wanted blobs-run autoencoder-step rbm-step convolution-step mnist-autoencoder; then
  have torch torch==2.13.0 && torch=1
fi
if any_wanted blobs-run autoencoder-step; then have tensorflow tensorflow-cpu && have keras keras && keras=1; fi

cmake --preset release -S "$root" >/dev/null
cmake --build "$root/build/release" --target turns mnist_autoencoder blobs_supervised own_module >/dev/null ||
  fail "the programs could not be built" "cmake --build build/release --target turns says why"
bin=$root/build/release/bin
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# These choose kernels for one machine's OpenBLAS, and would slow the others down.
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1 TF_NUM_INTRAOP_THREADS=1 TF_NUM_INTEROP_THREADS=1
export JAX_PLATFORMS=cpu CUDA_VISIBLE_DEVICES= PYTHONDONTWRITEBYTECODE=1

contenders=()
contender() { # name, command...
  contenders+=(:: "$@")
}
ours() { # name, work of turns.cpp
  contender "$1" taskset -c "$core" "$root/build/release/tests/turns" "$2"
}
peer() { # installed or empty, name, script, arguments...
  [ -z "$1" ] || contender "$2" taskset -c "$core" "$python" "$here/peers/$3" "${@:4}"
}
alternate() { # turns or processes, count, work
  echo "$3: $2 $([ "$1" = turns ] && echo turns || echo rounds)" >&2
  python3 "$here/alternate.py" "$1" "$2" "$results" "$3" "${contenders[@]}"
  contenders=()
}

if wanted blobs-run; then
  ours layerwise blobs_run
  ours "layerwise, again" blobs_run
  peer "$jax" "JAX scan" blobs_jax.py
  peer "$torch" "PyTorch eager, fused" blobs_pytorch.py
  if [ -n "$quick" ]; then
    peer "$keras" "Keras, 3 stages scaled" blobs_keras.py 3
  else
    peer "$keras" Keras blobs_keras.py
  fi
  alternate turns "$turns" "blobs run"
fi
if wanted blobs-stage; then
  ours layerwise blobs_stage_2
  ours "layerwise, stage 32" blobs_stage_32
  peer "$sklearn" scikit-learn blobs_sklearn.py
  alternate turns "$turns" "blobs stage"
fi
if wanted autoencoder-step; then
  ours layerwise autoencoder_fp32
  ours "layerwise, again" autoencoder_fp32
  ours "layerwise, bf16" autoencoder_bf16
  peer "$jax" "JAX scan" autoencoder_jax.py
  peer "$torch" "PyTorch eager, fused" autoencoder_pytorch.py
  peer "$keras" Keras autoencoder_keras.py
  peer "$sklearn" scikit-learn autoencoder_sklearn.py
  alternate turns "$turns" "autoencoder step"
fi
if wanted rbm-step; then
  for size in 10 100; do
    ours layerwise rbm_$size
    ours "layerwise, again" rbm_$size
    peer "$torch" "PyTorch eager" rbm_pytorch.py $size
    peer "$sklearn" scikit-learn rbm_sklearn.py $size
    alternate turns "$turns" "rbm step, batch of $size"
  done
fi
if wanted convolution-step; then
  ours layerwise convolution_fp32
  ours "layerwise, again" convolution_fp32
  ours "layerwise, bf16" convolution_bf16
  ours "LibTorch, loop" convolution_libtorch
  peer "$torch" "PyTorch eager" convolution_pytorch.py eager fp32 cpu
  peer "$torch" "PyTorch compiled" convolution_pytorch.py compiled fp32 cpu
  alternate turns "$turns" "convolution step"
fi
if wanted mnist-autoencoder && [ ! -e "$mnist/train-images-idx3-ubyte" ]; then
  missing "MNIST (bash cmake/fetch_data.sh)"
elif wanted mnist-autoencoder; then
  for precision in fp32 bf16; do
    name=layerwise
    [ $precision = fp32 ] || name="layerwise, bf16"
    contender "$name" taskset -c "$core" "$bin/mnist_autoencoder" --data-dir "$mnist" --quiet --precision $precision \
      --out "$scratch/run" --force
  done
  peer "$jax" "JAX scan" mnist_autoencoder_jax.py "$mnist"
  peer "$torch" "PyTorch eager, fused" mnist_autoencoder_pytorch.py "$mnist" --fused
  peer "$torch" "PyTorch eager" mnist_autoencoder_pytorch.py "$mnist"
  alternate processes "$rounds" mnist_autoencoder
fi
if wanted blobs-study && [ -z "$second" ]; then
  missing "a second core, for blobs-study"
elif wanted blobs-study; then
  on_two=(taskset -c "$core,$second")
  repeats=$([ -n "$quick" ] && echo 100 || echo 1000)
  study=("${on_two[@]}" "$python" "$here/peers/blobs_study_jax.py" --repeats "$repeats")
  contender layerwise "${on_two[@]}" "$bin/blobs_supervised" --repeats "$repeats" --threads 2 --quiet \
    --out "$scratch/study" --force
  [ -z "$jax" ] || contender "JAX vmap" "${study[@]}" --lanes 100
  [ -z "$jax" ] || contender "JAX scan, two processes" "${study[@]}" --processes 2
  alternate processes "$rounds" "$repeats blobs runs, two cores"
fi

peak_memory() { # command
  python3 -c 'import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024, "MB")' "$@"
}

python3 "$here/ratios.py" "$results"
if wanted mnist-autoencoder && [ -e "$mnist/train-images-idx3-ubyte" ]; then
  echo "peak memory: mnist_autoencoder $(peak_memory "$bin/mnist_autoencoder" --data-dir "$mnist" --quiet --out \
    "$scratch/run" --force), of which its images are $(du -cm --apparent-size "$mnist"/*-images-idx3-ubyte | tail -1 | cut -f1) MB;" \
    "a small program on LibTorch $(cd "$scratch" && peak_memory "$bin/own_module")"
fi
