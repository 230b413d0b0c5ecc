#include "layerwise/pretraining/autoencoder_deepening.h"

#include <stdexcept>
#include <string>
#include <utility>

#include <fmt/format.h>

namespace layerwise {

namespace {

/// What every step below needs: the whole experiment, seen from one stage of it.
struct Stage {
  GreedyNet& net;
  const Split& data;
  const AutoencoderDeepeningOptions& options;
  const BlockFactory& classifier;
  const Observer& observer;
  int64_t number;

  StageRunner runner() const { return StageRunner(net, data, observer); }
  StageInfo info(std::string variant, std::string task) const {
    return {number, net->layers(), std::move(variant), std::move(task)};
  }
};

bool reconstruct(const Stage& stage, StageRunner& runner, const std::string& variant,
                 const FitOptions& fit, Random& random) {
  const auto info = stage.info(variant, "reconstruction");
  return !runner.fit(info, autoencoding(stage.data), reconstruction(), fit, random).diverged();
}

void classify(const Stage& stage, StageRunner& runner, const std::string& variant,
              const FitOptions& fit, Random& random) {
  const auto info = stage.info(variant, "classification");
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
  classify(stage, runner, variant, stage.options.fit, random);
  if (!fine_tuned_variant.empty()) fine_tune_as_classifier(stage, fine_tuned_variant, random);
  stage.net->exchange_head(own_output);
}

void evaluate_fine_tuned_autoencoder(const Stage& stage, const std::string& fine_tuned_variant,
                                     Random random) {
  const Snapshot untouched(*stage.net);
  auto runner = stage.runner();
  stage.net->unfreeze();
  const auto fit = stage.options.fine_tune_autoencoder->applied_to(stage.options.fit);
  if (reconstruct(stage, runner, "fine_tuned_autoencoder", fit, random)) {
    evaluate_as_classifier(stage, runner, "fine_tuned_autoencoder", fine_tuned_variant, random);
  }
  untouched.restore();
}

}  // namespace

void deepen_autoencoder(GreedyNet& net, const Split& data,
                        const AutoencoderDeepeningOptions& options, const BlockFactory& next_block,
                        const BlockFactory& classifier, Random& random, const Observer& observer) {
  if (options.layers < net->layers()) {
    throw std::invalid_argument(
        fmt::format("deepen_autoencoder: {} layers asked for, the network has {}", options.layers,
                    net->layers()));
  }
  const bool tune_autoencoder = options.fine_tune_autoencoder.has_value();
  const bool tune_classifier = options.fine_tune_classifier.has_value();

  Stage stage{net, data, options, classifier, observer, 1};
  auto runner = stage.runner();
  while (reconstruct(stage, runner, "", options.fit, random)) {
    const Random before = random;
    evaluate_as_classifier(stage, runner, "",
                           tune_classifier && !tune_autoencoder ? "fine_tuned_classifier" : "",
                           random);
    if (tune_autoencoder) {
      evaluate_fine_tuned_autoencoder(stage, tune_classifier ? "fine_tuned_both" : "", before);
    }
    if (net->layers() == options.layers) break;
    ++stage.number;
    net->deepen(make_block(next_block, stage.number, random));
  }
}

}  // namespace layerwise
