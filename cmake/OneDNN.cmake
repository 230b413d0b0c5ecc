# Finds oneDNN and makes `layerwise_onednn` of it. Its own package file asks for OpenCL's headers where it was built with
# them, which the CPU needs nothing of.
find_path(ONEDNN_INCLUDE_DIR oneapi/dnnl/dnnl.hpp)
find_library(ONEDNN_LIBRARY dnnl)
if(NOT ONEDNN_INCLUDE_DIR OR NOT ONEDNN_LIBRARY)
  message(FATAL_ERROR "oneDNN was not found.\n"
    "Install it (Debian: apt-get install libdnnl-dev), or name its folder with -DCMAKE_PREFIX_PATH=...")
endif()
mark_as_advanced(ONEDNN_INCLUDE_DIR ONEDNN_LIBRARY)

add_library(layerwise_onednn INTERFACE)
target_include_directories(layerwise_onednn SYSTEM INTERFACE "${ONEDNN_INCLUDE_DIR}")
target_link_libraries(layerwise_onednn INTERFACE "${ONEDNN_LIBRARY}")
