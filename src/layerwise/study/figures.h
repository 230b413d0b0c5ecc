#pragma once

#include <string>
#include <vector>

#include "layerwise/report/plot.h"
#include "layerwise/study/published.h"
#include "layerwise/study/results.h"

namespace layerwise::study {

/// How a split is drawn, the same in every figure. Splits differ by color, dash type and marker, so
/// that they can also be told apart in grayscale.
struct Look {
  const char* split;
  const char* color;
  int dash;
  int filled;
  int open;
};

/// Published and measured values of every split against the number of layers.
report::Panel against_layers(const Results& results, const std::vector<Published>& published,
                             const Plan& plan, const std::string& metric, const std::string& label);
/// The learning curves of every stage of one task, one stage after another on one axis.
report::Panel learning_curves(const std::vector<CurvePoint>& curves, const Plan& plan, Task task,
                              const std::string& metric, const std::string& label);

/// What deepening leaves in the codes of a network: `kinds_by_depth`, the dead units, and the
/// effective rank. Without panels if no stage of this variant reports its code.
std::vector<report::Panel> code_diagnosis(const Results& results, const Plan& plan,
                                          const std::string& variant);
/// The shares of the repeats whose code is alive, has one direction, is dead or diverged, stacked,
/// against the number of layers. Without series if no stage of this variant reports its code.
/// @param variant the network; empty for the only one
report::Panel kinds_by_depth(const Results& results, const Plan& plan, const std::string& variant);

}  // namespace layerwise::study
