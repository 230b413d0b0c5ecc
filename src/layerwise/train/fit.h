#pragma once

#include <cstdint>
#include <functional>
#include <span>

#include "layerwise/random.h"
#include "layerwise/train/engine.h"

namespace layerwise {

/// Stochastic gradient descent with momentum: v <- momentum v + g, w <- w - learning_rate v.
struct Sgd {
  double learning_rate = 0.01;
  double momentum = 0.9;
};

struct FitOptions {
  int64_t epochs = 100;
  int64_t batch_size = 32;
  Sgd optimizer = {};
};

enum class Next { go_on, stop };

/// What a hook is shown: before the first step (epoch 0) and after every epoch.
struct FitView {
  int64_t epoch;   ///< epochs done
  int64_t epochs;  ///< epochs asked for
  double loss;  ///< mean loss over the rows of the epoch, each batch's taken before its step; NaN
                ///< at epoch 0
  Engine& engine;  ///< for `evaluate()` and `steps()`
};

/// Sees a fit go on, and may end it. Drawing progress, writing curves and stopping early are hooks.
using Hook = std::function<Next(const FitView&)>;

struct FitResult {
  int64_t epochs = 0;  ///< epochs done
  int64_t diverged_in =
      0;  ///< the epoch whose loss was not finite, which ended the fit; 0 if none was
};

/// Fits one stage: the one loop that every algorithm here calls.
///
/// Each epoch goes through the training rows once, in the order `order.permutation(rows)`.
/// @throws std::invalid_argument naming the option, if a count is not positive, the learning rate
/// is not above 0 or the
///   momentum outside [0, 1)
FitResult fit(Engine& engine, int64_t rows, const FitOptions& options, RandomState& order,
              std::span<const Hook> hooks = {});

/// @throws std::invalid_argument as `fit`
void check(const FitOptions& options);

}  // namespace layerwise
