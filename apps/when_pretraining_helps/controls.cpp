#include "when_pretraining_helps/controls.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <torch/utils.h>

#include "layerwise/data/subset.h"
#include "layerwise/nn/dense.h"
#include "layerwise/nn/dense_classifier.h"
#include "layerwise/pretraining/pretrained_classifier.h"
#include "layerwise/pretraining/principal_components.h"

namespace layerwise::apps {

namespace {

constexpr int64_t digits_in_all = 10;

int64_t scaled(int64_t count, double share) {
  return std::max<int64_t>(1, std::llround(static_cast<double>(count) * share));
}

Dataset slice(const Dataset& data, int64_t begin, int64_t end) {
  return {data.inputs.slice(0, begin, end), data.targets.slice(0, begin, end)};
}

std::string arm_name(const std::string& control, const Start& start, Way way) {
  return fmt::format("{}_{}_{}", control, start.name, name_of(way));
}

std::string what(const Start& start, Way way) {
  const auto from = fmt::format("{} units", start.name == "sparse" ? "sigmoid" : start.name);
  if (way == Way::none)
    return from +
           (start.name == "sparse" ? ", sparse first weights, Nesterov" : ", not pretrained");
  return fmt::format("{}, pretrained: {}", from, name_of(way));
}

PlannedFit classification_fit(const StageInfo& info, int64_t epochs, double work,
                              const std::vector<std::string>& splits) {
  PlannedFit fit{info, epochs, scores_of(splits, {"accuracy", "cross_entropy"})};
  fit.work = work;
  return fit;
}

/// Multiplications of one epoch of a network's forward pass.
double forward_work(const std::vector<int64_t>& units, int64_t depth, int64_t rows) {
  double work = 0;
  for (size_t i = 1; i <= static_cast<size_t>(depth); ++i)
    work += static_cast<double>(units[i - 1] * units[i] * rows);
  return work;
}

std::vector<StageInfo> finals_of(int64_t count, const std::function<StageInfo(int64_t)>& last) {
  std::vector<StageInfo> infos;
  for (int64_t i = 1; i <= count; ++i) infos.push_back(last(i));
  return infos;
}

const ClassifierVariant& variant_named(const std::string& name) {
  const auto& all = classifier_variants();
  return *std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
}

// A. Deep autoencoders.

struct AutoencoderArm {
  ControlOptions options;
  LayerwiseTraining layers;
  bool nesterov = false;

  StageInfo last() const { return {layers.depth() + 1, 0, "", Task::reconstruction}; }
  /// As many steps as all stages of a pretrained arm.
  int64_t epochs() const {
    const auto pretraining = layers.depth() * options.autoencoder_epochs;
    return options.tuning_epochs + (layers.way == Way::none ? pretraining : 0);
  }
  /// After so many, the arm has done as many multiplications as a pretrained one.
  int64_t epochs_of_equal_time() const {
    return options.tuning_epochs + options.autoencoder_epochs;
  }

  Plan plan(const Split& data) const {
    auto plan = layers.plan(data);
    PlannedFit fit{last(), epochs(), scores_of(names_of(data), {"mse", "bce", "rounded_accuracy"})};
    if (layers.way == Way::none) fit.scores.emplace_back("test", equal_time);
    fit.work = 6 * static_cast<double>(fit.epochs) *
               forward_work(layers.units, layers.depth(), data.train.size());
    plan.push_back(fit);
    return plan;
  }

  void train(const Split& images, const Run& run, Random& random, const Observer& observer) const {
    const auto data = rows_of_control("A", options, images);
    auto shorter = layers;
    shorter.epochs = scaled(layers.epochs, run.share);
    auto net = shorter.run(data, random, observer);
    if (net.is_empty()) return;
    FitOptions fit{.epochs = scaled(epochs(), run.share),
                   .batch_size = layers.batch_size,
                   .engine = options.engine};
    if (nesterov) {
      fit.optimizer = Sgd{run.learning_rate, 0.99, true};
    } else {
      fit.optimizer = Adam{.learning_rate = run.learning_rate};
    }
    const Problem problem{binary_reconstruction(),
                          Target::features,
                          {},
                          random.noise,
                          static_cast<uint32_t>(last().stage)};
    std::vector<Hook> hooks;
    if (observer.on_progress)
      hooks.emplace_back([&](const FitView& view) { return observer.on_progress(last(), view); });
    std::optional<double> at_equal_time;
    if (layers.way == Way::none) {
      hooks.emplace_back([&](const FitView& view) {
        if (view.epoch == scaled(epochs_of_equal_time(), run.share))
          at_equal_time = value_of(view.engine.evaluate("test"), "test", "mse");
        return Next::go_on;
      });
    }
    StageReport report{last(), fit_stage(net->whole(), problem, data, fit, random, hooks), {}};
    if (at_equal_time) report.result.scores.push_back({"test", equal_time, *at_equal_time});
    if (observer.on_stage) observer.on_stage(report);
    if (observer.on_checkpoint && !report.result.diverged())
      observer.on_checkpoint(last().stage, *net, random);
  }
};

ControlArm autoencoder_arm(const ControlOptions& options, const Start& start, Way way,
                           const Split& images) {
  AutoencoderArm arm{options, {}, start.name == "sparse"};
  arm.layers = {.units = {784, 1000, 500, 250, 30},
                .start = start,
                .way = way,
                .epochs = options.autoencoder_epochs,
                .linear_code = true,
                .engine = options.engine};
  const auto data = rows_of_control("A", options, images);
  const auto steps = steps_per_epoch(data.train.size(), {.batch_size = arm.layers.batch_size});
  const auto stages = way == Way::none ? 0 : arm.layers.depth();
  return {.name = arm_name("A", start, way),
          .control = "A",
          .start = start,
          .way = way,
          .what = what(start, way),
          .plan = arm.plan(data),
          .rates = arm.nesterov ? std::vector{10.0, 3.0, 1.0} : std::vector{0.003, 0.001, 0.0003},
          .metric = "mse",
          .count =
              fmt::format("{} steps", steps * (stages * options.autoencoder_epochs + arm.epochs())),
          .finals = {arm.last()},
          .train = [arm](const Split& split, const Run& run, Random& random,
                         const Observer& observer) { arm.train(split, run, random, observer); }};
}

std::vector<ControlArm> autoencoder_arms(const ControlOptions& options, const Split& images) {
  std::vector<ControlArm> arms;
  for (const auto way : {Way::none, Way::autoencoders, Way::denoising, Way::rbms})
    arms.push_back(autoencoder_arm(options, bad_start(), way, images));
  for (const auto way : {Way::none, Way::autoencoders, Way::denoising})
    arms.push_back(autoencoder_arm(options, elu_start(), way, images));
  arms.push_back(autoencoder_arm(options, tanh_start(), Way::none, images));
  arms.push_back(autoencoder_arm(options, sparse_start(), Way::none, images));
  return arms;
}

// B and D. Classifiers by depth.

struct DepthArm {
  std::string control;
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

  void train(const Split& images, const Run& run, Random& random, const Observer& observer) const {
    const auto data = rows_of_control(control, options, images);
    const auto start = random;
    auto shorter = layers;
    shorter.epochs = scaled(layers.epochs, run.share);
    auto net = shorter.run(data, random, observer);
    if (net.is_empty()) return;
    for (int64_t depth = 1; depth <= layers.depth(); ++depth) {
      auto of_depth = start;  // every arm's network of a depth starts alike
      ClassifierTraining training;
      training.fit = {.epochs = scaled(epochs(depth), run.share),
                      .batch_size = layers.batch_size,
                      .optimizer = Sgd{run.learning_rate, 0.9},
                      .engine = options.engine};
      training.fit.early_stopping = stopping_by_accuracy(training.fit.epochs);
      report(depth, *net, data, training, of_depth, observer);
    }
    if (observer.on_checkpoint) observer.on_checkpoint(last(layers.depth()).stage, *net, start);
  }

  void report(int64_t depth, StackedAutoencoderImpl& pretrained, const Split& data,
              const ClassifierTraining& training, const Random& random,
              const Observer& observer) const {
    const std::vector<Block> all(pretrained.encoder->begin(), pretrained.encoder->end());
    ClassifierParts parts;
    parts.network = [&](RandomState& draw) {
      std::vector<Block> blocks;
      for (int64_t k = 1; k <= depth; ++k) {
        const auto i = static_cast<size_t>(k);
        blocks.emplace_back(
            make_dense({layers.units[i - 1], layers.units[i], layers.start.activation},
                       layers.start.initializer, draw));
      }
      return GreedyNet(blocks,
                       output(layers.units[static_cast<size_t>(depth)], digits_in_all, draw));
    };
    parts.pretrained = numbered({all.begin(), all.begin() + depth});
    const auto& variant = variant_named(layers.way == Way::none ? "none" : "fine-tuned");
    const auto result =
        train_classifier(variant, parts, data, training, last(depth), random, observer);
    if (observer.on_stage) observer.on_stage({last(depth), result.stage, {}});
  }

  static torch::nn::Sequential numbered(const std::vector<Block>& blocks) {
    torch::nn::Sequential chain;
    for (const auto& block : blocks)
      chain->push_back(fmt::format("block{}", chain->size() + 1), block);
    return chain;
  }
};

ControlArm depth_arm(const std::string& control, const ControlOptions& options, const Start& start,
                     Way way, int64_t depth, const Split& images) {
  DepthArm arm{control, options, {}};
  arm.layers = {.units = {784},
                .start = start,
                .way = way,
                .epochs = options.layer_epochs,
                .engine = options.engine};
  arm.layers.units.resize(static_cast<size_t>(depth) + 1, 500);
  const auto data = rows_of_control(control, options, images);
  const auto steps = steps_per_epoch(data.train.size(), {.batch_size = arm.layers.batch_size});
  const auto pretraining = way == Way::none ? 0 : depth * options.layer_epochs;
  return {.name = arm_name(control, start, way),
          .control = control,
          .start = start,
          .way = way,
          .what = what(start, way),
          .plan = arm.plan(data),
          .rates = {0.1, 0.03, 0.01},
          .metric = "accuracy",
          .count =
              fmt::format("{} steps at depth {}", steps * (pretraining + arm.epochs(depth)), depth),
          .finals = finals_of(depth, [&](int64_t d) { return arm.last(d); }),
          .train = [arm](const Split& split, const Run& run, Random& random,
                         const Observer& observer) { arm.train(split, run, random, observer); }};
}

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
  return arms;
}

// C. Few labels.

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
    for (size_t i = 0; i < options.labels.size(); ++i) {
      plan.push_back(classification_fit(
          last(i), 1, 3 * forward_work(layers.units, layers.depth(), 50 * options.steps),
          {"train", "validation", "test"}));
    }
    return plan;
  }

  void train(const Split& images, const Run& run, Random& random, const Observer& observer) const {
    const auto data = rows_of_control("C", options, images);
    const StratifiedSubsets labeled(data.train.targets, random.subsets);
    const StratifiedSubsets validated(data.validation.targets, random.subsets);
    const auto start = random;
    auto shorter = layers;
    shorter.epochs = scaled(layers.epochs, run.share);
    StackedAutoencoder net{nullptr};
    if (layers.way != Way::none) {
      net = shorter.run(data, random, observer);
      if (net.is_empty()) return;
    }
    ClassifierParts parts;
    parts.network = [&](RandomState& draw) {
      return DenseClassifierOptions{layers.units, digits_in_all, layers.start.activation,
                                    layers.start.initializer}
          .make(draw);
    };
    parts.head = [](int64_t inputs, RandomState& draw) {
      return output(inputs, digits_in_all, draw);
    };
    if (!net.is_empty()) parts.pretrained = net->encoder;
    if (variant == "pca") {
      constexpr int64_t components = 50;
      parts.components = principal_components(data.train.inputs, components);
      parts.network = [](RandomState& draw) {
        return GreedyNet(std::vector<Block>{}, output(components, digits_in_all, draw));
      };
    }
    for (size_t i = 0; i < options.labels.size(); ++i) {
      const auto labels = options.labels[i];
      ClassifierTraining training;
      training.fit = {.batch_size = std::min<int64_t>(50, labels),
                      .optimizer = Adam{.learning_rate = run.learning_rate},
                      .sampling = Sampling::independent,
                      .steps = scaled(options.steps, run.share),
                      .hook_every = 100,
                      .engine = options.engine};
      training.fit.early_stopping = stopping_by_accuracy(options.steps);
      const Split part{
          rows_of(data.train, labeled.rows(labels)), data.test,
          rows_of(data.validation, validated.rows(std::min(labels, data.validation.size())))};
      const auto result =
          train_classifier(variant_named(variant), parts, part, training, last(i), start, observer);
      if (observer.on_stage) observer.on_stage({last(i), result.stage, {}});
    }
    torch::nn::Module nothing("nothing");
    if (observer.on_checkpoint) {
      const torch::nn::Module& kept = net.is_empty() ? nothing : *net;
      observer.on_checkpoint(last(options.labels.size() - 1).stage, kept, start);
    }
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
  const auto data = rows_of_control("C", options, images);
  const auto steps = steps_per_epoch(data.train.size(), {.batch_size = arm.layers.batch_size});
  const auto pretraining = way == Way::none ? 0 : steps * arm.layers.depth() * options.wide_epochs;
  const bool control = !inputs.empty();
  return {.name = control ? "C_" + variant : arm_name("C", start, way),
          .control = "C",
          .start = start,
          .way = way,
          .what = control ? "control: softmax regression on " + inputs : what(start, way),
          .plan = arm.plan(data),
          .rates = {0.003, 0.001, 0.0003},
          .metric = "accuracy",
          .count = fmt::format("{} unlabeled and {} labeled steps", pretraining, options.steps),
          .finals = finals_of(static_cast<int64_t>(options.labels.size()),
                              [&](int64_t i) { return arm.last(static_cast<size_t>(i - 1)); }),
          .train = [arm](const Split& split, const Run& run, Random& random,
                         const Observer& observer) { arm.train(split, run, random, observer); }};
}

std::vector<ControlArm> labels_arms(const ControlOptions& options, const Split& images) {
  std::vector<ControlArm> arms;
  for (const auto& start : {bad_start(), relu_start()}) {
    arms.push_back(labels_arm(options, start, Way::none, "none", images));
    arms.push_back(labels_arm(options, start, Way::denoising, "fine-tuned", images));
  }
  for (const auto& [variant, inputs] :
       {std::pair("pixels", "the pixels"), std::pair("pca", "50 principal components"),
        std::pair("random-frozen", "1,000 random features of two layers")})
    arms.push_back(labels_arm(options, relu_start(), Way::none, variant, images, inputs));
  return arms;
}

}  // namespace

bool ControlOptions::has(const std::string& control) const {
  return std::find(controls.begin(), controls.end(), control) != controls.end();
}

study::ScoreOf ControlArm::score(size_t final, const std::string& split,
                                 const std::string& name_of_score) const {
  return {of_variant(name, finals.at(final)), split, name_of_score};
}

Split rows_of_control(const std::string& control, const ControlOptions& options,
                      const Split& images) {
  const auto rows = images.train.size();
  if (control == "A" || control == "C") {
    const auto train = rows - rows / 12;
    return {slice(images.train, 0, std::min(train, options.train_rows)),
            slice(images.test, 0, std::min(images.test.size(), options.test_rows)),
            slice(images.train, train, rows)};
  }
  const auto train = rows / 6;
  const auto validation = rows / 30;
  const auto rest = slice(images.train, train + validation, rows);
  const auto more = slice(images.test, 0, validation);
  return {slice(images.train, 0, train),
          {torch::cat({rest.inputs, more.inputs}), torch::cat({rest.targets, more.targets})},
          slice(images.train, train, train + validation)};
}

std::vector<ControlArm> control_arms(const ControlOptions& options, const Split& images) {
  std::vector<ControlArm> all;
  using Make = std::vector<ControlArm> (*)(const ControlOptions&, const Split&);
  const std::vector<std::pair<std::string, Make>> controls{
      {"A", autoencoder_arms}, {"B", depth_arms}, {"C", labels_arms}, {"D", assay_arms}};
  for (const auto& [control, make] : controls) {
    if (!options.has(control)) continue;
    const auto arms = make(options, images);
    all.insert(all.end(), arms.begin(), arms.end());
  }
  return all;
}

const ControlArm* without_pretraining(const std::vector<ControlArm>& arms, const ControlArm& arm) {
  const auto name = arm_name(arm.control, arm.start, Way::none);
  const auto found = std::find_if(arms.begin(), arms.end(),
                                  [&](const ControlArm& other) { return other.name == name; });
  return arm.way == Way::none || found == arms.end() ? nullptr : &*found;
}

std::vector<Claim> control_claims(const std::vector<ControlArm>& arms, double margin) {
  constexpr double margin_of_error = 5e-4;  // .4 squared error an image
  std::vector<Claim> claims;
  for (const auto& arm : arms) {
    const auto* without = without_pretraining(arms, arm);
    if (without == nullptr) continue;
    const bool accuracy = arm.metric == "accuracy";
    for (size_t i = 0; i < arm.finals.size(); ++i) {
      const auto& info = arm.finals[i];
      const auto where = info.labels > 0         ? fmt::format(", {} labels", info.labels)
                         : arm.finals.size() > 1 ? fmt::format(", depth {}", info.layers - 1)
                                                 : std::string();
      const auto add = [&](const std::string& score, const std::string& reference,
                           const std::string& suffix) {
        claims.push_back({fmt::format("{}: {} units{}: {} against no pretraining{}", arm.control,
                                      arm.start.name, where, name_of(arm.way), suffix),
                          arm.score(i, "test", score), without->score(i, "test", reference),
                          accuracy ? margin : margin_of_error, accuracy, arm.control + suffix});
      };
      add(arm.metric, arm.metric, accuracy ? "" : ", equal steps");
      if (!accuracy) add(arm.metric, equal_time, ", equal time");
    }
  }
  return claims;
}

std::vector<study::Published> published_assay(const std::vector<ControlArm>& arms) {
  const std::map<Way, std::vector<const char*>> accuracies{
      {Way::none, {"0.9586", "0.9597", "0.9576", "0.9553"}},
      {Way::autoencoders, {"0.9613", "0.9662", "0.9663", "0.9661"}},
      {Way::rbms, {"", "", "0.9729", ""}}};
  std::vector<study::Published> all;
  for (const auto& arm : arms) {
    const auto found = accuracies.find(arm.way);
    if (arm.control != "D" || found == accuracies.end()) continue;
    for (size_t i = 0; i < arm.finals.size(); ++i) {
      const auto score = arm.score(i, "test", "accuracy");
      if (*found->second[i] != 0)
        all.emplace_back(score.info, score.split, score.metric, found->second[i]);
    }
  }
  return all;
}

}  // namespace layerwise::apps
