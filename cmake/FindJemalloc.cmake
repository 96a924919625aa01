# Finds jemalloc: target Jemalloc::jemalloc. What links it allocates with it, and includes nothing.

find_library(Jemalloc_LIBRARY NAMES jemalloc)
mark_as_advanced(Jemalloc_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Jemalloc REQUIRED_VARS Jemalloc_LIBRARY)

if(Jemalloc_FOUND AND NOT TARGET Jemalloc::jemalloc)
  add_library(Jemalloc::jemalloc UNKNOWN IMPORTED)
  set_target_properties(Jemalloc::jemalloc PROPERTIES IMPORTED_LOCATION ${Jemalloc_LIBRARY})
endif()
