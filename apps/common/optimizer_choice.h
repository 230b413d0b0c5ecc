#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "layerwise/train/fit.h"

#include "common/options.h"

namespace layerwise::apps {

/// `--optimizer`, by name.
CLI::Option* add_optimizer(CLI::App& app, std::string& optimizer);
/// `--momentum`, of sgd and rmsprop.
CLI::Option* add_momentum(CLI::App& app, double& momentum);
/// `--schedule`.
CLI::Option* add_schedule(CLI::App& app, Schedule& schedule);

/// `--l2`.
CLI::Option* add_l2(CLI::App& app, double& l2);

/// An optimizer by its name, with this learning rate and, if it has one, this momentum.
Optimizer make_optimizer(const std::string& name, double learning_rate, double momentum);
/// @throws UsageError if `--momentum` or `--l2` was given and has no effect with this optimizer
void check_optimizer(const RunOptions& run, const std::string& name);

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

/// @param stages of the deepening that the fit is the first of
/// @throws UsageError if such a fit to so many rows is impossible
void check_fit(FitOptions fit, int64_t rows, int64_t stages = 1);

/// Ends a fit early, as an option: `--early-stop PATIENCE`, by the loss of the validation rows.
struct EarlyStop {
  int64_t patience = 0;  ///< 0: fits are not ended early

  void add_to(CLI::App& app, const std::string& group);
  /// @throws UsageError if there are no validation rows to stop by
  void check(int64_t validation) const;
  /// @param metric that is to become small; if empty, the loss
  std::optional<EarlyStopping> make(const std::string& metric = "") const;
};

}  // namespace layerwise::apps
