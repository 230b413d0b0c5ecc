#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "layerwise/random.h"
#include "layerwise/train/engine.h"
#include "layerwise/train/engine_options.h"

namespace layerwise {

struct Problem;
struct Split;
struct StageView;

/// Stochastic gradient descent with momentum: v <- momentum v + g, w <- w - learning_rate v.
struct Sgd {
  double learning_rate = 0.01;
  double momentum = 0.9;
  bool nesterov = false;  ///< w <- w - learning_rate (g + momentum v), as PyTorch does
};

/// Adam, with epsilon added to the square root after the bias correction, as PyTorch does.
/// @see Kingma and Ba, "Adam", 2015, algorithm 1
struct Adam {
  double learning_rate = 0.001;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  int64_t steps_before = 0;  ///< where the counter of the bias correction starts
};

/// How the batches of an epoch are drawn.
enum class Sampling {
  epochs,       ///< each row once: `order.permutation(rows)`
  independent,  ///< each batch a random subset by itself: `subsets.independent_batches(...)`
};

/// What becomes of the rows that are too few for a whole batch at the end of an epoch.
enum class LastBatch { keep, drop };

/// Which of two values of a metric is the better one.
enum class Better { higher, lower };

/// Ends a fit that has not got better for long, with the best values it had.
///
/// What counts is looked at wherever the hooks are called, before the first step too. A value that
/// is not a number is never better.
/// @see Prechelt, "Early Stopping - But When?", 1998
struct EarlyStopping {
  struct Criterion {
    std::string metric;  ///< one that the objective reports
    Better better = Better::lower;
  };
  std::vector<Criterion> criteria;  ///< the first decides; of equal values, the next
  int64_t patience = 10;            ///< looks in a row without a better result, before the fit ends
  std::string split = "validation";  ///< whose scores count
  bool restore_best = true;  ///< the best values are put back at the end, and are what is scored
};

struct FitOptions;

/// Makes an engine of one's own for a stage.
using EngineFactory = std::function<std::unique_ptr<Engine>(const StageView&, const Problem&,
                                                            const Split&, const FitOptions&)>;

struct FitOptions {
  int64_t epochs = 100;
  int64_t batch_size = 32;
  std::variant<Sgd, Adam> optimizer = Sgd{};
  double l2 =
      0;  ///< times half the sum of squares of all weights (not biases) is added to the loss
  Sampling sampling = Sampling::epochs;
  LastBatch last_batch = LastBatch::keep;  ///< independent batches are always whole
  int64_t steps = 0;       ///< if above 0, the fit takes so many steps instead of whole epochs
  int64_t hook_every = 0;  ///< steps between two calls of the hooks; 0: they are called every epoch
  EngineOptions engine = {};                         ///< of a stage: see `fit_stage`
  EngineFactory make_engine = {};                    ///< instead of `engine`, if there is one
  std::optional<EarlyStopping> early_stopping = {};  ///< of a stage: see `fit_stage`
};

/// The rows of one epoch's batches, one after another.
std::vector<int64_t> rows_of_epoch(int64_t rows, const FitOptions& options, Random& random);

/// Steps of one epoch.
int64_t steps_per_epoch(int64_t rows, const FitOptions& options);
/// Steps of a whole fit that nothing ends early.
int64_t steps_of(int64_t rows, const FitOptions& options);

enum class Next { go_on, stop };

/// What a hook is shown: before the first step, then after every epoch, or every `hook_every` steps
/// and after the last.
struct FitView {
  int64_t epoch;   ///< whole epochs done
  int64_t epochs;  ///< epochs that the fit takes, the last of them whole or not
  int64_t step;    ///< steps done
  int64_t steps;   ///< steps that the fit takes
  double loss;     ///< mean loss over the rows since the hooks were last called, each batch's taken
                   ///< before its step; NaN at step 0
  Engine& engine;  ///< for `evaluate()`
};

/// Sees a fit go on, and may end it. Drawing progress, writing curves and stopping early are hooks.
using Hook = std::function<Next(const FitView&)>;

struct FitResult {
  int64_t epochs = 0;  ///< whole epochs done
  int64_t steps = 0;   ///< steps done
  int64_t diverged_in =
      0;  ///< the epoch whose loss was not finite, which ended the fit; 0 if none was
  int64_t best_step = 0;  ///< with early stopping: after which step the scores were best
};

/// Fits one stage: the one loop that every algorithm here calls. `engine` and `early_stopping` are
/// left to `fit_stage`, which knows the blocks.
/// @throws std::invalid_argument as `check`
FitResult fit(Engine& engine, int64_t rows, const FitOptions& options, Random& random,
              std::span<const Hook> hooks = {});

/// @throws std::invalid_argument naming the option, if a count is not positive (`steps` and
///   `hook_every`: negative), the learning rate is not above 0, the momentum or a beta outside [0,
///   1), l2 negative, or if an epoch of so many rows has not one batch
void check(const FitOptions& options, int64_t rows);

}  // namespace layerwise
