#include "layerwise/pretraining/autoencoder_deepening.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace layerwise {

namespace {

constexpr auto fine_tuned_autoencoder = "fine_tuned_autoencoder";
constexpr auto fine_tuned_classifier = "fine_tuned_classifier";
constexpr auto fine_tuned_both = "fine_tuned_both";

/// The context of the functions below: the experiment at one of its stages.
struct Stage {
  GreedyNet& net;
  const Split& data;
  const AutoencoderDeepeningOptions& options;
  const BlockFactory& classifier;
  const Observer& observer;
  int64_t number;
  int64_t stages;

  FitOptions fit() const {
    auto fit = options.fit;
    fit.schedule = in_stage(fit.schedule, std::max<int64_t>(number, 1), stages);
    return fit;
  }
  StageRunner runner() const { return StageRunner(net, data, observer, {options.code_statistics}); }
  StageInfo info(std::string variant, Task task) const {
    return {number, net->layers(), std::move(variant), task};
  }
};

bool reconstruct(const Stage& stage, StageRunner& runner, const std::string& variant,
                 const FitOptions& fit, Random& random) {
  const auto info = stage.info(variant, Task::reconstruction);
  return !runner.fit(info, autoencoding(stage.data), reconstruction(), fit, random).diverged();
}

void classify(const Stage& stage, StageRunner& runner, const std::string& variant,
              const FitOptions& fit, Random& random) {
  const auto info = stage.info(variant, Task::classification);
  runner.fit(info, stage.data, classification(), fit, random);
}

void fine_tune_as_classifier(const Stage& stage, const std::string& variant, Random random) {
  const Snapshot untouched(*stage.net);
  auto runner = stage.runner();
  stage.net->unfreeze();
  classify(stage, runner, variant,
           stage.options.fine_tune_classifier->applied_to(stage.options.fit), random);
  untouched.restore();
}

void evaluate_as_classifier(const Stage& stage, StageRunner& runner, const std::string& variant,
                            const std::string& fine_tuned_variant, Random& random) {
  stage.net->freeze_hidden();
  Block own_output = stage.net->exchange_head(make_block(stage.classifier, stage.number, random));
  classify(stage, runner, variant, stage.fit(), random);
  if (!fine_tuned_variant.empty()) fine_tune_as_classifier(stage, fine_tuned_variant, random);
  stage.net->exchange_head(own_output);
}

void evaluate_fine_tuned_autoencoder(const Stage& stage, const std::string& fine_tuned_variant,
                                     Random random) {
  const Snapshot untouched(*stage.net);
  auto runner = stage.runner();
  stage.net->unfreeze();
  const auto fit = stage.options.fine_tune_autoencoder->applied_to(stage.options.fit);
  if (reconstruct(stage, runner, fine_tuned_autoencoder, fit, random)) {
    evaluate_as_classifier(stage, runner, fine_tuned_autoencoder, fine_tuned_variant, random);
  }
  untouched.restore();
}

/// Checks that the data fit the network as it is and as each further stage will find it, as an
/// autoencoder and as a classifier, with blocks that are made for this alone.
void check_stages(const Stage& stage, const StageRunner& runner, const BlockFactory& next_block,
                  Random random) {
  const auto& net = stage.net;
  auto blocks = net->blocks();
  const Block& decoder = *std::as_const(*net->head).begin();
  const auto inputs = autoencoding(stage.data);
  for (int64_t number = std::max<int64_t>(stage.number, 1);; ++number) {
    runner.check(number, inputs, reconstruction(), stage.options.fit, blocks, decoder);
    runner.check(number, stage.data, classification(), stage.options.fit, blocks,
                 make_block(stage.classifier, number, random, net->device()));
    if (static_cast<int64_t>(blocks.size()) + 1 >= stage.options.layers) return;
    blocks.push_back(make_block(next_block, number + 1, random, net->device()));
  }
}

/// Whether a classification fits the hidden layers too.
bool is_classifier_tuning(const std::string& variant) {
  return variant == fine_tuned_classifier || variant == fine_tuned_both;
}

}  // namespace

Plan plan_of(const AutoencoderDeepeningOptions& options, const Split& data) {
  const auto& tune_autoencoder = options.fine_tune_autoencoder;
  const auto& tune_classifier = options.fine_tune_classifier;
  const int64_t epochs = options.fit.epochs;
  const auto errors = scores_of(names_of(data), {"mse"});
  const auto accuracies = scores_of(names_of(data), {"accuracy", "cross_entropy"});
  Plan plan;
  for (int64_t layers = 2; layers <= options.layers; ++layers) {
    const auto add = [&](Task task, const char* variant, int64_t fit_epochs) {
      plan.emplace_back(StageInfo{layers - 1, layers, variant, task}, fit_epochs,
                        task == Task::reconstruction ? errors : accuracies);
      const bool trains_block = task == Task::reconstruction || is_classifier_tuning(variant);
      if (trains_block && options.code_statistics && data.train.size() > 1)
        add_code_scores(plan.back());
    };
    add(Task::reconstruction, "", epochs);
    add(Task::classification, "", epochs);
    if (tune_autoencoder) {
      add(Task::reconstruction, fine_tuned_autoencoder, tune_autoencoder->epochs);
      add(Task::classification, fine_tuned_autoencoder, epochs);
      if (tune_classifier) add(Task::classification, fine_tuned_both, tune_classifier->epochs);
    }
    if (tune_classifier) add(Task::classification, fine_tuned_classifier, tune_classifier->epochs);
  }
  return plan;
}

void deepen_autoencoder(GreedyNet& net, const Split& data,
                        const AutoencoderDeepeningOptions& options, const BlockFactory& next_block,
                        const BlockFactory& classifier, Random& random, const Observer& observer,
                        int64_t done) {
  if (options.layers < net->layers()) {
    throw std::invalid_argument(
        fmt::format("deepen_autoencoder: {} layers asked for, the network has {}", options.layers,
                    net->layers()));
  }
  const bool tune_autoencoder = options.fine_tune_autoencoder.has_value();
  const bool tune_classifier = options.fine_tune_classifier.has_value();

  const int64_t stages = options.layers - net->layers() + std::max<int64_t>(done, 1);
  Stage stage{net, data, options, classifier, observer, done, stages};
  check(stage.fit(), data.train.size());
  for (const auto& tuning : {options.fine_tune_autoencoder, options.fine_tune_classifier})
    if (tuning) check(tuning->applied_to(options.fit), data.train.size());
  auto runner = stage.runner();
  check_stages(stage, runner, next_block, random);
  const auto begin_stage = [&] {
    ++stage.number;
    if (stage.number > 1) net->deepen(make_block(next_block, stage.number, random));
  };
  if (done > 0 && net->layers() == options.layers) return;
  begin_stage();
  while (reconstruct(stage, runner, "", stage.fit(), random)) {
    const Random before = random;
    evaluate_as_classifier(stage, runner, "", tune_classifier ? fine_tuned_classifier : "", random);
    if (tune_autoencoder) {
      evaluate_fine_tuned_autoencoder(stage, tune_classifier ? fine_tuned_both : "", before);
    }
    runner.checkpoint(stage.number, random);
    if (net->layers() == options.layers) break;
    begin_stage();
  }
}

}  // namespace layerwise
