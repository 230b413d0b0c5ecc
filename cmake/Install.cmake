# `cmake --install`: libraries, headers, and the package that find_package(layerwise) reads.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

set(_package_folder "${CMAKE_INSTALL_LIBDIR}/cmake/layerwise")
install(TARGETS layerwise layerwise_study layerwise_report layerwise_files EXPORT layerwiseTargets)
install(EXPORT layerwiseTargets NAMESPACE layerwise:: DESTINATION "${_package_folder}")
install(DIRECTORY "${PROJECT_SOURCE_DIR}/src/layerwise" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}"
  FILES_MATCHING PATTERN "*.h"
  PATTERN "*-inl.h" EXCLUDE
  REGEX "/(engines/(autograd|dense|device|kernel|product|stage_pass|tiny)|study/(run_description|results_json)|report/gnuplot_script|data/chunks)[^/]*$" EXCLUDE)
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/layerwiseConfig.cmake.in"
  "${PROJECT_BINARY_DIR}/layerwiseConfig.cmake" INSTALL_DESTINATION "${_package_folder}" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/layerwiseConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/layerwiseConfig.cmake" "${PROJECT_BINARY_DIR}/layerwiseConfigVersion.cmake"
  "${PROJECT_SOURCE_DIR}/cmake/LibTorch.cmake" "${PROJECT_SOURCE_DIR}/cmake/Packages.cmake"
  DESTINATION "${_package_folder}")
