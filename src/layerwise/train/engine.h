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

/// The engine that takes the steps of a stage, and why it was chosen.
struct EngineUse {
  std::string name;     ///< e.g. "tiny"
  std::string reason;   ///< why it was chosen, or why no faster one was; empty if it was requested
  std::string details;  ///< what it computes with, e.g. "AVX3"

  bool operator==(const EngineUse&) const = default;
};

/// Returns the value; a NaN loses its sign, so that it prints without one.
double plain_nan(double value);

/// Takes the optimizer's steps of one stage. `fit` decides about epochs, sample orders and hooks,
/// and knows an engine only through this interface.
class Engine {
 public:
  virtual ~Engine() = default;
  Engine() = default;
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Takes one step on each batch of `rows`, in this order; the last batch may be shorter.
  /// @param rows row numbers of the training set
  /// @returns the mean loss over the rows; the loss of each batch is computed before its step
  virtual double run(std::span<const int64_t> rows) = 0;

  /// Every metric of the objective on one split ("train", "validation", "test"), in evaluation mode
  /// and without corruption.
  virtual std::vector<Score> evaluate(const std::string& split) = 0;

  /// Every metric, and every further term without its weight, on the batch of the last step,
  /// computed after that step and reported as split "last_batch". In evaluation mode; with fresh
  /// corruption if `Corruption::in_evaluation` is set.
  virtual std::vector<Score> evaluate_last_batch() = 0;

  /// Tells the engine that the values of the blocks were changed from outside.
  virtual void weights_changed() {}

  /// Gives the next `run`, and only that, a schedule: the factor of the options' learning rate in
  /// each of its steps.
  /// @throws std::logic_error by default: an engine that has not overridden it knows no schedules
  virtual void scale_learning_rate(std::span<const double> factors);

  const EngineUse& use() const { return use_; }
  /// Sets the name of the engine and the reason why it was chosen.
  void explain(std::string name, std::string reason) {
    use_.name = std::move(name);
    use_.reason = std::move(reason);
  }
  /// Where the features that it trains on are kept, in words; empty if nothing was to be decided.
  const std::string& features() const { return features_; }
  void note_features(std::string kept) { features_ = std::move(kept); }

 protected:
  EngineUse use_;

 private:
  std::string features_;
};

}  // namespace layerwise
