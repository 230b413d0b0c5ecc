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

/// Tries every learning rate for every variant and budget on repeats of their own, and takes the
/// one with the highest mean accuracy on the validation rows; of equal ones, that with the lowest
/// cross-entropy.
///
/// These repeats are numbered from 1,000,000, which no other has. Every trial is a row of
/// tuning.csv in `folder`; those that are there already are not made again.
/// @param data its test rows are not looked at
TunedRates tuned_rates(const PretrainingOptions& options, const Settings& run, const Split& data,
                       const std::optional<Block>& components, const std::filesystem::path& folder);

}  // namespace layerwise::apps
