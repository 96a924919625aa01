# The installed package: find_package(Troupe) and Troupe::troupe, or one target for each layer.

include(CMakePackageConfigHelpers)
include(TroupeHeaders)

set(TROUPE_CMAKE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/Troupe)

install(EXPORT TroupeTargets NAMESPACE Troupe:: DESTINATION ${TROUPE_CMAKE_DIR})
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/TroupeConfig.cmake.in
  ${PROJECT_BINARY_DIR}/TroupeConfig.cmake
  INSTALL_DESTINATION ${TROUPE_CMAKE_DIR})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/TroupeConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/TroupeConfig.cmake
  ${PROJECT_BINARY_DIR}/TroupeConfigVersion.cmake
  cmake/FindCAF.cmake cmake/FindEdit.cmake cmake/FindISAL.cmake cmake/FindLMDB.cmake
  cmake/FindXXHash.cmake
  DESTINATION ${TROUPE_CMAKE_DIR})
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
