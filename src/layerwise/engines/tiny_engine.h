#pragma once

#include <cstdint>
#include <memory>

#include "layerwise/data/dataset.h"
#include "layerwise/nn/chain.h"
#include "layerwise/train/engine.h"
#include "layerwise/train/fit.h"
#include "layerwise/train/problem.h"

namespace layerwise {

constexpr int64_t tiny_engine_width = 64;  ///< maximum number of units in a layer

/// The engine for narrow chains of `Dense` blocks on the CPU: samples in SIMD lanes, no tensor
/// operation within a step. tiny_kernels.cpp explains how.
///
/// It agrees with `AutogradEngine` to float32 rounding. Whenever `run` returns, the blocks hold the
/// weights of the last step.
class TinyEngine : public Engine {
 public:
  /// Requires a stage for which `why_not_tiny` is empty.
  /// @throws std::invalid_argument if the network has no output for a label
  TinyEngine(const StageView& view, Problem problem, const Split& data, const FitOptions& options);
  ~TinyEngine() override;

  double run(std::span<const int64_t> rows) override;
  std::vector<Score> evaluate(const std::string& split) override;
  std::vector<Score> evaluate_last_batch() override;
  void weights_changed() override;
  void scale_learning_rate(std::span<const double> factors) override;

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace layerwise
