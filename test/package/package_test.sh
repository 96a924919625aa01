#!/usr/bin/env bash
# Installs the build into an empty prefix, builds a user's project against that, and runs it.
# Expects TROUPE_SOURCE_DIR and TROUPE_BINARY_DIR; writes below the latter only.
set -euo pipefail

work="$TROUPE_BINARY_DIR/package"
rm -rf "$work"
mkdir -p "$work"

if [[ "$TROUPE_BINARY_DIR" == "$TROUPE_SOURCE_DIR/build/release" ]]; then
  # As people do. Its last line says what to type next.
  "$TROUPE_SOURCE_DIR/dev" install "$work/prefix" | tee "$work/install.log"
  grep -qF "next: export PATH=\"$work/prefix/bin:" "$work/install.log"
  PATH="$work/prefix/bin:$PATH" "$TROUPE_SOURCE_DIR/dev" install "$work/prefix" \
    | grep -qxF "dev: next: troupe --help"
else
  cmake --install "$TROUPE_BINARY_DIR" --prefix "$work/prefix" >"$work/install.log"
fi

# Only the prefix is on the search path: a header that was not installed is missing here. The first
# program needs no library, and says so by what it may not find.
build() {
  local components="$1"
  shift
  cmake -G Ninja -S "$TROUPE_SOURCE_DIR/test/package" -B "$work/build" -D CMAKE_BUILD_TYPE=Debug \
    -D CMAKE_PREFIX_PATH="$work/prefix" -D TROUPE_INCLUDE_DIR="$work/prefix/include" \
    -D COMPONENTS="$components" "$@"
  cmake --build "$work/build"
}
build machine -D CMAKE_DISABLE_FIND_PACKAGE_CAF=ON
"$work/build/tally_alone"
rm -rf "$work/build"
build "machine;actors" -D CMAKE_DISABLE_FIND_PACKAGE_CLI11=ON -D CMAKE_DISABLE_FIND_PACKAGE_Edit=ON
"$work/build/tally_embedded" "$work/data"
rm -rf "$work/build"
build "machine;actors;resources;shell"
if cmake -S "$TROUPE_SOURCE_DIR/test/package" -B "$work/nonsense" \
  -D CMAKE_PREFIX_PATH="$work/prefix" -D COMPONENTS=nonsense >"$work/nonsense.log" 2>&1; then
  echo "a component that does not exist was found"
  exit 1
fi
grep -q "Troupe has the components" "$work/nonsense.log"
"$work/build/tally" --help >"$work/help.txt"
[[ -s "$work/help.txt" ]]
"$work/prefix/bin/troupe" --help >/dev/null

# The prefix can be moved.
if grep -rlF "$TROUPE_SOURCE_DIR" "$work/prefix/lib/cmake" "$work/prefix/include"; then
  echo "the files above know where they were built"
  exit 1
fi
