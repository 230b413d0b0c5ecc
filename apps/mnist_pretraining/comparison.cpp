#include "mnist_pretraining/comparison.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <torch/utils.h>

namespace layerwise::apps {

namespace {

constexpr auto classification_task = Task::classification;
constexpr auto tuned_mark = ":tuned";
constexpr double step_overhead = 2e7;  // multiplications that a step's own costs come to

Split without_labels(const Split& data) {
  return {{data.train.inputs, {}}, {}, {data.validation.inputs, {}}};
}

StackedAutoencoder first_weights(const PretrainingOptions& options, const Split& data,
                                 Random& random) {
  auto net = options.encoder.network().make(random.initialization);
  net->to(options.encoder.engine.device_for(data.train.inputs.device()));
  return net;
}

}  // namespace

std::string name_of(const ClassifierVariant& variant, bool tuned) {
  return variant.name + (tuned ? tuned_mark : "");
}

StageInfo info_of(const ClassifierVariant& variant, int64_t labels, bool tuned, int64_t stage) {
  return {stage, 0, name_of(variant, tuned), classification_task, labels};
}

bool is_encoder(const StageInfo& info) {
  return info.task != classification_task;
}

StackedAutoencoder given_encoder(const PretrainingOptions& options, const Split& data,
                                 Random& random) {
  auto net = first_weights(options, data, random);
  skip_stages(options.encoder_training(), net->depth(), data.train.size(), options.encoder.phases(),
              random);
  if (!options.checkpoint.empty()) load_checkpoint(*net, options.checkpoint, {});
  return net;
}

StackedAutoencoder pretrained(const PretrainingOptions& options, const Split& data, Random& random,
                              const Observer& observer, const Saver& save) {
  auto net = first_weights(options, data, random);
  bool whole = false;
  Observer saving = observer;
  saving.on_stage = [&](const StageReport& report) {
    if (report.info.variant == "whole") {
      whole = true;
      if (save) save(net);
    }
    if (observer.on_stage) observer.on_stage(report);
  };
  train_stacked_autoencoder(net, without_labels(data), options.encoder_training(), random, saving);
  return whole ? net : StackedAutoencoder(nullptr);
}

ClassifierParts parts_of(const PretrainingOptions& options, const StackedAutoencoder& encoder,
                         const std::optional<Block>& components) {
  const auto network = options.network();
  std::vector<Block> pretrained;
  if (!encoder.is_empty()) pretrained = {encoder->encoder->begin(), encoder->encoder->end()};
  return {[network](RandomState& draw) { return network.make(draw); },
          [network](int64_t inputs, RandomState& draw) { return network.head(inputs, draw); },
          pretrained, components};
}

ClassifierLabels::ClassifierLabels(const Split& data, bool first, Random& random) : data_(data) {
  if (first) return;
  train_.emplace(data.train.targets, random.subsets);
  validation_.emplace(data.validation.targets, random.subsets);
}

Split ClassifierLabels::split(int64_t labels, bool tuned) const {
  Split part = data_;
  if (train_) {
    part.train = rows_of(data_.train, train_->rows(labels));
  } else {
    part.train = {data_.train.inputs.narrow(0, 0, labels),
                  data_.train.targets.narrow(0, 0, labels)};
  }
  if (tuned) {
    const auto rows = std::min(labels, data_.validation.size());
    part.validation = rows_of(data_.validation, validation_->rows(rows));
  }
  return part;
}

double work_of_encoder(const PretrainingOptions& options, int64_t phase, int64_t rows) {
  const auto& units = options.encoder.units;
  const auto k = static_cast<size_t>(phase);
  const auto weights = 2.0 * static_cast<double>(units[k - 1] * units[k]);
  const auto batch = static_cast<double>(options.encoder.batch_size);
  return static_cast<double>(rows) / batch * (3 * batch * weights + step_overhead);
}

double work_of(const PretrainingOptions& options, const ClassifierVariant& variant, int64_t labels,
               bool tuned) {
  const auto numbers = static_cast<double>(options.trained_numbers(variant));
  const auto training = options.training();
  const auto steps = static_cast<double>(tuned ? options.steps : steps_of(labels, training.fit));
  const auto step = 3 * static_cast<double>(options.batch_size) * numbers + step_overhead;
  const auto rows = static_cast<double>(tuned ? std::min(labels, options.encoder.data.validation)
                                              : options.encoder.data.validation);
  const double every = tuned ? 100 : static_cast<double>(options.curve_every);
  const double looks = options.has_budgets() && !tuned ? 1 : steps / every;
  return steps * step + looks * rows * (numbers + 1e3);
}

std::vector<Claim> claims_of(const Plan& plan, double margin) {
  std::vector<Claim> claims;
  const std::string mark = tuned_mark;
  for (const auto& fit : plan) {
    const auto& info = fit.info;
    const bool tuned = info.variant.ends_with(mark);
    auto reference = info;
    reference.variant = tuned ? "none" + mark : "none";
    const auto without = std::find_if(plan.begin(), plan.end(), [&](const PlannedFit& other) {
      return other.info.variant == reference.variant && other.info.labels == info.labels;
    });
    if (is_encoder(info) || info.variant == reference.variant || without == plan.end()) continue;
    reference = without->info;
    claims.push_back(
        {fmt::format("{} against {}, {} labels", info.variant, reference.variant, info.labels),
         {info, "test", "accuracy"},
         {reference, "test", "accuracy"},
         margin,
         true,
         tuned ? "tuned" : "the document's epochs"});
  }
  return claims;
}

int64_t curve_rows_of(const PretrainingOptions& options, int64_t labels) {
  constexpr int64_t metrics = 2;
  const auto steps = steps_of(labels, options.training().fit);
  const auto looks = 1 + steps / options.curve_every + (steps % options.curve_every != 0 ? 1 : 0);
  return metrics * (steps + looks);
}

Plan plan_of(const PretrainingOptions& options, int64_t rows) {
  Plan plan;
  int64_t stage = 1;
  if (options.needs_encoder() && options.checkpoint.empty()) {
    const auto stages = stages_of(options.encoder_training(), options.encoder.phases(), rows);
    for (const auto& [info, phase, fit] : stages) {
      PlannedFit planned{info, fit.epochs, scores_of({"validation"}, {"mse"})};
      planned.work = work_of_encoder(options, phase, rows) * static_cast<double>(fit.epochs);
      plan.push_back(planned);
    }
    plan.push_back({whole_chain(stages), 0, scores_of({"validation"}, {"mse"})});
    stage += static_cast<int64_t>(stages.size());
    for (auto& planned : plan) planned.curve_rows = 0;
  }
  const auto scores = scores_of({"train", "validation", "test"}, {"accuracy", "cross_entropy"});
  for (const auto labels : options.label_counts()) {
    for (const bool tuned : {false, true}) {
      if (tuned && !options.has_budgets()) continue;
      for (const auto& variant : options.chosen_variants()) {
        PlannedFit planned{info_of(variant, labels, tuned, stage), options.epochs, scores};
        planned.curve_rows = options.has_budgets() ? 0 : curve_rows_of(options, labels);
        planned.work = work_of(options, variant, labels, tuned);
        if (!options.has_budgets()) {
          const bool codes = variant.trained == Trained::head && variant.codes != Codes::inputs;
          for (const auto* metric : {"code_mean", "code_deviation"})
            if (codes) planned.scores.emplace_back("train", metric);
        }
        plan.push_back(planned);
      }
    }
  }
  return plan;
}

}  // namespace layerwise::apps
