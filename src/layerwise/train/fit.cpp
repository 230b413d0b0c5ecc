#include "layerwise/train/fit.h"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include <fmt/format.h>

namespace layerwise {

namespace {

void require(bool condition, const std::string& message) {
  if (!condition) throw std::invalid_argument("fit: " + message);
}

Next call(std::span<const Hook> hooks, const FitView& view) {
  Next next = Next::go_on;
  for (const auto& hook : hooks) {
    if (hook(view) == Next::stop) next = Next::stop;
  }
  return next;
}

}  // namespace

void check(const FitOptions& options) {
  const auto& [learning_rate, momentum] = options.optimizer;
  require(options.epochs > 0, fmt::format("epochs is {}", options.epochs));
  require(options.batch_size > 0, fmt::format("batch_size is {}", options.batch_size));
  require(learning_rate > 0 && std::isfinite(learning_rate),
          fmt::format("learning_rate is {}", learning_rate));
  require(momentum >= 0 && momentum < 1, fmt::format("momentum is {}", momentum));
}

FitResult fit(Engine& engine, int64_t rows, const FitOptions& options, RandomState& order,
              std::span<const Hook> hooks) {
  check(options);
  FitResult result;
  double loss = std::numeric_limits<double>::quiet_NaN();
  while (call(hooks, {result.epochs, options.epochs, loss, engine}) == Next::go_on &&
         result.epochs < options.epochs && result.diverged_in == 0) {
    loss = engine.run(order.permutation(rows));
    ++result.epochs;
    if (!std::isfinite(loss)) result.diverged_in = result.epochs;
  }
  return result;
}

}  // namespace layerwise
