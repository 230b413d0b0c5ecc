#pragma once

#include <algorithm>
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
  /// @param arms of any type that has a name
  /// @throws UsageError if a name is none of the arms'
  template <typename AnyArm>
  std::vector<AnyArm> of(std::vector<AnyArm> arms) const {
    if (names.empty()) return arms;
    std::vector<std::string> known;
    for (const auto& one : arms) known.push_back(one.name);
    const auto chosen = chosen_of(known);
    std::erase_if(arms, [&](const AnyArm& one) {
      return std::find(chosen.begin(), chosen.end(), one.name) == chosen.end();
    });
    return arms;
  }

 private:
  std::vector<std::string> chosen_of(const std::vector<std::string>& known) const;
};

}  // namespace layerwise::apps
