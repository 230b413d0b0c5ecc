# How this project is compiled: warnings, sanitizers, ccache. Never exported to a project that uses the library.

add_library(layerwise_warnings INTERFACE)
target_compile_options(layerwise_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow)

set(LAYERWISE_SANITIZE "" CACHE STRING "Sanitizers to compile and link with, as in -fsanitize=")
if(LAYERWISE_SANITIZE)
  add_compile_options(-fsanitize=${LAYERWISE_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${LAYERWISE_SANITIZE})
endif()

find_program(CCACHE ccache)
if(PROJECT_IS_TOP_LEVEL AND CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # What ccache must overlook to cache files compiled with a precompiled header.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      "${CMAKE_COMMAND}" -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      "${CCACHE}")
endif()
