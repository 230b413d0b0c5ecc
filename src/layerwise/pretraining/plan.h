#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "layerwise/data/dataset.h"

namespace layerwise {

/// The task of a fit.
enum class Task { classification, reconstruction };
const char* name_of(Task task);

/// Identifies a fit of an algorithm.
struct StageInfo {
  StageInfo() = default;
  StageInfo(int64_t stage_, int64_t layers_, std::string variant_, Task task_, int64_t labels_ = 0);

  int64_t stage = 1;   ///< from 1
  int64_t layers = 2;  ///< number of hidden blocks plus the head; 0 where layers are not counted
  /// The network, where a study compares several (see `of_variant`); then the kind of an extra fit,
  /// as fine-tuning. Empty for the stages of the only network.
  std::string variant;
  Task task = Task::classification;
  int64_t labels = 0;  ///< number of labeled training rows; 0 where fits do not differ in it

  bool operator==(const StageInfo&) const = default;
};

/// A fit that an algorithm is going to run. The `plan_of` of each algorithm lists its fits.
struct PlannedFit {
  using Scores = std::vector<std::pair<std::string, std::string>>;

  PlannedFit(StageInfo info_, int64_t epochs_, Scores scores_);

  StageInfo info;
  int64_t epochs;
  Scores scores;  ///< (split, metric) of each
  double work;    ///< expected duration in a unit of the plan; initially the number of epochs
  /// Rows that the fit writes to curves.csv, to check a resumed run; -1: unknown.
  int64_t curve_rows = -1;
  /// Whether it is a stage of the network, which is kept behind it; an extra fit is undone.
  bool of_network = true;
};
using Plan = std::vector<PlannedFit>;

/// The fits of one of the networks that a study compares: `variant` becomes `name`, and that of an
/// extra fit `name: fine_tuned`.
/// @throws std::invalid_argument if the name is empty or has other characters than letters, digits,
///   `-`, `_` and `.`
StageInfo of_variant(const std::string& name, StageInfo info);
Plan of_variant(const std::string& name, Plan plan);

/// Whether a fit is named by `of_variant` with this name.
bool belongs_to(const std::string& name, const StageInfo& info);

/// For each fit of a plan, the name of the network that it belongs to: its variant, without the
/// kind of an extra fit; empty if some fit has no variant, for then there is only one network.
std::vector<std::string> network_names(const Plan& plan);

/// One plan after the other, as those of several variants.
Plan joined(const std::vector<Plan>& plans);

/// All pairs of a split and a metric.
std::vector<std::pair<std::string, std::string>> scores_of(const std::vector<std::string>& splits,
                                                           const std::vector<std::string>& metrics);

/// The names of the splits in the data: "train", "validation", "test".
std::vector<std::string> names_of(const Split& data);

/// Whether a fit reports this metric on any split.
bool reports(const PlannedFit& fit, const std::string& metric);

/// The metrics that the fits of a plan report, without duplicates.
std::vector<std::string> metrics_of(const Plan& plan);

}  // namespace layerwise
