#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "layerwise/data/dataset.h"
#include "layerwise/nn/dense.h"
#include "layerwise/train/fit.h"
#include "layerwise/train/problem.h"

namespace layerwise {

/// How the dense engine takes a step on one kind of device.
class DenseStep {
 public:
  virtual ~DenseStep() = default;

  /// One step on a batch; the blocks have the new weights afterwards.
  /// @param rows of the training set
  /// @param place of its corruption
  virtual void take(std::span<const int64_t> rows, const NoisePlace& place) = 0;
  /// The sum over the rows of the losses since this was last asked, each before its step.
  virtual double take_loss() = 0;
  /// The metrics' means over a data set, in float32; nothing if it leaves that to the blocks.
  virtual std::optional<std::vector<double>> means(const Dataset&) { return std::nullopt; }
  /// The blocks hold other values than this gave them.
  virtual void weights_changed() {}
  /// What it computes with.
  virtual std::string details() const = 0;
};

/// On the CPU: products by BLAS or oneDNN, and one pass over memory between them.
std::unique_ptr<DenseStep> make_cpu_step(std::vector<Dense> layers, const Problem& problem,
                                         const Dataset& train, const FitOptions& options);

/// On any device, by LibTorch's operations into memory that stays where it is; on CUDA they are
/// captured once for each size of a batch, and replayed. Float32 only.
std::unique_ptr<DenseStep> make_device_step(std::vector<Dense> layers, const Problem& problem,
                                            const Dataset& train, const FitOptions& options);

}  // namespace layerwise
