#pragma once

#include <string>

namespace layerwise::report {

/// Writes to standard output, where results go. Whether all of it arrived is asked at the end.
void print_result(const std::string& text);
/// Everything printed so far has left the program.
bool results_arrived();

/// Writes to standard error. That it cannot be written is not worth ending a program for.
void print_note(const std::string& text);

}  // namespace layerwise::report
