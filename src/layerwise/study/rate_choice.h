#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "layerwise/pretraining/stage_runner.h"
#include "layerwise/study/settings.h"

namespace layerwise::study {

/// The learning rates that one way to train chooses from.
struct RateCandidates {
  /// Trains with a rate. @returns its score on the validation rows, larger is better; NaN if it
  /// diverged
  using Trial = std::function<double(double rate)>;

  std::string variant;
  std::vector<double> rates;
  /// Does what all rates have in common, such as pretraining, once in a repeat. `observer` outlives
  /// the trial that is returned.
  std::function<Trial(Random random, const Observer& observer)> trial;
  double work = 1;         ///< expected duration of a trial, in any unit
  double common_work = 0;  ///< that of what all have in common
};

/// Tries every learning rate on separate repeats, and returns the one with the highest mean score
/// for each variant; a rate with which a repeat diverged loses to all others, and if all did,
/// the smallest is taken. Where there is only one, nothing is tried.
///
/// Every trial is a row of rates.csv in `folder`; trials that are already there are not run again.
/// The choice so depends on nothing that the study then measures.
/// @throws std::invalid_argument if one has no rates, or a name with a comma
/// @throws Interrupted after a signal
std::map<std::string, double> chosen_rates(const std::vector<RateCandidates>& all, int64_t repeats,
                                           const Settings& settings,
                                           const std::filesystem::path& folder);

}  // namespace layerwise::study
