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

  /// Announces the rows of the next batches, in their order.
  virtual void begin(std::span<const int64_t>) {}
  /// Takes one step on the next batch. The blocks have the new weights afterwards.
  /// @param rows row numbers of the training set
  /// @param place identifies the noise of the corruption
  virtual void take(std::span<const int64_t> rows, const NoisePlace& place) = 0;
  /// The sum over the rows of the losses since the last call; each loss is computed before its
  /// step.
  virtual double take_loss() = 0;
  /// The means of the metrics over a data set, in float32; none if they are left to the blocks.
  virtual std::optional<std::vector<double>> means(const Dataset&) { return std::nullopt; }
  /// Tells the step that the values of the blocks were changed from outside.
  virtual void weights_changed() {}
  /// Makes the following steps with the learning rate of the options times a factor.
  virtual void scale_learning_rate(double factor) = 0;
  /// A description of what it computes with.
  virtual std::string details() const = 0;
};

/// On the CPU: matrix products by BLAS or oneDNN, and one pass over memory between them.
std::unique_ptr<DenseStep> make_cpu_step(std::vector<Dense> layers, const Problem& problem,
                                         const Dataset& train, const FitOptions& options);
/// On CUDA: a graph of kernels and products, captured once for each batch size and replayed. On the
/// CPU the same operations, for tests.
std::unique_ptr<DenseStep> make_device_step(std::vector<Dense> layers, const Problem& problem,
                                            const Dataset& train, const FitOptions& options);

}  // namespace layerwise
