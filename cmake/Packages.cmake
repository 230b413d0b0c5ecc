# layerwise_find(NAME DEBIAN_PACKAGE): find_package, which says where a missing package can be had.

macro(layerwise_find name debian_package)
  find_package(${name} QUIET)
  if(NOT ${name}_FOUND)
    message(FATAL_ERROR "${name} was not found.\n"
      "Install it (Debian: apt-get install ${debian_package}), or name its folder with -DCMAKE_PREFIX_PATH=...")
  endif()
endmacro()
