#!/usr/bin/env bash
set -euo pipefail
# shellcheck source=cmake/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
[ -z "${CI:-}" ] || preset=ci

usage() {
  cat <<'EOT'
Installs what is missing, builds, and runs all tests.

  bash cmake/test.sh [--torch system|pip|PATH] [--preset release|debug|ci|asan] [-- ARGUMENTS OF CTEST]

  --torch    which LibTorch: the system's package (default), the torch of your python3, or a folder
  --preset   how to build (default: release; where the variable CI is set: ci, where warnings are errors)
EOT
}

selection=()
while [ $# -gt 0 ]; do
  case $1 in
    --torch) take_value "$1" $# "${2:-}"; torch=$2; shift 2 ;;
    --preset) take_value "$1" $# "${2:-}"; preset=$2; shift 2 ;;
    --) shift; selection=("$@"); break ;;
    -h | --help) usage; exit ;;
    *) fail "unknown option '$1'" "see bash cmake/test.sh --help" 2 ;;
  esac
done

install_packages
build_all all
ctest --test-dir "$build" --output-on-failure --parallel "$(nproc)" "${selection[@]}"
