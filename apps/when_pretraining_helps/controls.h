#pragma once

#include <string>
#include <vector>

#include "layerwise/study/claims.h"
#include "layerwise/study/published.h"

#include "when_pretraining_helps/control_arm.h"

namespace layerwise::apps {

/// A control: its letter, and what it trains.
struct Control {
  std::string name;
  std::string title;
  std::vector<ControlArm> (*arms)(const ControlOptions& options, const Split& images);
};
/// A deep autoencoders, B sigmoid classifiers by depth, C few labels, D Larochelle's depth assay,
/// E denoising.
const std::vector<Control>& all_controls();
/// Those that run by default.
constexpr auto default_controls = "A,B,C,D";

/// All arms of the chosen controls.
/// @param images MNIST's training and test rows, or others
std::vector<ControlArm> control_arms(const ControlOptions& options, const Split& images);

/// The arm with the same task and start, trained in this way; null if there is none.
const ControlArm* sibling(const std::vector<ControlArm>& arms, const ControlArm& arm, Way way);
/// The arm that `arm` is judged against, with the same start and no pretraining; null if there is
/// none, or `arm` has none.
const ControlArm* without_pretraining(const std::vector<ControlArm>& arms, const ControlArm& arm);

/// Pretrained against not, with the same start; of E also denoising against plain autoencoders.
/// @param margin of accuracies
std::vector<Claim> control_claims(const std::vector<ControlArm>& arms, double margin);

/// What papers print for a last fit of an arm of D or E, as an accuracy; empty if nothing. Codes
/// have a linear SVM there.
std::string published_accuracy(const ControlArm& arm, size_t final);
/// Those of them that belong to the same images and the same kind of network as here.
std::vector<study::Published> comparable_accuracies(const std::vector<ControlArm>& arms);

}  // namespace layerwise::apps
