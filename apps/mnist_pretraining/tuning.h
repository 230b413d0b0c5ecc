#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "mnist_pretraining/comparison.h"

namespace layerwise::apps {

/// The learning rate of each variant at each number of labels.
using TunedRates = std::map<std::pair<std::string, int64_t>, double>;

/// Tries every learning rate for every variant and budget on separate repeats. Selects the rate
/// with the highest mean accuracy on the validation rows; of equal ones, the one with the lowest
/// cross-entropy.
///
/// These repeats are numbered from 1,000,000 on; no other repeat has such a number. Every trial is
/// a row of tuning.csv in `folder`; trials that are already there are not run again.
/// @param data its test rows are not used
TunedRates tuned_rates(const PretrainingOptions& options, const Settings& run, const Split& data,
                       const std::optional<Block>& components, const std::filesystem::path& folder);

}  // namespace layerwise::apps
