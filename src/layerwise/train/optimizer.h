#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <torch/types.h>

namespace torch::optim {
class Optimizer;
}

namespace layerwise {

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
  int64_t steps_before = 0;  ///< initial value of the step counter of the bias correction
};

/// Adam with decoupled weight decay: before each step, weights (not biases) are multiplied by
/// 1 - learning_rate weight_decay.
/// @see Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019, algorithm 2
struct AdamW {
  double learning_rate = 0.001;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
  double weight_decay = 0.01;
};

/// RMSprop: s <- alpha s + (1 - alpha) g^2, v <- momentum v + g / (sqrt(s) + epsilon), w <- w -
/// learning_rate v, as PyTorch does.
/// @see Tieleman and Hinton, "Lecture 6.5 - RMSprop", 2012
struct RmsProp {
  double learning_rate = 0.01;
  double alpha = 0.99;
  double epsilon = 1e-8;
  double momentum = 0;
};

/// Any other optimizer of LibTorch, or one of your own: also one that evaluates the loss several
/// times in a step, as L-BFGS does (on the same rows, with new random numbers). It is created for
/// each stage, so that no state of it outlives one. The autograd engine alone can use it.
struct OwnOptimizer {
  double learning_rate = 0.01;
  /// Creates the optimizer of these parameters, which are distinct and require a gradient.
  std::function<std::unique_ptr<torch::optim::Optimizer>(std::vector<torch::Tensor> parameters,
                                                         double learning_rate)>
      make = {};
};

/// What takes a step from a gradient.
using Optimizer = std::variant<Sgd, Adam, AdamW, RmsProp, OwnOptimizer>;

double learning_rate_of(const Optimizer& optimizer);
void set_learning_rate(Optimizer& optimizer, double learning_rate);
/// Whether it adds the penalty `FitOptions::l2` to the loss. `AdamW` has a decay of its own.
bool takes_l2(const Optimizer& optimizer);

/// @throws std::invalid_argument naming the option, if a learning rate or an `epsilon` is not above
///   0, a momentum, `alpha` or a beta is outside [0, 1), `nesterov` is set without momentum, a
///   decay or `steps_before` is negative, or an `OwnOptimizer` cannot be made
void check(const Optimizer& optimizer);

/// An optimizer with its defaults, by its name on the command line.
/// @throws std::invalid_argument listing the names, if `name` is none of them
Optimizer optimizer_named(const std::string& name);
/// `sgd`, `adam`, `adamw`, `rmsprop`, or `own`.
const char* name_of(const Optimizer& optimizer);
/// The names of those that have one.
std::vector<std::string> optimizer_names();

}  // namespace layerwise
