#include "layerwise/train/schedule.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <functional>
#include <numbers>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace layerwise {

namespace {

/// The number that a text is, as a whole.
template <typename Number>
std::optional<Number> number_in(std::string_view text) {
  Number value{};
  const auto* end = text.data() + text.size();
  const auto [read, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || read != end) return std::nullopt;
  return value;
}

/// The text up to a character, and what follows it.
std::pair<std::string, std::string> cut_at(const std::string& text, char separator) {
  const auto place = text.find(separator);
  if (place == std::string::npos) return {text, {}};
  return {text.substr(0, place), text.substr(place + 1)};
}

[[noreturn]] void refuse(const std::string& text) {
  throw std::invalid_argument(
      fmt::format("'{}' is none of constant, step:EPOCHS:FACTOR, milestones:EPOCHS/EPOCHS:FACTOR, "
                  "cosine, warmup:EPOCHS, warmup:EPOCHS+step:EPOCHS:FACTOR, "
                  "warmup:EPOCHS+milestones:EPOCHS/EPOCHS:FACTOR, warmup:EPOCHS+cosine",
                  text));
}

int64_t epochs_in(const std::string& epochs, const std::string& text) {
  const auto value = number_in<int64_t>(epochs);
  if (!value) refuse(text);
  return *value;
}

}  // namespace

Schedule step_schedule(int64_t epochs, double factor) {
  if (epochs < 1 || !(factor > 0 && factor <= 1)) {
    throw std::invalid_argument(
        fmt::format("the schedule step:{}:{} needs one epoch or more, and a factor above 0 and up "
                    "to 1",
                    epochs, factor));
  }
  return {.name = fmt::format("step:{}:{}", epochs, factor),
          .factor =
              [=](const ScheduleTime& time) {
                return std::pow(factor, static_cast<double>(time.epoch() / epochs));
              },
          .epochs = epochs};
}

Schedule milestone_schedule(const std::vector<int64_t>& epochs, double factor) {
  const bool rise =
      !epochs.empty() && epochs.front() >= 1 &&
      std::adjacent_find(epochs.begin(), epochs.end(), std::greater_equal<>()) == epochs.end();
  const auto name = fmt::format("milestones:{}:{}", fmt::join(epochs, "/"), factor);
  if (!rise || !(factor > 0 && factor <= 1)) {
    throw std::invalid_argument(fmt::format(
        "the schedule {} needs epochs that rise from one on, and a factor above 0 and up to 1",
        name));
  }
  return {.name = name,
          .factor =
              [=](const ScheduleTime& time) {
                const auto passed = std::count_if(epochs.begin(), epochs.end(), [&](auto epoch) {
                  return epoch <= time.epoch();
                });
                return std::pow(factor, static_cast<double>(passed));
              },
          .epochs = epochs.back()};
}

Schedule cosine_schedule() {
  return {.name = "cosine", .factor = [](const ScheduleTime& time) {
            const double share = static_cast<double>(time.step) / static_cast<double>(time.steps);
            return (1 + std::cos(std::numbers::pi * share)) / 2;
          }};
}

Schedule warm_up(int64_t epochs, Schedule rest) {
  if (epochs < 1) {
    throw std::invalid_argument(
        fmt::format("the schedule warmup:{} needs one epoch or more", epochs));
  }
  return {.name = fmt::format("warmup:{}{}{}", epochs, rest.name.empty() ? "" : "+", rest.name),
          .factor =
              [epochs, after = std::move(rest.factor)](ScheduleTime time) {
                const int64_t rising = epochs * time.steps_per_epoch;
                if (time.step < rising)
                  return static_cast<double>(time.step + 1) / static_cast<double>(rising);
                time.step -= rising;
                time.steps -= rising;
                return after ? after(time) : 1.0;
              },
          .epochs = epochs + rest.epochs};
}

Schedule schedule_named(const std::string& text) {
  const auto [kind, values] = cut_at(text, ':');
  if (text == "constant") return {};
  if (text == "cosine") return cosine_schedule();
  if (kind == "step") {
    const auto [epochs, factor] = cut_at(values, ':');
    const auto value = number_in<double>(factor);
    if (!value) refuse(text);
    return step_schedule(epochs_in(epochs, text), *value);
  }
  if (kind == "milestones") {
    auto [rest, factor] = cut_at(values, ':');
    const auto value = number_in<double>(factor);
    if (!value) refuse(text);
    std::vector<int64_t> milestones;
    for (std::string epochs; !rest.empty();) {
      std::tie(epochs, rest) = cut_at(rest, '/');
      milestones.push_back(epochs_in(epochs, text));
    }
    return milestone_schedule(milestones, *value);
  }
  if (kind != "warmup") refuse(text);
  const auto [epochs, rest] = cut_at(values, '+');
  const bool has_rest = values.find('+') != std::string::npos;
  if (has_rest && (rest == "constant" || rest.rfind("warmup", 0) == 0)) refuse(text);
  return warm_up(epochs_in(epochs, text), has_rest ? schedule_named(rest) : Schedule{});
}

Schedule stretched(Schedule schedule, double factor) {
  if (!schedule.factor) return schedule;
  schedule.factor = [factor, inner = std::move(schedule.factor)](ScheduleTime time) {
    const auto epoch = static_cast<double>(time.steps_per_epoch) * factor;
    time.steps_per_epoch = std::max<int64_t>(1, std::llround(epoch));
    return inner(time);
  };
  schedule.epochs = static_cast<int64_t>(static_cast<double>(schedule.epochs) * factor);
  return schedule;
}

Schedule in_stage(Schedule schedule, int64_t stage, int64_t stages) {
  if (schedule.over_all_stages) {
    schedule.stage = stage - 1;
    schedule.stages = stages;
  }
  return schedule;
}

}  // namespace layerwise
