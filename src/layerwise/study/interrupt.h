#pragma once

#include <stdexcept>
#include <string>

namespace layerwise::study {

/// The user (or the system) asked the program to end.
class Interrupted : public std::runtime_error {
 public:
  Interrupted(int signal, std::string hint);
  int signal() const { return signal_; }
  const std::string& hint() const { return hint_; }

 private:
  int signal_;
  std::string hint_;
};

/// After this call, the first SIGINT or SIGTERM is recorded, and a second one ends the program at
/// once. A signal that the program was started to ignore stays ignored.
void note_interrupts();

/// @param hint what is left of the run
/// @throws Interrupted if a signal was recorded
void throw_if_interrupted(const char* hint = "the stages that were finished are in metrics.csv");

}  // namespace layerwise::study
