#include "layerwise/train/fit.h"

#include <algorithm>
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
  require(options.steps >= 0, fmt::format("steps is {}", options.steps));
  require(options.hook_every >= 0, fmt::format("hook_every is {}", options.hook_every));
  require(options.l2 >= 0 && std::isfinite(options.l2), fmt::format("l2 is {}", options.l2));
  check(options.optimizer);
  require(
      options.l2 == 0 || takes_l2(options.optimizer),
      fmt::format("l2 is {}, which has no effect with {}", options.l2, name_of(options.optimizer)));
  require(rows > 0, "there is no row to train on");
  require(!whole_batches_only(options) || options.batch_size <= rows,
          fmt::format("batch_size is {}, and only whole batches are taken of {} rows",
                      options.batch_size, rows));
  const auto& schedule = options.schedule;
  const int64_t needed = schedule.epochs * steps_per_epoch(rows, options);
  const int64_t steps = steps_of(rows, options) * schedule.stages;
  require(needed < steps,
          fmt::format("the schedule {} needs {} steps for its last change, and the fit takes {}",
                      schedule.name, needed + 1, steps));
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

int64_t steps_of(int64_t rows, const FitOptions& options) {
  return options.steps > 0 ? options.steps : options.epochs * steps_per_epoch(rows, options);
}

int64_t smallest_batch(int64_t rows, const FitOptions& options) {
  const auto an_epoch = steps_per_epoch(rows, options);
  const bool incomplete =
      an_epoch > rows / options.batch_size && steps_of(rows, options) >= an_epoch;
  return incomplete ? rows % options.batch_size : options.batch_size;
}

namespace {

/// The factors of the learning rate in `count` steps of a fit of `steps` steps, from this step on;
/// none if all are 1.
std::vector<double> factors_of(const Schedule& schedule, int64_t step, int64_t count, int64_t steps,
                               int64_t steps_per_epoch) {
  std::vector<double> factors;
  if (!schedule.factor) return factors;
  for (int64_t i = 0; i < count; ++i) {
    factors.push_back(schedule.factor({.step = schedule.stage * steps + step + i,
                                       .steps = schedule.stages * steps,
                                       .steps_per_epoch = steps_per_epoch}));
  }
  const bool constant =
      std::all_of(factors.begin(), factors.end(), [](double f) { return f == 1; });
  return constant ? std::vector<double>() : factors;
}

}  // namespace

FitResult fit(Engine& engine, int64_t rows, const FitOptions& options, Random& random,
              std::span<const Hook> hooks) {
  check(options, rows);
  const int64_t an_epoch = steps_per_epoch(rows, options);
  const int64_t steps = steps_of(rows, options);
  const int64_t epochs = (steps + an_epoch - 1) / an_epoch;
  const int64_t hook_every = options.hook_every > 0 ? options.hook_every : an_epoch;
  FitResult result;
  std::vector<int64_t> order;
  double loss_sum = 0;
  size_t rows_seen = 0;
  const auto show = [&] {
    const double loss = rows_seen > 0 ? loss_sum / static_cast<double>(rows_seen)
                                      : std::numeric_limits<double>::quiet_NaN();
    loss_sum = 0;
    rows_seen = 0;
    return call(hooks, {result.epochs, epochs, result.steps, steps, loss, engine});
  };

  auto next = show();
  while (next == Next::go_on && result.steps < steps && result.diverged_in == 0) {
    const int64_t in_epoch = result.steps % an_epoch;
    if (in_epoch == 0) order = rows_of_epoch(rows, options, random);
    const int64_t count = std::min(
        {an_epoch - in_epoch, steps - result.steps, hook_every - result.steps % hook_every});
    const auto factors = factors_of(options.schedule, result.steps, count, steps, an_epoch);
    if (!factors.empty()) engine.scale_learning_rate(factors);
    const auto begin = static_cast<size_t>(in_epoch * options.batch_size);
    const auto end =
        std::min(order.size(), begin + static_cast<size_t>(count * options.batch_size));
    const auto batches = std::span<const int64_t>(order).subspan(begin, end - begin);
    const double loss = engine.run(batches);
    loss_sum += loss * static_cast<double>(batches.size());
    rows_seen += batches.size();
    result.steps += count;
    result.epochs = result.steps / an_epoch;
    if (!std::isfinite(loss)) result.diverged_in = (result.steps + an_epoch - 1) / an_epoch;
    if (result.steps % hook_every == 0 || result.steps == steps || result.diverged_in > 0)
      next = show();
  }
  return result;
}

}  // namespace layerwise
