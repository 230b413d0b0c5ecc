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

void require_learning_rate(double rate) {
  require(rate > 0 && std::isfinite(rate), fmt::format("learning_rate is {}", rate));
}

void require_share(const char* name, double value) {
  require(value >= 0 && value < 1, fmt::format("{} is {}", name, value));
}

void check_optimizer(const Sgd& sgd) {
  require_learning_rate(sgd.learning_rate);
  require_share("momentum", sgd.momentum);
}

void check_optimizer(const Adam& adam) {
  require_learning_rate(adam.learning_rate);
  require_share("beta1", adam.beta1);
  require_share("beta2", adam.beta2);
  require(adam.epsilon > 0, fmt::format("epsilon is {}", adam.epsilon));
  require(adam.steps_before >= 0, fmt::format("steps_before is {}", adam.steps_before));
}

bool whole_batches_only(const FitOptions& options) {
  return options.sampling == Sampling::independent || options.last_batch == LastBatch::drop;
}

Next call(std::span<const Hook> hooks, const FitView& view) {
  Next next = Next::go_on;
  for (const auto& hook : hooks) {
    if (hook(view) == Next::stop) next = Next::stop;
  }
  return next;
}

}  // namespace

void check(const FitOptions& options, int64_t rows) {
  require(options.epochs > 0, fmt::format("epochs is {}", options.epochs));
  require(options.batch_size > 0, fmt::format("batch_size is {}", options.batch_size));
  require(options.l2 >= 0 && std::isfinite(options.l2), fmt::format("l2 is {}", options.l2));
  std::visit([](const auto& optimizer) { check_optimizer(optimizer); }, options.optimizer);
  require(rows > 0, "there is no row to train on");
  require(!whole_batches_only(options) || options.batch_size <= rows,
          fmt::format("batch_size is {}, and only whole batches are taken of {} rows",
                      options.batch_size, rows));
}

int64_t steps_per_epoch(int64_t rows, const FitOptions& options) {
  const auto whole = rows / options.batch_size;
  return whole + (!whole_batches_only(options) && rows % options.batch_size != 0 ? 1 : 0);
}

std::vector<int64_t> rows_of_epoch(int64_t rows, const FitOptions& options, Random& random) {
  const auto whole = rows / options.batch_size;
  if (options.sampling == Sampling::independent)
    return random.subsets.independent_batches(rows, options.batch_size, whole);
  auto order = random.order.permutation(rows);
  if (options.last_batch == LastBatch::drop)
    order.resize(static_cast<size_t>(whole * options.batch_size));
  return order;
}

FitResult fit(Engine& engine, int64_t rows, const FitOptions& options, Random& random,
              std::span<const Hook> hooks) {
  check(options, rows);
  FitResult result;
  double loss = std::numeric_limits<double>::quiet_NaN();
  while (call(hooks, {result.epochs, options.epochs, loss, engine}) == Next::go_on &&
         result.epochs < options.epochs && result.diverged_in == 0) {
    loss = engine.run(rows_of_epoch(rows, options, random));
    ++result.epochs;
    if (!std::isfinite(loss)) result.diverged_in = result.epochs;
  }
  return result;
}

}  // namespace layerwise
