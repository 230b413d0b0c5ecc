#include "when_pretraining_helps/controls.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

namespace layerwise::apps {

const std::vector<Control>& all_controls() {
  static const std::vector<Control> all{{"A", "Deep autoencoders", autoencoder_arms},
                                        {"B", "Classifiers by depth", depth_arms},
                                        {"C", "Few labels", labels_arms},
                                        {"D", "Larochelle's depth assay", assay_arms},
                                        {"E", "Denoising", denoising_arms}};
  return all;
}

std::vector<ControlArm> control_arms(const ControlOptions& options, const Split& images) {
  std::vector<ControlArm> all;
  for (const auto& control : all_controls()) {
    if (!options.has(control.name)) continue;
    const auto arms = control.arms(options, images);
    all.insert(all.end(), arms.begin(), arms.end());
  }
  return all;
}

const ControlArm* sibling(const std::vector<ControlArm>& arms, const ControlArm& arm, Way way) {
  const auto name = arm_name(arm.control, arm.task, arm.start, way);
  const auto found = std::find_if(arms.begin(), arms.end(),
                                  [&](const ControlArm& other) { return other.name == name; });
  return found == arms.end() ? nullptr : &*found;
}

const ControlArm* without_pretraining(const std::vector<ControlArm>& arms, const ControlArm& arm) {
  return arm.way == Way::none ? nullptr : sibling(arms, arm, Way::none);
}

std::vector<Claim> control_claims(const std::vector<ControlArm>& arms, double margin) {
  constexpr double margin_of_digits = 5e-4;  // .4 squared error an image
  constexpr double margin_of_curves = 1e-4;
  std::vector<Claim> claims;
  for (const auto& arm : arms) {
    const bool accuracy = arm.metric == "accuracy";
    const auto subject = fmt::format("{}: {}{}{}", arm.control, arm.task,
                                     arm.task.empty() ? "" : ", ", arm.start.what);
    const auto add = [&](const ControlArm& other, size_t i, const std::string& against,
                         const std::string& reference, const std::string& suffix) {
      const auto& where = arm.finals[i].where;
      claims.push_back({fmt::format("{}{}{}: {} against {}{}", subject, where.empty() ? "" : ", ",
                                    where, in_words(arm.way), against, suffix),
                        arm.score(i, "test", arm.metric), other.score(i, "test", reference),
                        accuracy           ? margin
                        : arm.task.empty() ? margin_of_digits
                                           : margin_of_curves,
                        accuracy,
                        arm.control + (arm.finals[i].chooses_rate ? "" : ", codes") + suffix});
    };
    if (const auto* without = without_pretraining(arms, arm)) {
      for (size_t i = 0; i < arm.finals.size(); ++i) {
        add(*without, i, arm.finals[i].baseline, arm.metric, accuracy ? "" : ", equal steps");
        if (!accuracy) add(*without, i, arm.finals[i].baseline, equal_time, ", equal time");
      }
    }
    if (arm.control == "C" && arm.way == Way::denoising) {
      for (const auto& other : arms) {
        if (other.features.empty()) continue;
        for (size_t i = 0; i < arm.finals.size(); ++i)
          add(other, i, "softmax regression on " + other.features, arm.metric, ", softmax");
      }
    }
    const auto* plain = sibling(arms, arm, Way::autoencoders);
    if (arm.control == "E" && arm.way == Way::denoising && plain != nullptr)
      add(*plain, 0, in_words(plain->way), arm.metric, "");
  }
  return claims;
}

std::string published_accuracy(const ControlArm& arm, size_t final) {
  using ByPlace = std::map<std::string, const char*>;  // by `Final::where`
  static const std::map<std::string, ByPlace> printed{
      {"D__none",
       {{"depth 1", "0.9586"},
        {"depth 2", "0.9597"},
        {"depth 3", "0.9576"},
        {"depth 4", "0.9553"}}},
      {"D__autoencoders",
       {{"depth 1", "0.9613"},
        {"depth 2", "0.9662"},
        {"depth 3", "0.9663"},
        {"depth 4", "0.9661"}}},
      {"D__rbms", {{"depth 3", "0.9729"}}},
      {"E_digits_none", {{"pixels", "0.9268"}}},
      {"E_digits_autoencoders", {{"all layers", "0.9654"}}},
      {"E_digits_denoising",
       {{"all layers", "0.9716"},
        {"codes of depth 1", "0.9657"},
        {"codes of depth 2", "0.9729"},
        {"codes of depth 3", "0.9737"}}},
      {"E_rectangles_none", {{"pixels", "0.7096"}}},
      {"E_rectangles_autoencoders", {{"all layers", "0.9759"}}},
      {"E_rectangles_denoising",
       {{"all layers", "0.9801"},
        {"codes of depth 1", "0.9357"},
        {"codes of depth 2", "0.9769"},
        {"codes of depth 3", "0.9820"}}},
      {"E_convex_none", {{"pixels", "0.5425"}}},
      {"E_convex_autoencoders", {{"all layers", "0.8159"}}},
      {"E_convex_denoising",
       {{"all layers", "0.8094"},
        {"codes of depth 1", "0.7590"},
        {"codes of depth 2", "0.8160"},
        {"codes of depth 3", "0.8194"}}}};
  const auto of_arm =
      printed.find(fmt::format("{}_{}_{}", arm.control, arm.task, name_of(arm.way)));
  const bool sigmoid = arm.start.activation == Activation::sigmoid;  // as all of these
  if (of_arm == printed.end() || !sigmoid) return "";
  const auto found = of_arm->second.find(arm.finals[final].where);
  return found == of_arm->second.end() ? "" : found->second;
}

std::vector<study::Published> comparable_accuracies(const std::vector<ControlArm>& arms) {
  std::vector<study::Published> all;
  for (const auto& arm : arms) {
    const bool same_images = arm.control == "D" || arm.task == "digits";
    for (size_t i = 0; i < arm.finals.size(); ++i) {
      const auto printed = published_accuracy(arm, i);
      if (printed.empty() || !same_images || !arm.finals[i].chooses_rate) continue;
      const auto score = arm.score(i, "test", "accuracy");
      all.emplace_back(score.info, score.split, score.metric, printed);
    }
  }
  return all;
}

}  // namespace layerwise::apps
