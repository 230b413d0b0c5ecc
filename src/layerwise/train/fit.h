#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "layerwise/random.h"
#include "layerwise/train/engine.h"
#include "layerwise/train/engine_options.h"
#include "layerwise/train/optimizer.h"
#include "layerwise/train/schedule.h"

namespace layerwise {

struct Problem;
struct Split;
struct StageView;

/// How the batches of an epoch are drawn.
enum class Sampling {
  epochs,       ///< each row once: `order.permutation(rows)`
  independent,  ///< each batch is an independent random subset: `subsets.independent_batches(...)`
};

/// What happens to an incomplete batch at the end of an epoch.
enum class LastBatch { keep, drop };

/// Whether smaller or larger values of a metric are better.
enum class Mode { min, max };

/// Ends a fit that has not improved for some time, and restores its best values.
///
/// The scores are evaluated at every call of the hooks, including the one before the first step. A
/// value that is not a number is never better.
/// @see Prechelt, "Early Stopping - But When?", 1998
struct EarlyStopping {
  struct Criterion {
    std::string metric;  ///< one that the objective reports
    Mode mode = Mode::min;
  };
  std::string split = "validation";  ///< the split whose scores are compared
  std::string metric;                ///< one that the objective reports; if empty, its loss
  Mode mode = Mode::min;
  int64_t patience = 10;             ///< evaluations in a row without improvement that end the fit
  bool restore_best = true;          ///< restore the best values at the end, and score those
  std::vector<Criterion> ties = {};  ///< further criteria where the metric is equal, in this order

  /// The metric, followed by `ties`.
  std::vector<Criterion> criteria() const;
};

struct FitOptions;

/// Creates a user-defined engine for a stage.
using EngineFactory = std::function<std::unique_ptr<Engine>(const StageView&, const Problem&,
                                                            const Split&, const FitOptions&)>;

struct FitOptions {
  int64_t epochs = 100;
  int64_t batch_size = 32;
  Optimizer optimizer = Sgd{};
  /// L2 penalty: `l2` / 2 times the sum of squares of all weights (not biases) is added to the
  /// loss. Not with `AdamW` and `OwnOptimizer`, which have decays of their own.
  double l2 = 0;
  Sampling sampling = Sampling::epochs;
  /// No effect on independent batches, which are always complete.
  LastBatch last_batch = LastBatch::keep;
  int64_t steps = 0;               ///< if above 0, the number of steps to take instead of `epochs`
  int64_t hook_every = 0;          ///< steps between two calls of the hooks; 0: one call per epoch
  EngineOptions engine = {};       ///< used by `fit_stage`
  EngineFactory make_engine = {};  ///< if set, used instead of `engine`
  std::optional<EarlyStopping> early_stopping = {};  ///< used by `fit_stage`
  Schedule schedule = {};                            ///< of the learning rate
};

/// The row numbers of one epoch's batches, concatenated.
std::vector<int64_t> rows_of_epoch(int64_t rows, const FitOptions& options, Random& random);

/// The number of steps in one epoch.
int64_t steps_per_epoch(int64_t rows, const FitOptions& options);
/// The number of steps of a whole fit, if nothing ends it early.
int64_t steps_of(int64_t rows, const FitOptions& options);
/// The number of rows in the smallest batch of a fit.
int64_t smallest_batch(int64_t rows, const FitOptions& options);

enum class Next { go_on, stop };

/// The state of a fit, as its hooks see it: before the first step, then after every epoch, or every
/// `hook_every` steps and after the last step.
struct FitView {
  int64_t epoch;   ///< whole epochs done
  int64_t epochs;  ///< epochs that the fit takes, including an incomplete last one
  int64_t step;    ///< steps done
  int64_t steps;   ///< steps that the fit takes
  /// Mean loss over the rows since the previous call of the hooks; the loss of each batch is
  /// computed before its step. NaN at step 0.
  double loss;
  Engine& engine;  ///< for `evaluate()`
};

/// Observes a fit, and may end it. Progress display, learning curves and early stopping are hooks.
using Hook = std::function<Next(const FitView&)>;

struct FitResult {
  int64_t epochs = 0;  ///< whole epochs done
  int64_t steps = 0;   ///< steps done
  /// The epoch (from 1) whose loss was not finite, which ended the fit; 0 if there was none.
  int64_t diverged_in = 0;
  /// With early stopping: the step after which the scores were best, 0 for before the first; none
  /// if no score was a number.
  std::optional<int64_t> best_step;
};

/// Fits one stage: the training loop that all algorithms share. `engine` and `early_stopping` are
/// handled by `fit_stage`, which knows the blocks.
/// @throws std::invalid_argument as `check`
FitResult fit(Engine& engine, int64_t rows, const FitOptions& options, Random& random,
              std::span<const Hook> hooks = {});

/// @throws std::invalid_argument naming the option, if a count is not positive (`steps`,
///   `hook_every`: negative), `l2` is negative or has no effect, an epoch of `rows` rows has no
///   batch, or the fit ends before the last change of its schedule; or as `check(const Optimizer&)`
void check(const FitOptions& options, int64_t rows);

}  // namespace layerwise
