#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "layerwise/data/dataset.h"

namespace layerwise {

/// What is fitted.
enum class Task { classification, reconstruction };
const char* name_of(Task task);

/// Which fit of an algorithm is meant.
struct StageInfo {
  StageInfo() = default;
  StageInfo(int64_t stage_, int64_t layers_, std::string variant_, Task task_, int64_t labels_ = 0);

  int64_t stage = 1;    ///< from 1
  int64_t layers = 2;   ///< hidden blocks and the head; 0 where layers are not what is counted
  std::string variant;  ///< empty, or what else than a stage of the algorithm it is
  Task task = Task::classification;
  int64_t labels = 0;  ///< labelled rows that are trained on; 0 where they are not what differs

  bool operator==(const StageInfo&) const = default;
};

/// A fit that an algorithm is going to make. The `plan_of` beside each algorithm lists its fits.
struct PlannedFit {
  using Scores = std::vector<std::pair<std::string, std::string>>;

  PlannedFit(StageInfo info_, int64_t epochs_, Scores scores_);

  StageInfo info;
  int64_t epochs;
  Scores scores;            ///< (split, metric) of each
  double work;              ///< how long it takes, in a unit of the plan's own: at first its epochs
  int64_t curve_rows = -1;  ///< that it leaves in curves.csv, for whom resumes it; -1: not known
};
using Plan = std::vector<PlannedFit>;

/// Every pair of these.
std::vector<std::pair<std::string, std::string>> scores_of(const std::vector<std::string>& splits,
                                                           const std::vector<std::string>& metrics);

/// The names of the parts that data have: "train", "validation", "test".
std::vector<std::string> names_of(const Split& data);

/// The metrics that the plan's fits report, each once.
std::vector<std::string> metrics_of(const Plan& plan);

}  // namespace layerwise
