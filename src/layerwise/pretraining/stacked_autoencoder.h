#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "layerwise/nn/stacked_autoencoder.h"
#include "layerwise/pretraining/stage_runner.h"

namespace layerwise {

/// How a stacked autoencoder is trained.
struct StackedAutoencoderOptions {
  /// The options of each phase, or a single set for all; of all layers at once, the first.
  std::vector<FitOptions> phases = {FitOptions{}};
  bool jointly = false;  ///< all layers at once, in a single stage, rather than in phases
  bool cache = true;     ///< codes are computed once a phase, not for every batch
  /// The counter of Adam's bias correction runs on from phase to phase, as in a TensorFlow 1 graph
  /// with one optimizer.
  bool shared_adam_counter = false;
  Objective pixels = reconstruction();         ///< of what reconstructs the inputs
  Objective codes = reconstruction();          ///< of the phases that reconstruct codes
  std::optional<Corruption> corruption = {};   ///< of what each stage reconstructs
  std::optional<FitOptions> fine_tuning = {};  ///< all layers at once, at the end

  /// The options of phase k, from 1.
  const FitOptions& phase(int64_t k) const;
};

/// A fit of a stacked autoencoder's training.
struct AutoencoderStage {
  StageInfo info;
  int64_t phase = 0;  ///< from 1; 0 for all layers
  FitOptions fit;     ///< with a shared counter of Adam as if no stage ended early
};

/// The fits that a training of so many rows and phases makes, in order.
/// @throws std::invalid_argument as `check`, or if `phases` holds neither one set of options nor
///   one for each phase
std::vector<AutoencoderStage> stages_of(const StackedAutoencoderOptions& training, int64_t depth,
                                        int64_t rows);

/// How far a training has come, for whom wants to go on from there.
struct AutoencoderProgress {
  int64_t stages = 0;  ///< that the network has been through
  int64_t steps = 0;   ///< that they took: where a shared counter of Adam stands
};

/// Draws what a training's first stages draw, and fits nothing.
/// @throws std::invalid_argument as `stages_of`, or if a stage may end early, so that nobody knows
///   what it draws
void skip_stages(const StackedAutoencoderOptions& training, int64_t depth, int64_t rows,
                 int64_t stages, Random& random);

/// Of the last report, which has the scores of the whole chain.
StageInfo whole_chain(const std::vector<AutoencoderStage>& stages);

/// Trains a stacked autoencoder: in phases, each a hidden layer and its decoder on the codes of the
/// layers before, which are frozen; or all layers at once.
///
/// Phase 1 reconstructs the inputs past all layers between; phase k > 1 reconstructs the codes of
/// layer k - 1. Stages are numbered from 1, fine-tuning is the last, its variant "fine_tuned". At
/// the end a report of variant "whole" has the scores of the whole chain. A stage that diverges is
/// the last.
/// @param data inputs to reconstruct; targets are not looked at
/// @param random the streams; of a training that goes on, as they were behind its last stage
///   (`Random::restore`)
/// @param done what `net` has already been through
/// @throws std::invalid_argument as `stages_of`
/// @see Bengio et al., "Greedy Layer-Wise Training of Deep Networks", 2007, section 3; Vincent et
///   al., "Stacked Denoising Autoencoders", 2010, section 3.5
void train_stacked_autoencoder(StackedAutoencoder& net, const Split& data,
                               const StackedAutoencoderOptions& training, Random& random,
                               const Observer& observer = {}, const AutoencoderProgress& done = {});

}  // namespace layerwise
