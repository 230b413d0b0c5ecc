# Finds LibTorch and makes `layerwise::torch` of it: the one place in CMake that knows LibTorch's
# versions. Also the fmt that goes with it, `layerwise::fmt`. Read by the build, and again by the installed package.
#
# Looked for in CMAKE_PREFIX_PATH and Torch_DIR, then in the system's folders.

set(CMAKE_DISABLE_FIND_PACKAGE_MKL ON) # a half-installed MKL would stop Caffe2's configuration
if(POLICY CMP0146)
  cmake_policy(SET CMP0146 OLD) # Caffe2's configuration still uses FindCUDA
endif()
# pip's warns of a library for profiling that it leaves out.
set(_message_log_level "${CMAKE_MESSAGE_LOG_LEVEL}")
set(CMAKE_MESSAGE_LOG_LEVEL ERROR)
find_package(Torch QUIET)
set(CMAKE_MESSAGE_LOG_LEVEL "${_message_log_level}")
if(NOT Torch_FOUND)
  message(FATAL_ERROR
    "LibTorch was not found.\n"
    "Install the system's package (Debian: apt-get install libtorch-dev libopenblas0-pthread), or name the torch "
    "folder of a Python installation:\n"
    "  -DCMAKE_PREFIX_PATH=$(python3 -c 'import os, torch; print(os.path.dirname(torch.__file__))')")
endif()

# TorchConfig.cmake looks libc10 up in the default folders too, and then binds the system's one to another LibTorch:
# that builds, and aborts when a program starts.
get_filename_component(_torch_prefix "${TORCH_INSTALL_PREFIX}" REALPATH)
foreach(_library IN ITEMS "${c10_LIBRARY}" "${TORCH_LIBRARY}")
  get_filename_component(_found "${_library}" REALPATH)
  string(FIND "${_found}" "${_torch_prefix}/" _position)
  if(NOT _position EQUAL 0)
    message(FATAL_ERROR
      "Two LibTorch installations are mixed: the one found is ${_torch_prefix}, but ${_library} is not part of it. "
      "A program built this way aborts when it starts.\n"
      "Configure an empty build folder with the torch folder itself as the prefix:\n"
      "  -DCMAKE_PREFIX_PATH=${_torch_prefix}")
  endif()
endforeach()

# Wheels older than 2.7 use the ABI that libstdc++ had before C++11; fmt and Catch2 of a distribution do not.
if("${TORCH_CXX_FLAGS}" MATCHES "_GLIBCXX_USE_CXX11_ABI=0")
  message(FATAL_ERROR
    "The LibTorch in ${_torch_prefix} was built for the old C++ ABI (_GLIBCXX_USE_CXX11_ABI=0), which the other "
    "libraries here do not use.\n"
    "Take the system's package, a torch wheel from 2.7 on, or LibTorch's \"cxx11 ABI\" download.")
endif()

message(STATUS "LibTorch ${Torch_VERSION} in ${_torch_prefix}")

# A pip wheel brings fmt's headers, but not its library. Where both it and the system have them, one header of each
# does not compile, so that the wheel's are named here.
layerwise_find(fmt libfmt-dev)
add_library(layerwise::fmt INTERFACE IMPORTED GLOBAL)
if(EXISTS "${_torch_prefix}/include/fmt/format-inl.h" AND NOT _torch_prefix STREQUAL "/usr")
  target_compile_definitions(layerwise::fmt INTERFACE FMT_HEADER_ONLY=1)
  target_include_directories(layerwise::fmt SYSTEM INTERFACE "${_torch_prefix}/include")
else()
  target_link_libraries(layerwise::fmt INTERFACE fmt::fmt)
endif()

add_library(layerwise::torch INTERFACE IMPORTED GLOBAL)
target_link_libraries(layerwise::torch INTERFACE torch ${TORCH_LIBRARIES})
if(TORCH_CUDA_LIBRARIES) # LibTorch has found the toolkit; the dense engine calls these itself
  target_link_libraries(layerwise::torch INTERFACE CUDA::cublas CUDA::cudart)
endif()
target_include_directories(layerwise::torch SYSTEM INTERFACE ${TORCH_INCLUDE_DIRS})
target_compile_features(layerwise::torch INTERFACE cxx_std_20) # LibTorch's headers need it, its target does not say so
