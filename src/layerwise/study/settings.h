#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "layerwise/train/engine_options.h"

namespace layerwise::study {

/// Repeats from this number on choose learning rates; no repeat of a study has such a number.
inline constexpr int64_t first_choosing_repeat = 1000000;

/// How to run a study.
struct Settings {
  std::string device = "auto";  ///< as `find_device` takes it
  int64_t seed = 1;             ///< seed of all random numbers except those of the data
  int64_t first_repeat = 0;     ///< number of the first repeat, whose lines are printed
  int64_t repeats = 1;          ///< how many repeats there are from that on
  /// Whether these repeats are a part of a study, which `layerwise_merge` joins with the others.
  bool shard = false;
  int64_t threads = 1;       ///< number of repeats that run at once
  int64_t math_threads = 1;  ///< number of threads inside one operation
  EngineOptions engine = {};
  std::string out = {};  ///< the folder to write to; if empty, a new one, `runs/PROGRAM-SEED-TIME`
  bool force = false;    ///< overwrite the run in `out`
  bool quiet = false;    ///< no progress on stderr
  /// Which curves curves.csv holds: those of repeat 0 (none, if it is not among the repeats); the
  /// means and intervals over the repeats (in a shard those of every repeat, from which the means
  /// of the whole study are computed); or those of every repeat.
  enum class Curves { first, mean, all };
  Curves curves = Curves::first;

  /// Whether the study has several repeats, here or in other shards.
  bool has_several_repeats() const { return shard || repeats > 1; }
  /// `device`; but `auto` means the CPU if several repeats run at once.
  std::string device_for_repeats() const {
    return device == "auto" && threads > 1 ? "cpu" : device;
  }
};

/// The value of a program's option, as in run.json.
using OptionValue =
    std::variant<bool, int64_t, double, std::string, std::vector<int64_t>, std::vector<double>>;

/// How a program was started. run.json records this, so that the run can be repeated.
struct Start {
  std::string program;                 ///< its name
  std::string command = {};            ///< the command line, quoted so that it can be typed again
  std::vector<std::string> arguments;  ///< without the program's name
  std::string resumed = {};   ///< the folder of the run that is resumed; empty for a new run
  std::string resuming = {};  ///< the command that resumes a run when its folder is appended
  std::vector<std::pair<std::string, OptionValue>> options = {};  ///< every option with its value
};

}  // namespace layerwise::study
