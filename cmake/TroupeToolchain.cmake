# How every target of ours is compiled: language, warnings, sanitizers, linker and compiler cache.

if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug or Release" FORCE)
endif()

# Release keeps assertions (no NDEBUG) and line numbers for backtraces. The full
# debug information would double the time to compile what includes CAF.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g")
if(TROUPE_SANITIZERS)
  # Line numbers for reports, and a third of the time that -O0 takes to run.
  set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")
endif()

set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Everything that is compiled here links this; it is not part of the installed package.
add_library(troupe_flags INTERFACE)
target_compile_features(troupe_flags INTERFACE cxx_std_20)
target_compile_options(troupe_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
  $<$<BOOL:${TROUPE_WERROR}>:-Werror>
  # GCC 12 sees overlapping copies in string concatenation where there are none (GCC bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  -fno-omit-frame-pointer
  # Assertions and logs name files as the repository does, wherever it lies.
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=)

if(TROUPE_SANITIZERS)
  target_compile_options(troupe_flags INTERFACE
    -fsanitize=${TROUPE_SANITIZERS} -fno-sanitize-recover=all
    # Instrumented code confuses this warning's flow analysis.
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  target_link_options(troupe_flags INTERFACE -fsanitize=${TROUPE_SANITIZERS})
endif()

include(CheckLinkerFlag)
foreach(linker IN ITEMS mold lld)
  check_linker_flag(CXX -fuse-ld=${linker} TROUPE_HAS_${linker})
  if(TROUPE_HAS_${linker})
    target_link_options(troupe_flags INTERFACE -fuse-ld=${linker})
    break()
  endif()
endforeach()

find_program(CCACHE ccache)
mark_as_advanced(CCACHE)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # Precompiled headers are cached only if the cache may ignore their time stamps. A second clone
  # finds what the first one compiled: paths are relative to the clone, also in the output.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
    CCACHE_BASEDIR=${PROJECT_SOURCE_DIR} CCACHE_NOHASHDIR=1
    CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(troupe_flags INTERFACE -fpch-preprocess)
  elseif(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
    target_compile_options(troupe_flags INTERFACE "SHELL:-Xclang -fno-pch-timestamp")
  endif()
endif()
