#pragma once

#include <string>

namespace layerwise::report {

/// Writes results to standard output. Errors are not reported here; call `results_arrived` at the
/// end.
void print_result(const std::string& text);
/// Whether everything printed so far was written without an error.
bool results_arrived();

/// Writes to standard error. Errors are ignored: they are not worth ending a program for.
void print_note(const std::string& text);

}  // namespace layerwise::report
