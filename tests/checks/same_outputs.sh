#!/usr/bin/env bash
# Runs two builds of the programs with the same options on small data, and compares what they print and write, byte
# for byte: for changes that should change nothing.
#
#   bash tests/checks/same_outputs.sh BEFORE_FOLDER AFTER_FOLDER      folders that hold the four programs
#
# LAYERWISE_NEW_FILES is a pattern of files that only the later build writes; LAYERWISE_RESPELLED a command of sed, as
# s/standardised/standardized/, for words that it spells otherwise.
# Needs MNIST's files (cmake/fetch_data.sh), of which it takes the first rows.
set -euo pipefail
before=$(cd "$1" && pwd)
after=$(cd "$2" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
source=${LAYERWISE_DATA:-$HOME/.cache/layerwise}

small_copy() { # data set, training rows, test rows
  local name rows
  mkdir -p "$work/data/$1"
  for name in train-images-idx3:$2:16:784 train-labels-idx1:$2:8:1 t10k-images-idx3:$3:16:784 t10k-labels-idx1:$3:8:1; do
    IFS=: read -r name rows header bytes <<<"$name"
    { gzip -dc "$source/$1/$name-ubyte.gz" 2>/dev/null || cat "$source/$1/$name-ubyte"; } >"$work/whole"
    { head -c 4 "$work/whole"
      printf "$(printf '\\x%02x\\x%02x\\x%02x\\x%02x' $((rows >> 24 & 255)) $((rows >> 16 & 255)) $((rows >> 8 & 255)) $((rows & 255)))"
      head -c $((header + rows * bytes)) "$work/whole" | tail -c +9; } >"$work/data/$1/$name-ubyte"
  done
  rm "$work/whole"
}
small_copy mnist 2600 400
small_copy fashion-mnist 2600 400

commands=(
  "blobs_supervised --repeats 1"
  "blobs_supervised --repeats 1 --seed 3 --layers 4 --epochs 20 --engine autograd --fine-tune 20"
  "blobs_supervised --repeats 5 --threads 2 --layers 4 --epochs 20 --curves all --engine dense"
  "blobs_unsupervised --repeats 1 --seed 2"
  "blobs_unsupervised --repeats 6 --layers 4 --epochs 20 --engine tiny --fine-tune-autoencoder 10 --fine-tune-classifier"
)
mnist="--data-dir $work/data/mnist --validation 500"
fashion="--data-dir $work/data/fashion-mnist --validation 500"
for condition in cached uncached separate joint tied gaussian dropout sparse; do
  commands+=("mnist_autoencoder --reproduce $condition $mnist --epochs 1 --units 784,30,20")
done
for condition in fashion fashion-joint; do
  commands+=("mnist_autoencoder --reproduce $condition $fashion --epochs 1 --units 784,30,20")
done
commands+=(
  "mnist_autoencoder $mnist --epochs 2 --units 784,40,20 --repeats 2 --threads 2 --fine-tune 1 --noise masking:0.2"
  "mnist_pretraining $mnist --units 784,30,20 --labels 200 --repeats 2 --threads 2 --curve-every 2"
  "mnist_pretraining $mnist --units 784,30,20 --budgets 50,100 --steps 60 --learning-rates 0.01,0.001 --repeats 2"
)

run() { # folder of programs, name of the output, words of the command
  local programs=$1 out=$2
  shift 2
  "$programs/$1" "${@:2}" --out "$out" --quiet >"$out.stdout" 2>"$out.stderr" || echo "status $?" >>"$out.stdout"
}
differences=0
compare() { # what was run
  local name
  [ -z "${LAYERWISE_RESPELLED:-}" ] || sed -i "$LAYERWISE_RESPELLED" "$work/before.stdout" "$work/before"/*.csv
  diff -q "$work/before.stdout" "$work/after.stdout" || differences=1
  for name in $(cd "$work/before" && ls -- *.csv *.safetensors 2>/dev/null); do
    cmp "$work/before/$name" "$work/after/$name" || differences=1
  done
  [ "$(cd "$work/before" && ls)" = "$(cd "$work/after" && ls -I "${LAYERWISE_NEW_FILES:-}")" ] || { echo "other files"; differences=1; }
  echo "compared $(ls "$work/before" | wc -l) files: $1"
}
count=0
for command in "${commands[@]}"; do
  rm -rf "$work/before" "$work/after"
  # shellcheck disable=SC2086
  { run "$before" "$work/before" $command; run "$after" "$work/after" $command; }
  compare "${command//"$work/data/"/}"
  count=$((count + 1))
done

# Stopped, and resumed by either: the same as never stopped.
for command in "mnist_autoencoder $mnist --epochs 3 --units 784,40,20" \
  "mnist_pretraining $mnist --units 784,30,20 --labels 200 --repeats 2 --curve-every 2"; do
  for side in before after; do
    rm -rf "${work:?}/$side"
    # shellcheck disable=SC2086
    timeout -s KILL "${LAYERWISE_KILL_AFTER:-2}" "${!side}/${command%% *}" ${command#* } --out "$work/$side" --quiet >/dev/null 2>&1 || true
    "${!side}/${command%% *}" --resume "$work/$side" --quiet >"$work/$side.stdout" 2>/dev/null || true
  done
  : >"$work/before.stdout"; : >"$work/after.stdout" # which lines are printed depends on when it was killed
  compare "resumed: ${command//"$work/data/"/}"
  count=$((count + 1))
done
echo "$count commands, $([ "$differences" = 0 ] && echo no difference || echo DIFFERENCES)"
exit "$differences"
