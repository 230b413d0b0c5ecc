#!/usr/bin/env bash
# Interrupts small runs at many moments, as Ctrl-C in a terminal does, and checks how they end.
set -euo pipefail
exec 3>&2

usage() {
  cat <<'EOT'
Interrupts small runs of blobs_supervised and mnist_autoencoder at moments spread evenly over their duration.

  bash tests/apps/interrupt_moments.sh PROGRAMS MOMENTS

  PROGRAMS   the folder that holds the two programs
  MOMENTS    how often each of them is interrupted

SIGINT goes to the whole process group, as from a terminal. Within ten seconds the program must end in one of these ways:

  130, and run.json says "interrupted"
  130, and no folder: nothing had been written
  0, and run.json says "finished": everything had been written

No gnuplot and no unfinished file may be left. `mnist_autoencoder --resume` must then end with the same files as a run that
was not interrupted, byte for byte; only run.json, which holds the time, may differ. Prints how many runs ended in each way.
The exit status is 1 if one ended otherwise.
EOT
}

fail() { # what, hint, [status]
  printf 'error: %s\nhint: %s\n' "$1" "$2" >&3
  exit "${3:-1}"
}

case ${1:-} in -h | --help) usage; exit ;; esac
[ $# = 2 ] || fail "two arguments are needed" "see bash tests/apps/interrupt_moments.sh --help" 2
[[ $2 =~ ^[1-9][0-9]*$ ]] || fail "MOMENTS '$2' is not a whole number from 1" "see --help" 2
programs=$(cd "$1" && pwd) || fail "no folder '$1'" "build the programs first" 2
moments=$2
for program in blobs_supervised mnist_autoencoder; do
  [ -x "$programs/$program" ] || fail "no program '$programs/$program'" "build the programs first" 2
done
if ! command -v gnuplot >/dev/null; then
  echo "skipped: no gnuplot"
  exit
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
set -m # every background job has a process group of its own, and heeds SIGINT

# MNIST's four files with few images, of grey noise; labels that count 0 to 9 over and over.
idx() { # stem, count
  local high low
  high=$(printf '\\x%02x' $(($2 / 256)))
  low=$(printf '\\x%02x' $(($2 % 256)))
  { printf "\0\0\x08\x03\0\0$high$low\0\0\0\x1c\0\0\0\x1c" && head -c $(($2 * 784)) numbers; } >"data/$1-images-idx3-ubyte"
  { printf "\0\0\x08\x01\0\0$high$low" && for ((i = 0; i < $2 / 10; i++)); do printf '\0\1\2\3\4\5\6\7\10\11'; done; } \
    >"data/$1-labels-idx1-ubyte"
}
mkdir data
seq 100000 >numbers
idx train 200
idx t10k 50

# Sizes with which drawing takes as long as it can beside the start of the program.
blobs=("$programs/blobs_supervised" --repeats 1 --samples 30000 --epochs 2 --layers 3 --units 2 --batch-size 10000)
autoencoder=("$programs/mnist_autoencoder" --data-dir data --validation 20 --units 784,12,7 --batch-size 50 --epochs 5)

now() { date +%s%N; }

# "interrupted", "finished", "running", ...; nothing if there is no run.json.
state_of() { # folder
  if [ -e "$1/run.json" ]; then sed -n 's/^  "status": "\(.*\)",$/\1/p' "$1/run.json"; fi
}

# Processes of gnuplot that draw into a folder.
gnuplots_of() { # folder
  local file words
  for file in /proc/[0-9]*/cmdline; do
    mapfile -d '' -t words 2>/dev/null <"$file" || continue
    [[ ${words[*]} == *gnuplot*"$work/$1/"* ]] && echo "${file//[^0-9]/}"
  done
  return 0
}

# Waits ten seconds at most, and sets `status`: to the exit status, or to "hangs".
wait_for() { # process
  local i
  for ((i = 0; i < 500; i++)); do
    kill -0 "$1" 2>/dev/null || break
    sleep 0.02
  done
  local in_time=1
  kill -KILL -- "-$1" 2>/dev/null && in_time=
  status=0
  wait "$1" || status=$?
  [ "$in_time" ] || status=hangs
}

problems=0
problem() { # what
  problems=$((problems + 1))
  echo "problem: $1"
}

check_moments() { # name, command...
  local name=$1
  shift
  local begin took duration= i moment process status state ways="" left
  for i in 1 2 3; do # the shortest counts: others may have waited for the processor or the disk
    rm -rf part
    begin=$(now)
    "$@" --out part >/dev/null 2>err.txt || fail "$name ended with a failure" "run: $* --out part"
    took=$((($(now) - begin) / 1000000))
    if [ "$i" = 1 ] || [ "$took" -lt "$duration" ]; then duration=$took; fi
  done
  mv part "$name"
  for ((i = 0; i < moments; i++)); do
    moment=$((duration * 5 / 4 * (2 * i + 1) / (2 * moments))) # a quarter more, as durations scatter
    rm -rf part
    "$@" --out part >out.txt 2>err.txt &
    process=$!
    sleep "$(printf '%d.%03d' $((moment / 1000)) $((moment % 1000)))"
    kill -INT -- "-$process" 2>/dev/null || true
    wait_for "$process"
    state=$(state_of part)
    left=$(gnuplots_of part)
    case "$status $state" in
      "130 interrupted" | "0 finished") ;;
      "130 ") [ ! -e part ] || problem "$name, $moment ms: a folder without run.json" ;;
      *) problem "$name, $moment ms: status $status, run.json '$state': $(tail -n 2 err.txt | head -n 1)" ;;
    esac
    ways+="$status ${state:-no folder}"$'\n'
    [ -z "$left" ] || { problem "$name, $moment ms: gnuplot is left"; kill -KILL $left 2>/dev/null || true; }
    [ -z "$(find . -name '*.part')" ] || problem "$name, $moment ms: an unfinished file is left"
    if [ "$name" = mnist_autoencoder ] && [ "$state" = interrupted ]; then
      "$1" --resume part >/dev/null 2>err.txt || problem "$name, $moment ms: not resumed: $(tail -n 2 err.txt | head -n 1)"
      # report.html says when the run began, on a line of its own.
      diff -r --exclude=run.json --ignore-matching-lines='^<dd>20[0-9-]*T[0-9:]*Z</dd>$' part "$name" >/dev/null || problem "$name, $moment ms: resumed with other files"
    fi
  done
  echo "$name: $moments moments in $duration ms"
  printf %s "$ways" | sort | uniq -c
}

# Bash tells on its standard error of jobs that a signal ended.
check_moments blobs_supervised "${blobs[@]}" 2>/dev/null
check_moments mnist_autoencoder "${autoencoder[@]}" 2>/dev/null
[ "$problems" = 0 ] || fail "$problems problems, see above" "run the command with --out DIR and interrupt it at that moment"
