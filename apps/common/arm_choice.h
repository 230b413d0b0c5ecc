#pragma once

#include <string>
#include <vector>

#include "layerwise/study/arms.h"

#include "common/options.h"

namespace layerwise::apps {

/// Which arms of a study to run, as an option: `--arms NAME[,NAME...]`.
struct ArmChoice {
  std::string names;  ///< empty: all

  /// @param known the arms in --help
  void add_to(CLI::App& app, const std::string& group, const std::string& known);
  /// @throws UsageError if a name is none of the arms'
  std::vector<Arm> of(std::vector<Arm> arms) const;
};

}  // namespace layerwise::apps
