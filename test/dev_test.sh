#!/usr/bin/env bash
# The words of ./dev that look for tools, and its estimates. Runs without any of those tools.
set -euo pipefail

source_dir="${TROUPE_SOURCE_DIR:-$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

# shellcheck source=dev
source "$source_dir/dev"

fail() {
  echo "FAILED: $*"
  exit 1
}

# expect <what> <expected> <actual>
expect() {
  [[ "$3" == "$2" ]] || fail "$1"$'\n'"expected: $2"$'\n'"actual:   $3"
}

# make_tool <name> <text>: a program in $work/bin that prints the text.
make_tool() {
  mkdir -p "$work/bin"
  printf '#!/bin/sh\necho "%s"\n' "$2" >"$work/bin/$1"
  chmod +x "$work/bin/$1"
}

# Runs with no programs but these, and what every Debian has.
mkdir -p "$work/bin" "$work/base"
for tool in bash sh env cat grep sed head awk mktemp rm dirname nproc find sort xargs; do
  ln -s "$(command -v "$tool")" "$work/base/$tool"
done
with_tools() { PATH="$work/bin:$work/base" "$@"; }

echo "== the formatter is found by its version"
with_tools clang_format >/dev/null && fail "a formatter where there is none"
make_tool clang-format "Debian clang-format version 19.1.7"
with_tools clang_format >/dev/null && fail "another version would format differently"
code=0
said="$(with_tools bash "$source_dir/dev" fmt --check)" || code=$?
expect "fmt without a formatter is skipped" 77 "$code"
[[ "$said" == *"no clang-format 14"* ]] || fail "it does not say why: $said"
make_tool clang-format "Ubuntu clang-format version 14.0.0-1ubuntu1"
expect "under the plain name" clang-format "$(with_tools clang_format)"
make_tool clang-format-14 "Debian clang-format version 14.0.6"
expect "under its own name" clang-format-14 "$(with_tools clang_format)"

echo "== the compiler is the one whose verdict counts, or the newest"
make_tool clang++-17 ""
make_tool clang++-19 ""
expect "without 14" 19 "$(with_tools clang_version)"
make_tool clang++-14 ""
expect "with 14" 14 "$(with_tools clang_version)"

echo "== packages that a release lacks are named and left out"
installed() { [[ "$1" == g++ ]]; }
available() { [[ "$1" != clang-tidy-14 ]]; }
apt() { echo "apt $*"; }
make_tool dpkg-query ""
make_tool apt-cache ""
packages_if_available=()
said="$(with_tools setup_packages g++ clang-tidy-14)"
expect "nothing to install" \
  "dev: setup: this release has no clang-tidy-14; what needs it is skipped" "$said"
said="$(with_tools setup_packages g++ cmake clang-tidy-14 clang-14)"
[[ "$said" == *"apt install -y --no-install-recommends cmake clang-14"* ]] || fail "it says: $said"

echo "== a build says how long it will take"
steps() {
  printf '[1/9 1.0] A\n[2/9 2.0] B\n[3/9 20.000] C\nerror: x\n[4/9 400.5] D\n[9/9 500.0] E\n'
  return "${1:-0}"
}
expect "the rest takes as long a step as what is done" "dev: built 3 of 9, about 40 s left
error: x
dev: built 4 of 9, about 8 min left
dev: built 9 of 9" "$(estimated steps)"
echo "== ... and says so while it goes on"
slow_steps() {
  printf '[1/9 1.0] A\n[2/9 2.0] B\n[3/9 30.0] C\n'
  for _ in {1..200}; do
    [[ ! -e "$work/seen" ]] || return 0
    sleep 0.1
  done
  touch "$work/late"
}
estimated slow_steps | while IFS= read -r line; do
  [[ ! "$line" == "dev: built 3 of 9, about 60 s left" ]] || touch "$work/seen"
  echo "$line"
done >"$work/slow"
[[ ! -e "$work/late" ]] || fail "nothing is said before the build ends: $(cat "$work/slow")"

code=0
estimated steps 3 >/dev/null || code=$?
expect "a failure stays one" 3 "$code"
