#!/usr/bin/env bash
# Tests under sanitizers, on the system's LibTorch.
#
#   bash tests/checks/sanitizers.sh memory     AddressSanitizer and UndefinedBehaviorSanitizer, and gcovr's coverage by folder
#   bash tests/checks/sanitizers.sh threads    ThreadSanitizer: what runs in threads, and two repeats of each program
#
# What is suppressed, and why, stands in tests/sanitizers/.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
here=$root/tests/sanitizers
cd "$root"
jobs=$(nproc)
case ${1:-} in
  memory)
    # Programs that are started hundreds of times have their own builds tested elsewhere; here, what they are made of.
    tests=(random_test data_test nn_test train_test engines_test pretraining_test properties_test report_test study_test program_test own_module
      own_autoencoder own_parts)
    export ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1
    export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
    export LAYERWISE_GRID_EVERY=29 # of the grid of engines_test
    cmake --preset asan -DCMAKE_CXX_FLAGS=--coverage -DCMAKE_COMPILE_WARNING_AS_ERROR=ON >/dev/null
    cmake --build build/asan --parallel "$jobs" --target "${tests[@]}"
    find build/asan -name '*.gcda' -delete
    ctest --test-dir build/asan --output-on-failure --parallel "$jobs" --label-regex memory
    gcovr --root . --object-directory build/asan --filter src/layerwise/ --filter apps/ --json-summary build/asan/coverage.json \
      --gcov-ignore-parse-errors --exclude-unreachable-branches >/dev/null 2>build/asan/gcovr.log || { tail -5 build/asan/gcovr.log >&2; exit 1; }
    python3 "$root/tests/checks/coverage.py" build/asan/coverage.json
    ;;
  threads)
    export TSAN_OPTIONS=suppressions=$here/threads.supp:halt_on_error=1:second_deadlock_stack=1
    export LAYERWISE_PAIRS=0 # every command once, in two threads
    cmake --preset tsan -DCMAKE_COMPILE_WARNING_AS_ERROR=ON >/dev/null
    cmake --build build/tsan --parallel "$jobs" --target random_test threads_test
    ctest --test-dir build/tsan --output-on-failure --parallel "$jobs" --tests-regex '^(random_test|threads_test)$'
    ;;
  *)
    sed -n '2,7s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
