#pragma once

#include <string>
#include <vector>

#include "layerwise/pretraining/plan.h"

namespace layerwise::study {

/// A value that a document prints: `0.816`, or where it prints several, `0.012 .. 0.025`.
struct Published {
  Published(StageInfo info_, std::string split_, std::string metric_, std::string text_);

  StageInfo info;
  std::string split;
  std::string metric;
  std::string text;
  double low;   ///< what would print as the (lower) value begins here
  double high;  ///< and what would print as the (upper) value ends here
};

/// A published value as it was printed, or nothing.
std::string published_cell(const std::vector<Published>& published, const StageInfo& info,
                           const std::string& split, const std::string& metric);

}  // namespace layerwise::study
