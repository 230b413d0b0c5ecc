// Compiled and run when the project is configured: 0 if headers and library of oneDNN are of one
// version.
#include <oneapi/dnnl/dnnl.h>
#include <oneapi/dnnl/dnnl_version.h>

#include <cstdio>

int main() {
  const dnnl_version_t* library = dnnl_version();
  std::printf("headers %d.%d, library %d.%d", DNNL_VERSION_MAJOR, DNNL_VERSION_MINOR,
              library->major, library->minor);
  const bool known = DNNL_VERSION_MAJOR == 2 || DNNL_VERSION_MAJOR == 3;
  const bool same = library->major == DNNL_VERSION_MAJOR && library->minor == DNNL_VERSION_MINOR;
  return known && same ? 0 : 1;
}
