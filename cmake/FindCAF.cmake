# Finds the C++ Actor Framework, whose 0.17 packages ship neither a CMake nor a pkg-config file.
#
# Components: core, io, openssl; each found one is a target CAF::<component>.
# Hint: CAF_ROOT, a prefix. Result: CAF_FOUND, CAF_VERSION.

find_package(Threads QUIET)

find_path(CAF_INCLUDE_DIR NAMES caf/config.hpp HINTS ${CAF_ROOT} PATH_SUFFIXES include)
mark_as_advanced(CAF_INCLUDE_DIR)

if(CAF_INCLUDE_DIR)
  # 0.17.6 is written as 1706.
  file(STRINGS ${CAF_INCLUDE_DIR}/caf/config.hpp CAF_version_line
    REGEX "^#define CAF_VERSION [0-9]+")
  string(REGEX REPLACE "^#define CAF_VERSION ([0-9]+).*" "\\1" CAF_version_number
    "${CAF_version_line}")
  if(CAF_version_number)
    math(EXPR CAF_major "${CAF_version_number} / 10000")
    math(EXPR CAF_minor "${CAF_version_number} / 100 % 100")
    math(EXPR CAF_patch "${CAF_version_number} % 100")
    set(CAF_VERSION ${CAF_major}.${CAF_minor}.${CAF_patch})
  endif()
endif()

# A component needs the libraries of the components before it.
set(CAF_needs_core Threads::Threads)
set(CAF_needs_io CAF::core)
set(CAF_needs_openssl CAF::io)

foreach(component IN ITEMS core io openssl)
  find_library(CAF_${component}_LIBRARY NAMES caf_${component}
    HINTS ${CAF_ROOT} PATH_SUFFIXES lib)
  mark_as_advanced(CAF_${component}_LIBRARY)
  if(CAF_${component}_LIBRARY AND CAF_INCLUDE_DIR)
    set(CAF_${component}_FOUND TRUE)
    if(NOT TARGET CAF::${component})
      add_library(CAF::${component} UNKNOWN IMPORTED)
      set_target_properties(CAF::${component} PROPERTIES
        IMPORTED_LOCATION ${CAF_${component}_LIBRARY}
        INTERFACE_INCLUDE_DIRECTORIES ${CAF_INCLUDE_DIR}
        INTERFACE_LINK_LIBRARIES ${CAF_needs_${component}})
    endif()
  endif()
endforeach()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CAF
  REQUIRED_VARS CAF_INCLUDE_DIR CAF_core_LIBRARY
  VERSION_VAR CAF_VERSION
  HANDLE_COMPONENTS)
