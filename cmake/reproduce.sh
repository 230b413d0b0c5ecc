#!/usr/bin/env bash
set -euo pipefail
# shellcheck source=cmake/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

usage() {
  cat <<'EOT'
Reproduces both parts of the tutorial: installs what is missing, builds, and runs both programs with their defaults.

  bash cmake/reproduce.sh [--torch system|pip|PATH]

  --torch   which LibTorch: the system's package (default), the torch of your python3, or a folder
EOT
}

while [ $# -gt 0 ]; do
  case $1 in
    --torch) take_value "$1" $# "${2:-}"; torch=$2; shift 2 ;;
    -h | --help) usage; exit ;;
    *) fail "unknown option '$1'" "see bash cmake/reproduce.sh --help" 2 ;;
  esac
done

install_packages
programs=(blobs_supervised blobs_unsupervised)
build_all "${programs[@]}"

runs=$root/runs/reproduction-$(date +%Y%m%d-%H%M%S)
for program in "${programs[@]}"; do
  printf '\n== %s\n' "$program"
  "$build/bin/$program" --out "$runs/$program"
done

printf '\nPlots:\n'
find "$runs" -name '*.png' | sort
printf 'Pages:\n'
find "$runs" -name '*.html' | sort
