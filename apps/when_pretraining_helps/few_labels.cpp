/// Control C: few labels.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "layerwise/data/subset.h"
#include "layerwise/nn/dense_classifier.h"
#include "layerwise/pretraining/pretrained_classifier.h"
#include "layerwise/pretraining/principal_components.h"

#include "when_pretraining_helps/control_arm.h"

namespace layerwise::apps {

namespace {

struct LabelsArm {
  ControlOptions options;
  LayerwiseTraining layers;
  std::string variant;  ///< of `classifier_variants`

  StageInfo last(size_t budget) const {
    return {layers.depth() + 1 + static_cast<int64_t>(budget), 0, "", Task::classification,
            options.labels[budget]};
  }

  Plan plan(const Split& data) const {
    auto plan = layers.plan(data);
    const bool head_alone = variant_named(variant).trained == Trained::head;
    for (size_t i = 0; i < options.labels.size(); ++i) {
      // Frozen codes are computed once, of the rows that are evaluated too.
      const auto work = head_alone
                            ? forward_work(layers.units, layers.depth(), data.test.size())
                            : 3 * forward_work(layers.units, layers.depth(), 50 * options.steps);
      plan.push_back(classification_fit(last(i), 1, work, {"train", "validation", "test"}));
    }
    return plan;
  }

  ClassifierParts parts(const StackedAutoencoder& net, const Split& data) const {
    auto parts = layers.classifier(net, layers.depth());
    if (variant != "pca") return parts;
    constexpr int64_t components = 50;
    parts.components = principal_components(data.train.inputs, components);
    parts.network = [head = parts.head](RandomState& draw) {
      return GreedyNet(std::vector<Block>{}, head(components, draw));
    };
    return parts;
  }

  Split rows(const Split& images, Rows which) const { return rows_of_all(options, images, which); }

  void tune(const Pretrained& pretrained, const Split& images, const Run& run, double learning_rate,
            const Observer& observer) const {
    const auto data = rows(images, run.rows());
    auto start = pretrained.before;
    const StratifiedSubsets labeled(data.train.targets, start.subsets);
    const StratifiedSubsets validated(data.validation.targets, start.subsets);
    const auto with = parts(pretrained.net, data);
    GreedyNet classifier = nullptr;
    for (size_t i = 0; i < options.labels.size(); ++i) {
      const auto labels = options.labels[i];
      ClassifierTraining training;
      training.fit = {.batch_size = std::min<int64_t>(50, labels),
                      .optimizer = Adam{.learning_rate = learning_rate},
                      .sampling = Sampling::independent,
                      .steps = run.of(options.steps),
                      .hook_every = 100,
                      .engine = options.engine};
      training.fit.early_stopping = stopping_by_accuracy(options.steps);  // never before the end
      const Split part{
          rows_of(data.train, labeled.rows(labels)), data.test,
          rows_of(data.validation, validated.rows(std::min(labels, data.validation.size())))};
      const auto result =
          train_classifier(variant_named(variant), with, part, training, last(i), start, observer);
      if (observer.on_stage) observer.on_stage({last(i), result.stage, {}});
      classifier = result.net;
    }
    if (observer.on_checkpoint)
      observer.on_checkpoint(last(options.labels.size() - 1).stage, *classifier, start);
  }
};

/// @param inputs of the head, where it alone is trained
ControlArm labels_arm(const ControlOptions& options, const Start& start, Way way,
                      const std::string& variant, const Split& images,
                      const std::string& inputs = {}) {
  LabelsArm arm{options, {}, variant};
  arm.layers = {.units = {784, 1000, 1000},
                .start = start,
                .way = way,
                .epochs = options.wide_epochs,
                .engine = options.engine};
  const auto data = rows_of_all(options, images);
  const auto steps = steps_per_epoch(data.train.size(), {.batch_size = arm.layers.batch_size});
  const auto pretraining = way == Way::none ? 0 : steps * arm.layers.depth() * options.wide_epochs;
  std::vector<Final> finals;
  for (size_t i = 0; i < options.labels.size(); ++i) {
    finals.push_back({arm.last(i), fmt::format("{} labels", options.labels[i]),
                      static_cast<double>(options.labels[i])});
  }
  auto filled = arm_of(arm, "C");
  if (!inputs.empty()) {
    filled.name = "C_" + variant;
    filled.what = "control: softmax regression on " + inputs;
    filled.features = inputs;
  }
  filled.plan = arm.plan(data);
  filled.rates = {0.003, 0.001, 0.0003};
  filled.metric = "accuracy";
  filled.count = fmt::format("{} unlabeled and {} labeled steps", pretraining, options.steps);
  filled.finals = finals;
  return filled;
}

}  // namespace

std::vector<ControlArm> labels_arms(const ControlOptions& options, const Split& images) {
  std::vector<ControlArm> arms;
  for (const auto& start : {bad_start(), relu_start()}) {
    arms.push_back(labels_arm(options, start, Way::none, "none", images));
    arms.push_back(labels_arm(options, start, Way::denoising, "fine-tuned", images));
  }
  for (const auto& [variant, inputs] :
       {std::pair("pixels", "the pixels"), std::pair("pca", "50 principal components"),
        std::pair("random-frozen", "1,000 random features")})
    arms.push_back(labels_arm(options, relu_start(), Way::none, variant, images, inputs));
  return arms;
}

}  // namespace layerwise::apps
