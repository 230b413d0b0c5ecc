/// Controls B and D: classifiers by depth.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "layerwise/nn/dense.h"
#include "layerwise/nn/dense_classifier.h"
#include "layerwise/pretraining/pretrained_classifier.h"

#include "when_pretraining_helps/control_arm.h"

namespace layerwise::apps {

namespace {

struct DepthArm {
  ControlOptions options;
  LayerwiseTraining layers;

  StageInfo last(int64_t depth) const {
    return {layers.depth() + depth, depth + 1, "", Task::classification};
  }
  /// Without pretraining at least as many steps, and as many multiplications, as with it.
  int64_t epochs(int64_t depth) const {
    const int64_t of_time = 2;  // an autoencoder's step takes as long as two of a classifier
    const auto more = layers.way == Way::none ? std::max(depth, of_time) * options.layer_epochs : 0;
    return options.classifier_epochs + more;
  }

  Plan plan(const Split& data) const {
    auto plan = layers.plan(data);
    for (int64_t depth = 1; depth <= layers.depth(); ++depth) {
      plan.push_back(classification_fit(last(depth), epochs(depth),
                                        3 * static_cast<double>(epochs(depth)) *
                                            forward_work(layers.units, depth, data.train.size()),
                                        names_of(data)));
    }
    return plan;
  }

  Split rows(const Split& images, Rows which) const { return rows_of_assay(images, which); }

  void tune(const Pretrained& pretrained, const Split& images, const Run& run, double learning_rate,
            const Observer& observer) const {
    const auto data = rows(images, run.rows());
    GreedyNet deepest = nullptr;
    for (int64_t depth = 1; depth <= layers.depth(); ++depth) {
      const auto training = layers.tuning(run.of(epochs(depth)), learning_rate);
      const auto& variant = variant_named(layers.way == Way::none ? "none" : "fine-tuned");
      const auto result = train_classifier(variant, layers.classifier(pretrained.net, depth), data,
                                           training, last(depth), pretrained.before, observer);
      if (observer.on_stage) observer.on_stage({last(depth), result.stage, {}});
      deepest = result.net;
    }
    if (observer.on_checkpoint)
      observer.on_checkpoint(last(layers.depth()).stage, *deepest, pretrained.before);
  }
};

ControlArm depth_arm(const std::string& control, const ControlOptions& options, const Start& start,
                     Way way, int64_t depth, const Split& images) {
  DepthArm arm{options, {}};
  arm.layers = {.units = {784},
                .start = start,
                .way = way,
                .epochs = options.layer_epochs,
                .engine = options.engine};
  arm.layers.units.resize(static_cast<size_t>(depth) + 1, 500);
  const auto data = rows_of_assay(images);
  const auto steps = steps_per_epoch(data.train.size(), {.batch_size = arm.layers.batch_size});
  const auto pretraining = way == Way::none ? 0 : depth * options.layer_epochs;
  std::vector<Final> finals;
  for (int64_t d = 1; d <= depth; ++d)
    finals.push_back({arm.last(d), fmt::format("depth {}", d), static_cast<double>(d)});
  auto filled = arm_of(arm, control);
  filled.plan = arm.plan(data);
  filled.rates = LayerwiseTraining::tuning_rates();
  filled.metric = "accuracy";
  filled.count =
      fmt::format("{} steps at depth {}", steps * (pretraining + arm.epochs(depth)), depth);
  filled.finals = finals;
  return filled;
}

}  // namespace

std::vector<ControlArm> depth_arms(const ControlOptions& options, const Split& images) {
  std::vector<ControlArm> arms;
  for (const auto& start : {bad_start(), relu_start()}) {
    for (const auto way : {Way::none, Way::denoising})
      arms.push_back(depth_arm("B", options, start, way, 5, images));
  }
  arms.push_back(depth_arm("B", options, tanh_start(), Way::none, 5, images));
  return arms;
}

std::vector<ControlArm> assay_arms(const ControlOptions& options, const Split& images) {
  std::vector<ControlArm> arms;
  for (const auto way : {Way::none, Way::autoencoders, Way::supervised, Way::rbms})
    arms.push_back(depth_arm("D", options, bad_start(), way, 4, images));
  for (const auto way : {Way::none, Way::autoencoders, Way::supervised})
    arms.push_back(depth_arm("D", options, relu_start(), way, 4, images));
  return arms;
}

}  // namespace layerwise::apps
