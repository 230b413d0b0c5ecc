#include "common/arm_choice.h"

#include <algorithm>

namespace layerwise::apps {

void ArmChoice::add_to(CLI::App& app, const std::string& group, const std::string& known) {
  add_text(app, "--arms", names, fmt::format("Only these ways to train: {}", known),
           "NAME[,NAME...] [all]")
      ->group(group);
}

std::vector<Arm> ArmChoice::of(std::vector<Arm> arms) const {
  if (names.empty()) return arms;
  std::vector<std::string> known;
  for (const auto& one : arms) known.push_back(one.name);
  const auto chosen = cut_at_commas(names);
  for (const auto& name : chosen) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw UsageError(fmt::format("--arms: '{}' is no arm", name),
                       fmt::format("the arms are {}", fmt::join(known, ", ")));
    }
  }
  std::erase_if(arms, [&](const Arm& one) {
    return std::find(chosen.begin(), chosen.end(), one.name) == chosen.end();
  });
  return arms;
}

}  // namespace layerwise::apps
