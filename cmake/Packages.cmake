# layerwise_find(NAME DEBIAN_PACKAGE): find_package, which says where a missing package can be had.
# layerwise_find_header(VARIABLE HEADER DEBIAN_PACKAGE): the same for a package of headers without a CMake file.

macro(layerwise_find name debian_package)
  find_package(${name} QUIET)
  if(NOT ${name}_FOUND)
    message(FATAL_ERROR "${name} was not found.\n"
      "Install it (Debian: apt-get install ${debian_package}), or name its folder with -DCMAKE_PREFIX_PATH=...")
  endif()
endmacro()

function(layerwise_find_header variable header debian_package)
  find_path(${variable} ${header})
  if(NOT ${variable})
    message(FATAL_ERROR "${header} was not found.\n"
      "Install it (Debian: apt-get install ${debian_package}), or name its folder with -DCMAKE_PREFIX_PATH=...")
  endif()
endfunction()
