/// Control E: autoencoders and denoising autoencoders, and what their codes are worth by depth.
#include <utility>

#include <fmt/format.h>

#include "layerwise/data/generated_images.h"
#include "layerwise/pretraining/pretrained_classifier.h"

#include "when_pretraining_helps/control_arm.h"

namespace layerwise::apps {

namespace {

struct DenoisingArm {
  ControlOptions options;
  LayerwiseTraining layers;
  std::shared_ptr<GeneratedImages> images = {};  ///< instead of those of the study

  /// Of the fit of all layers.
  StageInfo whole() const {
    return {layers.depth() + 1, layers.depth() + 1, "", Task::classification};
  }
  /// Of the head on the standardized codes of the frozen layers 1, ..., depth: the scale of codes
  /// would else decide how far a head gets.
  StageInfo codes(int64_t depth) const {
    return {whole().stage + 1 + depth, depth + 1, "", Task::classification};
  }
  /// The pixels are those of every arm: only the one without pretraining has a head on them.
  int64_t first_depth() const { return layers.way == Way::none ? 0 : 1; }
  /// Without pretraining as many steps of all layers as of each layer and all together.
  int64_t epochs() const {
    const auto pretraining = layers.way == Way::none ? layers.depth() * options.layer_epochs : 0;
    return options.classifier_epochs + pretraining;
  }

  Split rows(const Split& given, Rows which) const {
    return images ? images->rows(given.train.inputs.device(), which) : rows_of_assay(given, which);
  }

  /// Each goes once through the frozen layers; a head costs little beside that.
  static int64_t all_rows(const Split& data) {
    return data.train.size() + data.validation.size() + data.test.size();
  }

  Plan plan(const Split& data) const {
    auto plan = layers.plan(data);
    const auto rows = data.train.size();
    plan.push_back(classification_fit(
        whole(), epochs(),
        3 * static_cast<double>(epochs()) * forward_work(layers.units, layers.depth(), rows),
        names_of(data)));
    for (auto depth = first_depth(); depth <= layers.depth(); ++depth) {
      plan.push_back(classification_fit(codes(depth), options.classifier_epochs,
                                        forward_work(layers.units, depth, all_rows(data)),
                                        names_of(data)));
    }
    return plan;
  }

  void tune(const Pretrained& pretrained, const Split& given, const Run& run, double learning_rate,
            const Observer& observer) const {
    const auto data = rows(given, run.rows());
    const bool learned = layers.way != Way::none;
    const auto report = [&](const std::string& variant, int64_t depth, const StageInfo& info,
                            const ClassifierTraining& training) {
      const auto result =
          train_classifier(variant_named(variant), layers.classifier(pretrained.net, depth), data,
                           training, info, pretrained.before, observer);
      if (observer.on_stage) observer.on_stage({info, result.stage, {}});
      return result.net;
    };
    const auto classifier = report(learned ? "fine-tuned" : "none", layers.depth(), whole(),
                                   layers.tuning(run.of(epochs()), learning_rate));
    if (run.trial) return;
    constexpr double rate_of_head = 0.001;
    auto head = layers.tuning(run.of(options.classifier_epochs), rate_of_head);
    head.fit.optimizer = Adam{.learning_rate = rate_of_head};
    if (!learned) report("pixels", layers.depth(), codes(0), head);
    for (int64_t depth = 1; depth <= layers.depth(); ++depth)
      report(learned ? "standardized" : "random-standardized", depth, codes(depth), head);
    if (observer.on_checkpoint)
      observer.on_checkpoint(codes(layers.depth()).stage, *classifier, pretrained.before);
  }

  std::vector<Final> finals() const {
    std::vector<Final> all{{whole(), "all layers"}};
    const auto add = [&](int64_t depth, const std::string& where) {
      all.push_back({codes(depth), where, static_cast<double>(depth), "random layers", false});
    };
    for (int64_t depth = 1; depth <= layers.depth(); ++depth)
      add(depth, fmt::format("codes of depth {}", depth));
    if (first_depth() == 0) add(0, "pixels");
    return all;
  }
};

/// @param data of the sizes that the arm trains on
ControlArm control_arm(const DenoisingArm& arm, const std::string& task, const Split& data) {
  const auto& layers = arm.layers;
  const auto steps = steps_per_epoch(data.train.size(), {.batch_size = layers.batch_size});
  const auto pretraining = layers.way == Way::none ? 0 : layers.depth() * layers.epochs;
  auto filled = arm_of(arm, "E", task);
  filled.plan = arm.plan(data);
  filled.rates = LayerwiseTraining::tuning_rates();
  filled.metric = "accuracy";
  filled.count = fmt::format("{} steps", steps * (pretraining + arm.epochs()));
  filled.finals = arm.finals();
  return filled;
}

}  // namespace

std::vector<ControlArm> denoising_arms(const ControlOptions& options, const Split& images) {
  std::vector<ControlArm> arms;
  const std::vector<std::pair<std::string, MakeImages>> tasks{
      {"digits", nullptr}, {"rectangles", make_rectangles}, {"convex", make_convex}};
  const auto like = rows_of_assay(images);
  for (const auto& [task, make] : tasks) {
    const auto made =
        make == nullptr ? nullptr : std::make_shared<GeneratedImages>(make, sizes_of(like));
    for (const auto way : {Way::none, Way::autoencoders, Way::denoising}) {
      DenoisingArm arm{options, {}, made};
      arm.layers = {.units = {784, 500, 500, 500},
                    .start = bad_start(),
                    .way = way,
                    .epochs = options.layer_epochs,
                    .masking = 0.1,
                    .classes = made ? 2 : 10,
                    .engine = options.engine};
      arms.push_back(control_arm(arm, task, like));
    }
  }
  return arms;
}

}  // namespace layerwise::apps
