#pragma once

#include <functional>
#include <optional>
#include <string>

#include "layerwise/nn/greedy_net.h"
#include "layerwise/pretraining/code_statistics.h"
#include "layerwise/pretraining/fit_stage.h"
#include "layerwise/pretraining/plan.h"

namespace layerwise {

/// Makes the block or the head that comes next, its weights drawn from the stream given. What a
/// module of LibTorch's draws by itself comes from `torch_generator` of the stage it is made for.
using BlockFactory = std::function<Block(RandomState& initialisation)>;

/// A factory's block for a stage.
Block make_block(const BlockFactory& factory, int64_t stage, Random& random);

/// All weights trained on, after the stages and on a copy.
struct FineTuning {
  int64_t epochs = 1000;
  double learning_rate = 0.001;

  /// The stages' options with these epochs and this rate.
  FitOptions applied_to(FitOptions options) const;
};

struct StageReport {
  StageInfo info;
  StageResult result;
  /// The newest block's output for the training rows, where the fit trained a block.
  std::optional<CodeStatistics> code;
};

/// Whom an algorithm tells what it does. Any of the functions may be empty.
struct Observer {
  std::function<Next(const StageInfo&, const FitView&)> on_epoch = {};
  std::function<void(const StageReport&)> on_stage = {};
  /// All fits of a stage are made: the network and the streams, as the next stage finds them. What
  /// goes on from there later, with the same `done` stages, comes to the same bits.
  std::function<void(int64_t done, const torch::nn::Module& net, const Random& random)>
      on_checkpoint = {};
};

/// One network under an algorithm: what every stage of it needs, in one place.
class StageRunner {
 public:
  StageRunner(GreedyNet& net, const Split& data, const Observer& observer);

  /// `fit_stage`, watched and reported. Hidden blocks that it trained are frozen afterwards, and
  /// what the newest puts out for the training rows is looked at (of a single row nothing can be
  /// said).
  StageResult fit(const StageInfo& info, const Split& data, const Objective& objective,
                  const FitOptions& options, Random& random);

  /// Tells the observer that so many stages are done.
  void checkpoint(int64_t done, const Random& random) const;

  GreedyNet& net;

 private:
  torch::Tensor inputs_;
  FeatureCache features_;
  Observer observer_;
};

}  // namespace layerwise
