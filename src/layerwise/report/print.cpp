#include "layerwise/report/print.h"

#include <cstdio>

namespace layerwise::report {

void print_result(const std::string& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

bool results_arrived() {
  return std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
}

void print_note(const std::string& text) {
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
}

}  // namespace layerwise::report
