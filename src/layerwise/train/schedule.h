#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace layerwise {

/// The time in a fit that a schedule depends on.
struct ScheduleTime {
  int64_t step = 0;   ///< number of the step to take, from 0
  int64_t steps = 1;  ///< steps in all
  int64_t steps_per_epoch = 1;

  int64_t epoch() const { return step / steps_per_epoch; }
};

/// How the learning rate changes during a fit: each step takes the optimizer's learning rate times
/// a factor. Every engine follows it.
struct Schedule {
  std::string name = {};  ///< as `schedule_named` spells it; used in messages
  std::function<double(const ScheduleTime&)> factor = {};  ///< if empty, it is always 1
  /// Whole epochs before the last change that the schedule is made for. A fit must be longer.
  int64_t epochs = 0;
  /// Whether deepening runs through it once over all its stages, instead of once in each stage.
  bool over_all_stages = false;
  int64_t stage = 0;   ///< number of the stage, from 0; set by deepening where it runs over all
  int64_t stages = 1;  ///< number of stages; likewise
};

/// Multiplies the learning rate by `factor` each time that `epochs` epochs have passed.
/// @throws std::invalid_argument if `epochs` is not positive or `factor` not within (0, 1]
Schedule step_schedule(int64_t epochs, double factor);

/// Multiplies the learning rate by `factor` after each of these numbers of epochs.
/// @throws std::invalid_argument if they do not rise from one on, or `factor` is not within (0, 1]
Schedule milestone_schedule(const std::vector<int64_t>& epochs, double factor);

/// From 1 to 0 along half a cosine: (1 + cos(pi step / steps)) / 2.
/// @see Loshchilov and Hutter, "SGDR", 2017, equation 5, without restarts
Schedule cosine_schedule();

/// Rises from 0 in equal parts over the steps of `epochs` epochs, the first step with one part,
/// then follows `rest` over the steps that remain.
/// @throws std::invalid_argument if `epochs` is not positive
/// @see Goyal et al., "Accurate, Large Minibatch SGD", 2017, section 2.2
Schedule warm_up(int64_t epochs, Schedule rest = {});

/// The same schedule for a fit that is `factor` times as long: its epochs last longer.
Schedule stretched(Schedule schedule, double factor);

/// A schedule by its text: `constant`, `step:EPOCHS:FACTOR`, `milestones:EPOCHS/...:FACTOR`,
/// `cosine`, or `warmup:EPOCHS`, which may be followed by `+` and one of the others.
/// @throws std::invalid_argument saying what is wrong with the text
Schedule schedule_named(const std::string& text);

/// The same schedule in a stage of a deepening: where it runs over all stages, as that part of it.
/// @param stage from 1
Schedule in_stage(Schedule schedule, int64_t stage, int64_t stages);

}  // namespace layerwise
