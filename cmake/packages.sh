# Packages of Debian: what each habit needs, and how what is missing is installed. Sourced by ./dev.
# shellcheck shell=bash
# shellcheck disable=SC2154 # What is not set here is set there.

packages=(build-essential g++ cmake ninja-build ccache pkg-config python3 unicode-data
  libcaf-dev libflatbuffers-dev flatbuffers-compiler liblmdb-dev libisal-dev libxxhash-dev
  libspdlog-dev libcli11-dev nlohmann-json3-dev robin-map-dev libjemalloc-dev
  libedit-dev doctest-dev libbenchmark-dev)
# What makes links fast, where it exists.
packages_if_available=(mold)
# The versions whose verdict counts. Not every release of Debian has them.
version_of_clang=14
packages_test=(clang-format-$version_of_clang)
packages_torture=(e2fsprogs xfsprogs)

installed() {
  [[ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]
}

as_root() {
  if [[ "$(id -u)" == 0 ]]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    die "neither root nor sudo; please install as root: ${missing[*]}"
  fi
}

# Prints a sign of life for every few packages, and everything only if apt-get fails.
apt() {
  local log
  log="$(mktemp)"
  if ! as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@" 2>&1 \
      | tee "$log" | awk '
        /^(Need to get|After this operation)/ { print "dev:   " $0; fflush() }
        /^Unpacking/ { if (++unpacked % 25 == 0) { print "dev:   unpacked " unpacked; fflush() } }
        /^Setting up/ { if (++set % 25 == 0) { print "dev:   set up " set; fflush() } }'; then
    cat "$log" >&2
    rm -f "$log"
    die "apt-get $1 failed"
  fi
  rm -f "$log"
}

# Whether this release has the package. Asks the lists that are here; without any they are read.
available() {
  if ! compgen -G '/var/lib/apt/lists/*Packages*' >/dev/null; then
    say "setup: reading the lists of packages"
    apt update
  fi
  apt-cache show "$1" >/dev/null 2>&1
}

# The version of clang that is used: the one whose verdict counts, or what this release has.
clang_version() {
  local version
  for version in $version_of_clang {30..13}; do
    if command -v "clang++-$version" >/dev/null; then
      echo "$version"
      return
    fi
  done
  if ! command -v apt-cache >/dev/null || available "clang-$version_of_clang" >&2; then
    echo "$version_of_clang"
    return
  fi
  version="$(apt-cache depends clang 2>/dev/null | sed -n 's/^ *Depends: clang-//p')"
  echo "${version:-$version_of_clang}"
}

packages_of_lint() {
  echo "${packages_test[@]}" "clang-tidy-$version_of_clang" "clang-$(clang_version)"
}

packages_of_fuzz() {
  local version
  version="$(clang_version)"
  echo "clang-$version" "libclang-rt-$version-dev"
}

# setup_packages <wanted package>...: installs those that are missing. A tool of LLVM that this
# release does not have is named, and left out.
setup_packages() {
  if ! command -v dpkg-query >/dev/null; then
    say "this is not Debian or Ubuntu; building with what is here"
    return
  fi
  local package
  missing=()
  for package in "$@"; do
    if installed "$package"; then
      continue
    elif [[ "$package" == clang-* ]] && ! available "$package"; then
      say "setup: this release has no $package; what needs it is skipped"
    else
      missing+=("$package")
    fi
  done
  if [[ ${#missing[@]} == 0 ]]; then
    return
  fi
  say "setup: reading the lists of packages"
  apt update
  for package in "${packages_if_available[@]}"; do
    if ! installed "$package" && apt-cache show "$package" >/dev/null 2>&1; then
      missing+=("$package")
    fi
  done
  say "setup: installing ${missing[*]}"
  apt install -y --no-install-recommends "${missing[@]}"
  say "setup: done"
}
