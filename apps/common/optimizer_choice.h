#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "layerwise/train/fit.h"

#include "common/options.h"

namespace layerwise::apps {

/// What takes a fit's steps, as options: `--optimizer`, `--learning-rate`, `--momentum`,
/// `--schedule` and `--schedule-over`.
struct OptimizerChoice {
  std::string optimizer = "sgd";
  double learning_rate = 0.01;
  double momentum = 0.9;
  Schedule schedule;
  bool over_all_stages = false;

  /// @param group of the options in --help
  void add_to(CLI::App& app, const std::string& group);
  /// @throws UsageError if an option that was given has no effect
  void check(const RunOptions& run) const;
  /// Sets the optimizer and its schedule.
  void apply_to(FitOptions& fit) const;
};

/// Ends a fit early, as an option: `--early-stop PATIENCE`, by the loss of the validation rows.
struct EarlyStop {
  int64_t patience = 0;  ///< 0: fits are not ended early

  void add_to(CLI::App& app, const std::string& group);
  /// @param metric that is to become small
  std::optional<EarlyStopping> make(const std::string& metric) const;
};

}  // namespace layerwise::apps
