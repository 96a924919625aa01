# Layers and programs. A layer is a folder of sources and schemas, compiled into one static library.

set(TROUPE_GENERATED_DIR ${PROJECT_BINARY_DIR}/generated)

# All generated headers.
add_custom_target(troupe_schemas)

# All that is installed: `./dev install` builds neither tests nor examples.
add_custom_target(troupe_installed)

# troupe_add_schemas(<target> <dir>): compiles the FlatBuffers schemas below <dir> into
# <build>/generated, and links what the generated headers need.
#
# `wire/raft.fbs` becomes "wire/raft_generated.h", `resources/kv_store/kv_store.fbs` becomes
# "resources/kv_store/kv_store_generated.h". Generated headers are not installed: only sources
# include them.
function(troupe_add_schemas target dir)
  target_link_libraries(${target} PRIVATE flatbuffers::flatbuffers)
  target_include_directories(${target} SYSTEM PRIVATE ${TROUPE_GENERATED_DIR})
  file(GLOB_RECURSE schemas CONFIGURE_DEPENDS ${dir}/*.fbs)
  set(headers "")
  foreach(schema IN LISTS schemas)
    troupe_include_name(${schema} name)
    cmake_path(GET name PARENT_PATH folder)
    cmake_path(GET name STEM stem)
    set(header ${TROUPE_GENERATED_DIR}/${folder}/${stem}_generated.h)
    add_custom_command(OUTPUT ${header}
      COMMAND ${FLATC} --cpp --cpp-std c++17 --scoped-enums --keep-prefix
              -I ${PROJECT_SOURCE_DIR}/libraft -I ${PROJECT_SOURCE_DIR}
              -o ${TROUPE_GENERATED_DIR}/${folder} ${schema}
      # All schemas of the folder: one may include another.
      DEPENDS ${schemas}
      COMMENT "Schema ${name}"
      VERBATIM)
    list(APPEND headers ${header})
  endforeach()
  if(NOT headers)
    return()
  endif()
  # Its own target, so that a tool that only reads sources can have the headers without a build.
  add_custom_target(${target}_schemas DEPENDS ${headers})
  add_dependencies(troupe_schemas ${target}_schemas)
  add_dependencies(${target} ${target}_schemas)
  target_sources(${target} PRIVATE ${headers})
endfunction()

# troupe_include_name(<file> <result>): how an include directive calls <file>.
function(troupe_include_name file result)
  file(RELATIVE_PATH name ${PROJECT_SOURCE_DIR} ${file})
  string(REGEX REPLACE "^libraft/" "" name ${name})
  set(${result} ${name} PARENT_SCOPE)
endfunction()

# troupe_or_placeholder(<variable> <target>): keeps a folder without sources buildable.
function(troupe_or_placeholder variable target)
  if(${variable})
    return()
  endif()
  set(placeholder ${PROJECT_BINARY_DIR}/placeholder/${target}.cpp)
  if(NOT EXISTS ${placeholder})
    file(WRITE ${placeholder} "")
  endif()
  set(${variable} ${placeholder} PARENT_SCOPE)
endfunction()

# troupe_add_room(<name> [SCHEMAS] [SOURCES <file>...]
#                 [LINK <target>...] [LINK_PRIVATE <target>...])
#
# The library troupe_<name>, also Troupe::<name>, of the sources below the current folder or of
# SOURCES. LINK is what its headers include, LINK_PRIVATE what only its sources do.
function(troupe_add_room name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "SCHEMAS" "" "SOURCES;LINK;LINK_PRIVATE")
  set(target troupe_${name})
  # SOURCES without a file is a folder that is still empty, not the default.
  if(NOT "SOURCES" IN_LIST ARGN)
    file(GLOB_RECURSE arg_SOURCES CONFIGURE_DEPENDS *.cpp)
  endif()
  troupe_or_placeholder(arg_SOURCES ${target})
  add_library(${target} STATIC ${arg_SOURCES})
  add_library(Troupe::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/libraft>
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  # Our flags first: what is linked may take one back.
  target_link_libraries(${target}
    PRIVATE $<BUILD_INTERFACE:troupe_flags>
    PUBLIC ${arg_LINK}
    PRIVATE ${arg_LINK_PRIVATE})
  if(arg_SCHEMAS)
    troupe_add_schemas(${target} ${CMAKE_CURRENT_SOURCE_DIR})
  endif()

  install(TARGETS ${target} EXPORT TroupeTargets)
  add_dependencies(troupe_installed ${target})
endfunction()

# troupe_add_program(<name> SOURCES <file>... [LINK <target>...]): into <build>/bin.
function(troupe_add_program name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "SOURCES;LINK")
  add_executable(${name} ${arg_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  # Before all that allocate. Libraries leave the choice to who links them.
  target_link_libraries(${name} PRIVATE
    $<TARGET_NAME_IF_EXISTS:Jemalloc::jemalloc> troupe_flags ${arg_LINK})
endfunction()
