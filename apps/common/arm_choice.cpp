#include "common/arm_choice.h"

#include <algorithm>

namespace layerwise::apps {

void ArmChoice::add_to(CLI::App& app, const std::string& group, const std::string& known) {
  add_text(app, "--arms", names, fmt::format("Only these ways to train: {}", known),
           "NAME[,NAME...] [all]")
      ->group(group);
}

std::vector<std::string> ArmChoice::chosen_of(const std::vector<std::string>& known) const {
  auto chosen = cut_at_commas(names);
  for (const auto& name : chosen) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw UsageError(fmt::format("--arms: '{}' is no arm", name),
                       fmt::format("the arms are {}", fmt::join(known, ", ")));
    }
  }
  return chosen;
}

}  // namespace layerwise::apps
