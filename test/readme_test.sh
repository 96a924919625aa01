#!/usr/bin/env bash
# Runs what README.md tells its readers to run. A block takes part if its fence says so:
#
#   ```cmake build      the CMakeLists.txt of the reader's project
#   ```cpp build FILE   the file FILE of that project; main.cpp if FILE is missing
#   ```sh run           a script: it fails if one of its commands does
#   ```console run      a session: each line `$ command` is run by a shell of its own, and the lines
#                       below it are its output (of both streams). There `...` stands for anything:
#                       in a line for any characters, alone for any lines.
#
# The project is built first, against the installed tree; without a cmake block, every .cpp file is
# a program of its own name that links Troupe::troupe. Then the scripts and sessions run in their
# order, in one empty folder, with the project's programs and Troupe's first in PATH. What a script
# leaves running in the background runs until the last block is done. Other blocks are only read.
#
# Expects TROUPE_SOURCE_DIR and TROUPE_BINARY_DIR, and what package_test.sh installed.
# An argument is read in place of README.md.
set -euo pipefail

readme="${1:-$TROUPE_SOURCE_DIR/README.md}"
work="$TROUPE_BINARY_DIR/readme"
prefix="$TROUPE_BINARY_DIR/package/prefix"

if [[ ! -e "$readme" ]]; then
  echo "there is no README.md"
  exit 77
fi

rm -rf "$work"
mkdir -p "$work"/{blocks,project,scratch}

# Cuts the blocks out: blocks/003.sh, blocks/004.console, project/main.cpp.
awk -v work="$work" '
  /^```/ && out == "" && skip == 0 {
    line = $0
    sub(/^```/, "", line)
    split(line, word, " ")
    number += 1
    if (word[1] == "cmake" && word[2] == "build") { out = work "/project/CMakeLists.txt" }
    else if (word[1] == "cpp" && word[2] == "build") {
      out = work "/project/" (word[3] == "" ? "main.cpp" : word[3])
    }
    else if ((word[1] == "sh" || word[1] == "console") && word[2] == "run") {
      out = sprintf("%s/blocks/%03d.%s", work, number, word[1])
    }
    else { skip = 1; next }
    printf "" >out
    next
  }
  /^```/ { if (out != "") { close(out) } out = ""; skip = 0; next }
  out != "" { print >out }
' "$readme"

shopt -s nullglob
blocks=("$work"/blocks/*)
project=("$work"/project/*)
if [[ ${#blocks[@]} == 0 && ${#project[@]} == 0 ]]; then
  echo "no block of $readme is marked; see the head of this script"
  exit 1
fi

if [[ ${#project[@]} != 0 ]]; then
  if [[ ! -e "$work/project/CMakeLists.txt" ]]; then
    {
      echo "cmake_minimum_required(VERSION 3.25)"
      echo "project(Readme LANGUAGES CXX)"
      echo "find_package(Troupe REQUIRED)"
      for file in "$work"/project/*.cpp; do
        name="$(basename "$file" .cpp)"
        echo "add_executable($name $name.cpp)"
        echo "target_link_libraries($name PRIVATE Troupe::troupe)"
      done
    } >"$work/project/CMakeLists.txt"
  fi
  echo "== the project"
  cmake -G Ninja -S "$work/project" -B "$work/build" -D CMAKE_PREFIX_PATH="$prefix" >/dev/null
  cmake --build "$work/build"
fi

# The reader's own first: an example of ours may have the same name.
export PATH="$work/build:$prefix/bin:$TROUPE_BINARY_DIR/bin:$PATH"
cd "$work/scratch"

# Each script is a process group; whatever it started ends with us.
groups=()
end_groups() {
  local group
  for group in "${groups[@]}"; do
    kill -TERM -- "-$group" 2>/dev/null || continue
    # Two seconds to end well.
    for _ in {1..20}; do
      kill -0 -- "-$group" 2>/dev/null || break
      sleep 0.1
    done
    kill -KILL -- "-$group" 2>/dev/null || true
  done
}
trap end_groups EXIT

run_script() {
  set -m
  bash -euo pipefail "$1" </dev/null &
  set +m
  groups+=($!)
  wait $!
}

# as_pattern <expected line>: a glob in which `...` stands for anything and all else for itself.
as_pattern() {
  printf '%s' "$1" | sed -e 's/[][*?\\]/\\&/g' -e 's/\.\.\./*/g'
}

# matches <expected> <actual>: both are texts of several lines.
matches() {
  local pattern="" line
  if [[ -z "$1" ]]; then
    [[ -z "$2" ]]
    return
  fi
  while IFS= read -r line; do
    pattern+="${pattern:+$'\n'}$(as_pattern "$line")"
  done <<<"$1"
  # A line of dots alone may also stand for no line.
  # shellcheck disable=SC2053 # The right side is a pattern.
  [[ "$2" == $pattern || "$2"$'\n' == $pattern || $'\n'"$2" == $pattern ]]
}

# run_session <file>
run_session() {
  local line command="" expected="" actual number=0
  check() {
    [[ -n "$command" ]] || return 0
    actual="$(eval "$command" 2>&1)" || true
    if ! matches "$expected" "$actual"; then
      printf '$ %s\nexpected:\n%s\nactual:\n%s\n' "$command" "$expected" "$actual"
      exit 1
    fi
    number=$((number + 1))
  }
  while IFS= read -r line <&3; do
    if [[ "$line" == '$ '* ]]; then
      check
      command="${line#'$ '}"
      expected=""
    else
      expected+="${expected:+$'\n'}$line"
    fi
  done 3<"$1"
  check
  echo "$number commands"
}

for block in "${blocks[@]}"; do
  echo "== $(basename "$block")"
  case "$block" in
    *.sh) run_script "$block" ;;
    *.console) run_session "$block" ;;
  esac
done
