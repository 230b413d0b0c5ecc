#pragma once

#include <string>
#include <vector>

#include "layerwise/report/plot.h"
#include "layerwise/study/published.h"
#include "layerwise/study/results.h"

namespace layerwise::study {

/// A split looks the same in every figure: by colour, by dash and by marker, so that grey print
/// still tells them apart.
struct Look {
  const char* split;
  const char* color;
  int dash;
  int filled;
  int open;
};

/// Published and measured values of both splits against layers.
report::Panel against_layers(const Results& results, const std::vector<Published>& published,
                             const Plan& plan, const std::string& metric, const std::string& label);
/// The learning curves of every stage of one task, stage after stage on one axis.
report::Panel learning_curves(const std::vector<CurvePoint>& curves, const Plan& plan, Task task,
                              const std::string& metric, const std::string& label);

}  // namespace layerwise::study
