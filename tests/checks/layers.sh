#!/usr/bin/env bash
# Every include inside the library goes the way of its layers: a folder's files include those of the folders
# listed for it, and what lies in src/layerwise itself; those include each other alone.
#
#   bash tests/checks/layers.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../src/layerwise"
declare -A may_include=(
  [.]=""
  [data]="data"
  [nn]="nn"
  [train]="data nn train"
  [engines]="data nn train engines"
  [pretraining]="data nn train engines pretraining"
  [report]="report"
  [study]="data nn train engines pretraining report study"
)
# What one folder keeps for itself: the umbrella header and other folders see engines.h and processor.h alone.
private='^engines/(autograd|dense|device|tiny|kernel|product|simd|stage_pass)'
wrong=0
while IFS=: read -r file line; do
  folder=$(dirname "$file")
  target=${line#*\"layerwise/}
  target=${target%%\"*}
  of=$(dirname "$target")
  [ "$file" != layerwise.h ] || folder=all
  if [ -z "${may_include[$folder]+known}" ] && [ "$folder" != all ]; then
    printf 'error: src/layerwise/%s is a folder that %s does not know\n' "$folder" "tests/checks/layers.sh" >&2
    wrong=1
  elif [ "$folder" != all ] && [ "$of" != . ] && [[ " ${may_include[$folder]} " != *" $of "* ]]; then
    printf 'error: %s includes %s: %s/ knows nothing of %s/\n' "$file" "$target" "$folder" "$of" >&2
    wrong=1
  elif [[ $target =~ $private ]] && [ "$folder" != engines ]; then
    printf 'error: %s includes %s, which is for engines/ alone\n' "$file" "$target" >&2
    wrong=1
  fi
done < <(find . -name '*.h' -o -name '*.cpp' | sed 's|^\./||' | sort | xargs grep -H -o '^#include "layerwise/[^"]*"')
exit "$wrong"
