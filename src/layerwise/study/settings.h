#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "layerwise/train/engine_options.h"

namespace layerwise::study {

/// How a study is to be run.
struct Settings {
  std::string device = "auto";  ///< as `find_device` takes it
  int64_t seed = 1;             ///< of all random numbers but the data's
  int64_t repeats = 1;
  int64_t threads = 1;       ///< repeats that run at once
  int64_t math_threads = 1;  ///< threads inside one operation
  EngineOptions engine = {};
  std::string out = {};  ///< the folder to write to; empty for a new one, `runs/PROGRAM-SEED-TIME`
  bool force = false;    ///< write over the run that `out` holds
  bool quiet = false;    ///< no progress on stderr
  /// Whose curves curves.csv holds: those of repeat 0, the means and intervals over the repeats, or
  /// those of every repeat.
  enum class Curves { first, mean, all };
  Curves curves = Curves::first;

  /// `device`; several repeats at once are a matter of the CPU, unless something else is asked for.
  std::string device_for_repeats() const {
    return device == "auto" && threads > 1 ? "cpu" : device;
  }
};

/// How a program was started: what run.json tells whoever wants to repeat the run.
struct Start {
  std::string program;                 ///< its name
  std::string command = {};            ///< as one would type it again
  std::vector<std::string> arguments;  ///< without the program's name
  std::string resumed = {};            ///< the folder of the run that goes on; mostly empty
  std::string resuming = {};           ///< what goes on with a run when its folder is put behind it
  std::vector<std::pair<std::string, std::string>> options = {};  ///< every one with its value
};

}  // namespace layerwise::study
