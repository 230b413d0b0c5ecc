#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "layerwise/nn/stacked_autoencoder.h"
#include "layerwise/pretraining/stage_runner.h"

namespace layerwise {

/// Options for the training of a stacked autoencoder.
struct StackedAutoencoderOptions {
  /// The options of each phase, or one set for all phases. Joint training takes one set.
  std::vector<FitOptions> phases = {FitOptions{}};
  bool jointly = false;  ///< train all layers at once in a single stage, instead of in phases
  /// The step counter of Adam's bias correction continues from phase to phase, as in a TensorFlow 1
  /// graph with one optimizer.
  bool shared_adam_counter = false;
  Objective pixels = reconstruction();  ///< objective of the stages that reconstruct the inputs
  Objective codes = reconstruction();   ///< objective of the phases that reconstruct codes
  std::optional<Corruption> corruption = {};   ///< corruption of each stage's input
  std::optional<FitOptions> fine_tuning = {};  ///< if set, trains all layers at once at the end

  /// The objective of phase k, from 1, or of all layers, 0: codes are reconstructed from phase 2
  /// on.
  const Objective& objective(int64_t k) const { return k > 1 ? codes : pixels; }
  /// The options of phase k, from 1.
  const FitOptions& phase(int64_t k) const;
};

/// One fit in the training of a stacked autoencoder.
struct AutoencoderStage {
  StageInfo info;
  int64_t phase = 0;  ///< from 1; 0 for all layers
  FitOptions fit;     ///< if the Adam counter is shared, it starts as if no stage ended early
};

/// The fits of a training with `depth` phases on `rows` rows, in order.
/// @throws std::invalid_argument as `check`, or if `phases` holds neither one set of options nor
///   one for each phase
std::vector<AutoencoderStage> stages_of(const StackedAutoencoderOptions& training, int64_t depth,
                                        int64_t rows);

/// The fits that `train_stacked_autoencoder` runs, scored on every split in the data, and its last
/// report, which is about the whole chain.
/// @param depth number of phases
/// @throws std::invalid_argument as `stages_of`
Plan plan_of(const StackedAutoencoderOptions& training, int64_t depth, const Split& data);

/// The progress of a training, which is needed to continue it.
struct AutoencoderProgress {
  int64_t stages = 0;  ///< number of stages that the network has completed
  int64_t steps = 0;   ///< number of steps that they took, where a shared Adam counter continues
};

/// Draws the random numbers of a training's first stages without fitting anything.
/// @throws std::invalid_argument as `stages_of`, or if a stage may end early, because its number of
///   draws is then unknown
void skip_stages(const StackedAutoencoderOptions& training, int64_t depth, int64_t rows,
                 int64_t stages, Random& random);

/// The stage of the last report, which has the scores of the whole chain.
StageInfo whole_chain(const std::vector<AutoencoderStage>& stages);

/// Trains a stacked autoencoder: in phases, or all layers at once. A phase trains a hidden layer
/// and its decoder on the codes of the layers before, which are frozen.
///
/// Phase 1 reconstructs the inputs without the layers between; phase k > 1 reconstructs the codes
/// of layer k - 1. Stages are numbered from 1; fine-tuning is the last one, with variant
/// "fine_tuned". At the end, a report with variant "whole" has the scores of the whole chain. A
/// stage that diverges is the last.
/// @param data inputs to reconstruct; targets are ignored
/// @param random the random streams; to continue a training, in their state after its last stage
///   (`Random::restore`)
/// @param done the progress of `net` so far
/// @throws std::invalid_argument as `stages_of`, and as `check_stage` for any stage, before
/// anything
///   is trained
/// @see Bengio et al., "Greedy Layer-Wise Training of Deep Networks", 2007, section 3; Vincent et
///   al., "Stacked Denoising Autoencoders", 2010, section 3.5
void train_stacked_autoencoder(StackedAutoencoder& net, const Split& data,
                               const StackedAutoencoderOptions& training, Random& random,
                               const Observer& observer = {}, const AutoencoderProgress& done = {});

}  // namespace layerwise
