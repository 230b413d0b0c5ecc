#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "layerwise/nn/greedy_net.h"
#include "layerwise/pretraining/code_statistics.h"
#include "layerwise/pretraining/fit_stage.h"
#include "layerwise/pretraining/plan.h"

namespace layerwise {

/// Creates the block or head of a stage: a function of the random stream from which the weights are
/// drawn, or of the number of the stage, from 1, and the stream. Modules of LibTorch that draw
/// their own weights use `torch_generator` of that stage.
///
/// It is called more than once for a stage: before the training, to check the shapes of what is to
/// come, and in a resumed run. So blocks that differ should differ by the number, not by a count of
/// calls.
class BlockFactory {
 public:
  BlockFactory() = default;
  template <std::invocable<RandomState&> Make>
  BlockFactory(Make make)
      : make_([make = std::move(make)](int64_t, RandomState& initialization) mutable {
          return make(initialization);
        }) {}
  template <std::invocable<int64_t, RandomState&> Make>
  BlockFactory(Make make) : make_(std::move(make)) {}

  Block operator()(int64_t stage, RandomState& initialization) const {
    return make_(stage, initialization);
  }
  explicit operator bool() const { return static_cast<bool>(make_); }

 private:
  std::function<Block(int64_t stage, RandomState& initialization)> make_;
};

/// Creates the block or head for a stage.
/// @param device where it is put
Block make_block(const BlockFactory& factory, int64_t stage, Random& random,
                 torch::Device device = torch::kCPU);

/// Fine-tuning: training of all weights after the stages; the original weights are restored after
/// it.
struct FineTuning {
  int64_t epochs = 1000;
  double learning_rate = 0.001;

  /// The stages' options with this number of epochs and this learning rate.
  FitOptions applied_to(FitOptions options) const;
};

struct StageReport {
  StageInfo info;
  StageResult result;
  /// The statistics of the newest block's output for the training rows, if the fit trained a block
  /// and the statistics were requested.
  std::optional<CodeStatistics> code;
};

/// Callbacks that receive an algorithm's progress. Any of them may be empty.
struct Observer {
  std::function<Next(const StageInfo&, const FitView&)> on_progress = {};
  std::function<void(const StageReport&)> on_stage = {};
  /// Called after all fits of a stage, with the network and the random streams as the next stage
  /// finds them. A training that continues from there, with the same `done` stages, gives the same
  /// bits.
  std::function<void(int64_t done, const torch::nn::Module& net, const Random& random)>
      on_checkpoint = {};
};

/// Callbacks that report the fits of an algorithm as those of one of several networks.
/// @see of_variant(const std::string&, StageInfo)
Observer of_variant(const std::string& name, Observer observer);

/// The hooks of a fit that tells an observer about its progress; none if the observer has no
/// `on_progress`.
std::vector<Hook> progress_hooks(const Observer& observer, const StageInfo& info);

/// What is common to all stages of an algorithm.
struct StageRunnerOptions {
  /// Report the statistics of the newest block, unless there is only one training row, for which
  /// they say nothing.
  bool code_statistics = false;
  std::optional<Augmentation> augmentation = {};  ///< see `Problem`
};

/// The environment of every stage of an algorithm: network, inputs, cached features and observer.
class StageRunner {
 public:
  StageRunner(GreedyNet& net, const Split& data, const Observer& observer,
              StageRunnerOptions options = {});

  /// Checks that the data fit the blocks that a stage is going to have: the last one and the head
  /// are trained in it.
  /// @throws std::invalid_argument as `check_stage`
  void check(int64_t stage, const Split& data, const Objective& objective,
             const FitOptions& options, std::vector<Block> blocks, const Block& head) const;

  /// `fit_stage`, observed and reported. Hidden blocks that it trained are frozen afterwards.
  /// @param further computes scores to report after those of the objective
  StageResult fit(const StageInfo& info, const Split& data, const Objective& objective,
                  const FitOptions& options, Random& random,
                  const std::function<std::vector<Score>()>& further = {});

  /// Keeps the output of the first `count` blocks, as a stage does that trains those behind them;
  /// nothing where the inputs are augmented.
  void keep(int64_t count, const CacheOptions& options);
  /// The output of the first `count` blocks, and of a further one behind them, for one split.
  torch::Tensor output(const std::string& split, int64_t count, const Block& further);

  /// Tells the observer that `done` stages are complete.
  void checkpoint(int64_t done, const Random& random) const;

  GreedyNet& net;

 private:
  Problem problem(int64_t stage, const Objective& objective, const NoiseKey& noise) const;

  torch::Tensor inputs_;
  FeatureCache features_;
  Observer observer_;
  StageRunnerOptions options_;
};

}  // namespace layerwise
