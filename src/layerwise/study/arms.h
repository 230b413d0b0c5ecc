#pragma once

#include <functional>
#include <string>
#include <vector>

#include "layerwise/report/figure.h"
#include "layerwise/study/results.h"
#include "layerwise/study/study.h"

namespace layerwise::study {

/// One way to train a network; a study compares several, each a variant of its plan.
struct Arm {
  std::string name;         ///< of its variant in the study
  std::string description;  ///< in a few words
  Plan plan;                ///< its fits, not yet named after the arm
  /// Runs its fits; the repeat is `of_variant(name)`.
  std::function<void(Repeat&, const Split&)> run;
};

/// The fits of all arms, each named after its arm.
Plan plan_of(const std::vector<Arm>& arms);

/// Runs every arm in a repeat, all from the same random streams.
void run(const std::vector<Arm>& arms, const Repeat& repeat, const Split& data);

/// An arm's mean score by its number of layers, from two on, with the 95% interval of the mean as a
/// band.
/// @param extra the kind of an extra fit; empty for the stages
report::Series mean_by_depth(const Results& results, const Arm& arm, const std::string& extra,
                             const std::string& split, const std::string& metric,
                             const report::Style& style);

}  // namespace layerwise::study
