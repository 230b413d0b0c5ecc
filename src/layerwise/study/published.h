#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "layerwise/pretraining/plan.h"
#include "layerwise/report/table.h"
#include "layerwise/study/results.h"
#include "layerwise/study/statistics.h"

namespace layerwise::study {

/// A published value, as it is printed: `0.816`, or a range, `0.012 .. 0.025`.
struct Published {
  Published(StageInfo info_, std::string split_, std::string metric_, std::string text_);

  StageInfo info;
  std::string split;
  std::string metric;
  std::string text;
  /// The kind of code that the published run had, if that is known: it is compared with the repeats
  /// of this kind alone.
  std::optional<Kind> kind = {};
  double low;   ///< smallest number that is rounded to the (lower) printed value
  double high;  ///< largest number that is rounded to the (upper) printed value
};

/// A published value as it is printed; empty if there is none.
std::string published_cell(const std::vector<Published>& published, const StageInfo& info,
                           const std::string& split, const std::string& metric);

/// Published values, and the settings that they belong to.
struct Comparison {
  std::vector<Published> values = {};
  std::string settings = {};  ///< the name of these settings, e.g. "the tutorial's settings"
  std::vector<std::string> changed = {};  ///< how the settings of this run differ from them
  /// For a metric, the values that a perfect model and a constant output have, in either order. A
  /// range of repeats that covers nearly all between them excludes nothing.
  std::map<std::string, std::pair<double, double>> bounds = {};
};

/// A published value among the repeats of its kind.
struct PlacedValue {
  Published value;
  Proportion of_kind;  ///< how many of all repeats are of this kind, or have a finite value
  double median = 0;   ///< of the repeats of this kind, as all that follows; NaN if there are none
  double low = 0;      ///< 2.5% quantile
  double high = 0;     ///< 97.5% quantile
  double percentile = 0;          ///< from 0 to 100; values that print the same count half
  bool inside = false;            ///< whether what prints like it overlaps [low, high]
  bool few = false;               ///< whether fewer than 20 repeats are of this kind
  bool excludes_nothing = false;  ///< whether [low, high] covers 90% of the bounds of the metric
};

/// Places each published value whose fit was planned.
std::vector<PlacedValue> place(const Comparison& comparison, const Results& results);

/// A row per published value: published, the run's median and range, percentile, and what follows.
report::Table published_table(const std::vector<PlacedValue>& values);

/// What follows from all of them, in sentences that claim no more than that. For several repeats.
std::string agreement(const std::vector<PlacedValue>& values, size_t repeats);

}  // namespace layerwise::study
