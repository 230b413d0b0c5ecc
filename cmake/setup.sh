# What reproduce.sh and test.sh share: their options, the packages, the build. Sourced, not run.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
torch=system
preset=release
needs_npm=
more_needs= # what a caller needs beside what is below, in the same form
# shellcheck disable=SC2034
data=${XDG_CACHE_HOME:-$HOME/.cache}/layerwise # where fetch_data.sh puts data, and the programs look

fail() { # what, hint, [status]
  printf 'error: %s\nhint: %s\n' "$1" "$2" >&2
  exit "${3:-1}"
}

take_value() { # option, values given, value
  if [ "$2" -lt 2 ] || [ -z "$3" ]; then fail "$1 needs a value" "see --help" 2; fi
}

# Every thing needed, as `Debian package:how to see that it is there`: a command, or a header.
needs() {
  echo g++:command:c++ cmake:command:cmake ninja-build:command:ninja libfmt-dev:header:fmt/format.h \
    catch2:header:catch2/catch_test_macros.hpp,catch2/catch.hpp libcli11-dev:header:CLI/CLI.hpp \
    nlohmann-json3-dev:header:nlohmann/json.hpp \
    libboost-dev:header:boost/math/distributions/students_t.hpp libhwy-dev:header:hwy/highway.h \
    libstb-dev:header:stb/stb_image.h zlib1g-dev:header:zlib.h gnuplot-nox:command:gnuplot
  [ -z "$needs_npm" ] || echo npm:command:npm
  echo "$more_needs"
  [ "$torch" != system ] || [ -n "${CMAKE_PREFIX_PATH:-}${Torch_DIR:-}" ] || echo libtorch-dev:header:torch/csrc/api/include/torch/torch.h \
    libopenblas0-pthread:library:libopenblas.so.0 libdnnl-dev:header:oneapi/dnnl/dnnl.hpp
}

present() { # kind, names separated by commas
  local name
  for name in ${2//,/ }; do
    case $1 in
      command) command -v "$name" >/dev/null && return ;;
      module) python3 -c "import $name" 2>/dev/null && return ;;
      clang) [ -e "$(clang++ --print-file-name="libclang_rt.$name-$(uname -m).a" 2>/dev/null)" ] && return ;;
      library) [[ $(/sbin/ldconfig -p 2>/dev/null) == *"$name"* ]] && return ;;
      header) compgen -G "/usr/include/$name" >/dev/null && return
        compgen -G "/usr/local/include/$name" >/dev/null && return ;;
    esac
  done
  return 1
}

missing_packages() {
  local need kind names
  for need in $(needs); do
    kind=${need#*:} names=${kind#*:} kind=${kind%%:*}
    present "$kind" "$names" || echo "${need%%:*}"
  done
}

install_packages() {
  local missing sudo=()
  mapfile -t missing < <(missing_packages)
  [ ${#missing[@]} -gt 0 ] || return 0
  command -v apt-get >/dev/null ||
    fail "missing here: ${missing[*]} (the names of Debian's packages)" "install these with your system's package manager and run again"
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null ||
      fail "missing here: ${missing[*]}" "as root: apt-get install ${missing[*]}"
    sudo=(sudo)
  fi
  echo "installing with apt: ${missing[*]}" >&2
  "${sudo[@]}" apt-get update -qq >&2
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2 </dev/null ||
    fail "apt could not install: ${missing[*]}" "see what it said above"
}

# The folder of the LibTorch asked for; empty for the system's.
torch_folder() {
  case $torch in
    system) ;;
    pip)
      python3 -c 'import os, torch; print(os.path.dirname(torch.__file__))' 2>/dev/null ||
        fail "python3 cannot import torch" "install it (pip install torch), activate its environment, or use --torch system"
      ;;
    *)
      [ -e "$torch/share/cmake/Torch/TorchConfig.cmake" ] ||
        fail "no LibTorch in '$torch'" "name the folder that holds share/cmake/Torch/TorchConfig.cmake"
      (cd "$torch" && pwd)
      ;;
  esac
}

# Configures and builds; sets $build to the folder.
build_all() {
  local folder jobs by_memory options=()
  folder=$(torch_folder)
  build=$root/build/$preset
  if [ -n "$folder" ]; then
    build+=-$(printf %s "$folder" | cksum | cut -d' ' -f1)
    options=(-DCMAKE_PREFIX_PATH="$folder")
  fi
  jobs=$(nproc)
  by_memory=$(awk '/^MemAvailable/ { print int($2 / 1500000) }' /proc/meminfo)
  [ "${by_memory:-1}" -ge "$jobs" ] || jobs=$((by_memory > 1 ? by_memory : 1))
  cd "$root" || exit
  echo "building in $build with $jobs jobs" >&2
  cmake --preset "$preset" -B "$build" "${options[@]}" >&2
  cmake --build "$build" --parallel "$jobs" --target "$@" >&2
}
