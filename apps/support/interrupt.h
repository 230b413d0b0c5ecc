#pragma once

#include <string>

namespace layerwise::apps {

/// The user (or the system) asked the program to end.
struct Interrupted {
  int signal;
  std::string hint = "the stages that were finished are in metrics.csv";
};

/// From now on the first SIGINT or SIGTERM is noted, and a second one ends the program at once. One
/// that the program was started to ignore stays ignored.
void note_interrupts();

/// @throws Interrupted if a signal was noted
void throw_if_interrupted();

}  // namespace layerwise::apps
