#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "layerwise/data/dataset.h"
#include "layerwise/train/engine.h"
#include "layerwise/train/engine_options.h"
#include "layerwise/train/evaluate.h"
#include "layerwise/train/problem.h"

namespace layerwise {

/// Sends the data of a stage through its blocks. Shared by the engines that leave the weights in
/// the blocks.
class StagePass {
 public:
  StagePass(const StageView& view, Problem problem, Split data, Precision precision);

  /// The training rows with these numbers, gathered.
  Dataset batch_of(std::span<const int64_t> rows) const;
  /// Identifies the noise for the rows of a step.
  NoisePlace place_of(std::span<const int64_t> rows, int64_t step) const;
  /// From inputs to output and target, with or without corruption and augmentation.
  Pass forward(const torch::Tensor& inputs, const torch::Tensor& targets, const NoisePlace& place,
               bool corrupted, bool augmented);

  /// @throws std::invalid_argument if there is no such split
  Dataset part(const std::string& split) const;
  /// See `Engine::evaluate`.
  std::vector<Score> evaluate(const std::string& split);
  /// See `Engine::evaluate_last_batch`.
  /// @param rows row numbers of the batch
  /// @param step number of the batch's step, from 0
  std::vector<Score> evaluate_batch(std::span<const int64_t> rows, int64_t step);

  StageChain& chain() { return chain_; }
  const Problem& problem() const { return problem_; }
  const Split& data() const { return data_; }

 private:
  StageChain chain_;
  Problem problem_;
  Split data_;
  Precision precision_;
};

}  // namespace layerwise
