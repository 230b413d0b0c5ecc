#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace layerwise {

/// One measured value: `{"test", "accuracy", 0.826}`.
struct Score {
  std::string split;
  std::string metric;
  double value = 0;
};

/// Which engine takes a stage's steps, and why that one.
struct EngineUse {
  std::string name;     ///< "tiny"
  std::string reason;   ///< why it was taken, or why no faster one was; empty if it was asked for
  std::string details;  ///< what it computes with: "AVX3"

  bool operator==(const EngineUse&) const = default;
};

/// The value, or NaN that prints without a sign.
double plain_nan(double value);

/// What takes the optimizer's steps of one stage. `fit` decides about epochs, orders and hooks, and
/// knows no more of an engine than this.
class Engine {
 public:
  virtual ~Engine() = default;
  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Takes one step on each batch of `rows`, in this order; the last may be shorter.
  /// @param rows row numbers of the training set
  /// @returns the mean of the loss over the rows, each batch's taken before its step
  virtual double run(std::span<const int64_t> rows) = 0;

  /// Every metric of the objective on one split ("train", "validation", "test"), in evaluation mode
  /// and without corruption.
  virtual std::vector<Score> evaluate(const std::string& split) = 0;

  /// Every metric and every further term (without its weight) on the batch of the last step, after
  /// it, as split "last_batch". In evaluation mode; corrupted afresh if the corruption says so.
  virtual std::vector<Score> evaluate_last_batch() = 0;

  /// The blocks hold other values than this engine gave them.
  virtual void weights_changed() {}

  const EngineUse& use() const { return use_; }
  /// Says which one it is, and why it was taken.
  void explain(std::string name, std::string reason) {
    use_.name = std::move(name);
    use_.reason = std::move(reason);
  }

 protected:
  EngineUse use_;
};

}  // namespace layerwise
