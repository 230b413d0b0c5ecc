/// Control A: deep autoencoders.
#include <algorithm>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <torch/utils.h>

#include "layerwise/data/generated_images.h"
#include "layerwise/nn/dense.h"
#include "layerwise/pretraining/principal_components.h"

#include "when_pretraining_helps/control_arm.h"

namespace layerwise::apps {

namespace {

constexpr int64_t digits_code = 30;
constexpr int64_t curves_code = 6;
constexpr auto curves_task = "curves";

/// The mean cross-entropy of the best constant output, in natural units a pixel.
double loss_of_constant(const Dataset& data) {
  const auto p = values_of(data.inputs).mean(0, false, torch::kFloat64);
  return -(torch::xlogy(p, p) + torch::xlogy(1 - p, 1 - p)).mean().item<double>();
}

struct AutoencoderArm {
  ControlOptions options;
  LayerwiseTraining layers;
  std::shared_ptr<GeneratedImages> images = {};  ///< instead of those of the study
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

  Split rows(const Split& given, Rows which) const {
    return images ? images->rows(given.train.inputs.device(), which)
                  : rows_of_all(options, given, which);
  }

  Plan plan(const Split& data) const {
    auto plan = layers.plan(data);
    PlannedFit fit{last(), epochs(), scores_of(names_of(data), {"mse", "bce", "rounded_accuracy"})};
    if (layers.way == Way::none) fit.scores.emplace_back("test", equal_time);
    fit.scores.emplace_back("train", epochs_on_plateau);
    fit.work = 6 * static_cast<double>(fit.epochs) *
               forward_work(layers.units, layers.depth(), data.train.size());
    plan.push_back(fit);
    return plan;
  }

  void tune(const Pretrained& pretrained, const Split& given, const Run& run, double learning_rate,
            const Observer& observer) const {
    const auto data = rows(given, run.rows());
    StackedAutoencoder net(
        std::dynamic_pointer_cast<StackedAutoencoderImpl>(pretrained.net->clone()));
    auto random = pretrained.after;
    FitOptions fit{
        .epochs = run.of(epochs()), .batch_size = layers.batch_size, .engine = options.engine};
    if (nesterov) {
      fit.optimizer = Sgd{learning_rate, 0.99, true};
    } else {
      fit.optimizer = Adam{.learning_rate = learning_rate};
    }
    const Problem problem{binary_reconstruction(),
                          Target::features,
                          {},
                          random.noise,
                          static_cast<uint32_t>(last().stage)};
    auto hooks = progress_hooks(observer, last());
    std::optional<double> at_equal_time;
    if (layers.way == Way::none && !run.trial) {
      hooks.emplace_back([&](const FitView& view) {
        if (view.epoch == run.of(epochs_of_equal_time()))
          at_equal_time = value_of(view.engine.evaluate("test"), "test", "mse");
        return Next::go_on;
      });
    }
    auto on_plateau = fit.epochs + 1;
    if (!run.trial) {
      hooks.emplace_back([&, left = 0.95 * loss_of_constant(data.train)](const FitView& view) {
        if (view.loss < left) on_plateau = std::min(on_plateau, view.epoch);
        return Next::go_on;
      });
    }
    StageReport report{last(), fit_stage(net->whole(), problem, data, fit, random, hooks), {}};
    if (at_equal_time) report.result.scores.push_back({"test", equal_time, *at_equal_time});
    if (!run.trial)
      report.result.scores.push_back({"train", epochs_on_plateau, static_cast<double>(on_plateau)});
    if (observer.on_stage) observer.on_stage(report);
    if (observer.on_checkpoint && !report.result.diverged())
      observer.on_checkpoint(last().stage, *net, random);
  }
};

/// @param data of the sizes that the arm trains on
ControlArm control_arm(const AutoencoderArm& arm, const std::string& task, const Split& data) {
  const auto& layers = arm.layers;
  const auto steps = steps_per_epoch(data.train.size(), {.batch_size = layers.batch_size});
  const auto stages = layers.way == Way::none ? 0 : layers.depth();
  auto filled = arm_of(arm, "A", task);
  filled.plan = arm.plan(data);
  filled.rates = arm.nesterov ? std::vector{10.0, 3.0, 1.0} : std::vector{0.003, 0.001, 0.0003};
  filled.metric = "mse";
  filled.count = fmt::format("{} steps", steps * (stages * layers.epochs + arm.epochs()));
  filled.finals = {{arm.last(), ""}};
  return filled;
}

AutoencoderArm autoencoder(const ControlOptions& options, std::vector<int64_t> units,
                           const Start& start, Way way) {
  AutoencoderArm arm{options, {}};
  arm.layers = {.units = std::move(units),
                .start = start,
                .way = way,
                .epochs = options.autoencoder_epochs,
                .linear_code = true,
                .engine = options.engine};
  arm.nesterov = start.name == sparse_start().name;
  return arm;
}

void add_baselines(const Split& data, int64_t components, const std::string& task, bool mnist,
                   std::vector<Baseline>& baselines) {
  const auto axes = principal_components(data.train.inputs, components);
  const auto weight = axes.ptr()->as<DenseImpl>()->weight.to(torch::kFloat64);
  const auto mean = values_of(data.train.inputs).mean(0, false, torch::kFloat64);
  const auto centered = values_of(data.test.inputs).to(torch::kFloat64) - mean;
  const auto energy = [](const torch::Tensor& rows) {
    return rows.square().sum(1).mean().item<double>();
  };
  const auto constant = energy(centered);
  baselines.push_back({task, "a constant output", constant, mnist ? "52.85" : ""});
  baselines.push_back({task, fmt::format("{} principal components", components),
                       constant - energy(centered.mm(weight.t())), mnist ? "13.87" : ""});
}

}  // namespace

std::vector<ControlArm> autoencoder_arms(const ControlOptions& options, const Split& images) {
  std::vector<ControlArm> arms;
  const auto data = rows_of_all(options, images);
  const auto add = [&](const Start& start, std::initializer_list<Way> ways) {
    for (const auto way : ways) {
      arms.push_back(control_arm(
          autoencoder(options, {784, 1000, 500, 250, digits_code}, start, way), "", data));
    }
  };
  add(bad_start(), {Way::none, Way::autoencoders, Way::denoising, Way::rbms});
  add(glorot_start(), {Way::none, Way::autoencoders});
  add(elu_start(), {Way::none, Way::autoencoders, Way::denoising});
  add(tanh_start(), {Way::none, Way::autoencoders});
  add(sparse_start(), {Way::none});
  const auto curves = std::make_shared<GeneratedImages>(make_curves, sizes_of(data));
  for (const auto& start : {bad_start(), elu_start()}) {
    for (const auto way : {Way::none, Way::autoencoders}) {
      auto arm = autoencoder(options, {784, 400, 200, 100, 50, 25, curves_code}, start, way);
      arm.images = curves;
      arms.push_back(control_arm(arm, curves_task, data));
    }
  }
  return arms;
}

std::vector<Baseline> autoencoder_baselines(const ControlOptions& options, const Split& images,
                                            const std::vector<ControlArm>& arms, bool mnist) {
  const auto has = [&](const std::string& task) {
    return std::any_of(arms.begin(), arms.end(), [&](const ControlArm& arm) {
      return arm.control == "A" && arm.task == task;
    });
  };
  const auto data = rows_of_all(options, images);
  std::vector<Baseline> baselines;
  if (has("")) add_baselines(data, digits_code, "", mnist, baselines);
  if (has(curves_task)) {
    GeneratedImages curves(make_curves, sizes_of(data));
    const auto device = images.train.inputs.device();
    add_baselines(curves.rows(device, Rows::all), curves_code, curves_task, false, baselines);
  }
  return baselines;
}

}  // namespace layerwise::apps
