# Makes `layerwise::onednn`: oneDNN where a library and the headers of the same version are found, and nothing otherwise.
# Without it the dense engine multiplies through LibTorch's own operations. Its package file is not used: it asks for
# OpenCL's headers where oneDNN was built with them, and the CPU needs none of that.
#
# A LibTorch that brings oneDNN's headers (pip's do) puts them before the system's. They fit its own library only,
# which most builds hide inside libtorch_cpu.so.

option(LAYERWISE_ONEDNN "Multiply matrices with oneDNN where it is found" ON)
add_library(layerwise::onednn INTERFACE IMPORTED GLOBAL)
set(_onednn_missing "")

if(NOT LAYERWISE_ONEDNN)
  set(_onednn_missing "LAYERWISE_ONEDNN is off")
else()
  find_path(ONEDNN_INCLUDE_DIR oneapi/dnnl/dnnl_version.h HINTS ${TORCH_INCLUDE_DIRS})
  set(_torch_headers "${_torch_prefix}/include/oneapi/dnnl/dnnl_version.h")
  if(EXISTS "${_torch_headers}" AND NOT _torch_prefix MATCHES "^/usr(/local)?$")
    find_library(ONEDNN_LIBRARY dnnl PATHS "${_torch_prefix}/lib" NO_DEFAULT_PATH)
    set(_onednn_missing "LibTorch hides its own: it brings the headers without the library")
  else()
    find_library(ONEDNN_LIBRARY dnnl)
    set(_onednn_missing "not found; Debian: apt-get install libdnnl-dev")
  endif()
  mark_as_advanced(ONEDNN_INCLUDE_DIR ONEDNN_LIBRARY)
  if(ONEDNN_INCLUDE_DIR AND ONEDNN_LIBRARY)
    set(_onednn_missing "")
  endif()
endif()

if(_onednn_missing)
  message(STATUS "oneDNN is not used (${_onednn_missing}): LibTorch multiplies")
  set(layerwise_onednn_library "")
else()
  # The same search path as that of the library's sources, so that the headers checked are those they see.
  try_run(_onednn_run _onednn_built "${PROJECT_BINARY_DIR}/onednn_check" "${CMAKE_CURRENT_LIST_DIR}/onednn_version.cpp"
    CMAKE_FLAGS "-DINCLUDE_DIRECTORIES=${ONEDNN_INCLUDE_DIR};${TORCH_INCLUDE_DIRS}"
    LINK_LIBRARIES "${ONEDNN_LIBRARY}"
    RUN_OUTPUT_VARIABLE _onednn_versions
    COMPILE_OUTPUT_VARIABLE _onednn_output)
  if(NOT _onednn_built)
    message(FATAL_ERROR "The headers of oneDNN in ${ONEDNN_INCLUDE_DIR} do not fit the library ${ONEDNN_LIBRARY}:\n"
      "${_onednn_output}\n"
      "Name a pair of one version with -DONEDNN_INCLUDE_DIR=... and -DONEDNN_LIBRARY=..., or leave oneDNN out with "
      "-DLAYERWISE_ONEDNN=OFF.")
  elseif(NOT _onednn_run EQUAL 0)
    message(FATAL_ERROR "Two versions of oneDNN are mixed: ${_onednn_versions}.\n"
      "The headers come from ${ONEDNN_INCLUDE_DIR} or LibTorch, the library is ${ONEDNN_LIBRARY}. Name a pair of one "
      "version (2 or 3) with -DONEDNN_INCLUDE_DIR=... and -DONEDNN_LIBRARY=..., or leave oneDNN out with "
      "-DLAYERWISE_ONEDNN=OFF.")
  endif()
  message(STATUS "oneDNN: ${_onednn_versions}")
  set(layerwise_onednn_library "${ONEDNN_LIBRARY}") # for the installed package
  target_include_directories(layerwise::onednn SYSTEM INTERFACE "${ONEDNN_INCLUDE_DIR}")
  target_link_libraries(layerwise::onednn INTERFACE "${ONEDNN_LIBRARY}")
  target_compile_definitions(layerwise::onednn INTERFACE LAYERWISE_ONEDNN=1)
endif()
