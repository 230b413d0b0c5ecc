#pragma once

#include <string>
#include <vector>

#include "layerwise/pretraining/plan.h"

namespace layerwise::study {

/// A published value, as it is printed: `0.816`, or a range, `0.012 .. 0.025`.
struct Published {
  Published(StageInfo info_, std::string split_, std::string metric_, std::string text_);

  StageInfo info;
  std::string split;
  std::string metric;
  std::string text;
  double low;   ///< smallest number that is rounded to the (lower) printed value
  double high;  ///< largest number that is rounded to the (upper) printed value
};

/// A published value as it is printed; empty if there is none.
std::string published_cell(const std::vector<Published>& published, const StageInfo& info,
                           const std::string& split, const std::string& metric);

}  // namespace layerwise::study
