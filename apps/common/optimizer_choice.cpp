#include "common/optimizer_choice.h"

#include <stdexcept>
#include <utility>

namespace layerwise::apps {

namespace {

constexpr auto constant = "constant";

Spelling<Schedule> schedule_spelling() {
  return {[](const std::string& text) -> std::string {
            try {
              schedule_named(text);
              return {};
            } catch (const std::invalid_argument& error) {
              return error.what();
            }
          },
          schedule_named,
          [](const Schedule& schedule) {
            return schedule.name.empty() ? std::string(constant) : schedule.name;
          }};
}

/// The momentum of an optimizer; null if it has none.
double* momentum_of(Optimizer& optimizer) {
  if (auto* sgd = std::get_if<Sgd>(&optimizer)) return &sgd->momentum;
  if (auto* rms = std::get_if<RmsProp>(&optimizer)) return &rms->momentum;
  return nullptr;
}

}  // namespace

CLI::Option* add_optimizer(CLI::App& app, std::string& optimizer) {
  return add_choice(app, "--optimizer", optimizer, with_themselves(optimizer_names()),
                    "What takes the steps; adamw with a weight decay of 0.01");
}

CLI::Option* add_momentum(CLI::App& app, double& momentum) {
  return add_number(app, "--momentum", momentum, "Momentum of sgd and rmsprop", 0, false, 1);
}

CLI::Option* add_schedule(CLI::App& app, Schedule& schedule) {
  return add_value(
      app, "--schedule", schedule, schedule_spelling(),
      "The learning rate during a fit: multiplied by FACTOR every EPOCHS epochs (step), or after "
      "the epochs that are listed (milestones), or falling to 0 along a cosine; warmup lets it "
      "rise from 0 first, e.g. warmup:1+cosine",
      "constant|step:EPOCHS:FACTOR|milestones:EPOCHS/...:FACTOR|cosine|warmup:EPOCHS[+...]");
}

CLI::Option* add_l2(CLI::App& app, double& l2) {
  return add_number(app, "--l2", l2,
                    "Weight decay: adds X / 2 times the sum of the squares of all trained weights "
                    "to the loss",
                    0, false, largest_number);
}

Optimizer make_optimizer(const std::string& name, double learning_rate, double momentum) {
  auto made = optimizer_named(name);
  set_learning_rate(made, learning_rate);
  if (auto* value = momentum_of(made)) *value = momentum;
  return made;
}

void check_optimizer(const RunOptions& run, const std::string& name) {
  auto made = optimizer_named(name);
  run.refuse_if(momentum_of(made) == nullptr, "--momentum",
                fmt::format("has no effect with {}", name), "leave it out, or add --optimizer sgd");
  if (run.app().get_option_no_throw("--l2") != nullptr)
    run.refuse_if(!takes_l2(made), "--l2", fmt::format("has no effect with {}", name),
                  "leave it out: its decay is 0.01");
}

void OptimizerChoice::add_to(CLI::App& app, const std::string& group) {
  add_optimizer(app, optimizer)->group(group);
  add_number(app, "--learning-rate", learning_rate, "Learning rate, which --schedule may lower", 0,
             true, largest_number)
      ->group(group);
  add_momentum(app, momentum)->group(group);
  add_schedule(app, schedule)->group(group);
  add_choice(app, "--schedule-over", over_all_stages, {{"stage", false}, {"all", true}},
             "Whether each stage runs through the schedule, or all together do once")
      ->group(group);
}

void OptimizerChoice::check(const RunOptions& run) const {
  check_optimizer(run, optimizer);
  run.refuse_if(!schedule.factor, "--schedule-over", "has no effect on a constant learning rate",
                "name a --schedule, as cosine");
}

void OptimizerChoice::apply_to(FitOptions& fit) const {
  fit.optimizer = make_optimizer(optimizer, learning_rate, momentum);
  fit.schedule = schedule;
  fit.schedule.over_all_stages = over_all_stages;
}

void check_fit(FitOptions fit, int64_t rows, int64_t stages) {
  fit.schedule = in_stage(std::move(fit.schedule), 1, stages);
  try {
    layerwise::check(fit, rows);
  } catch (const std::invalid_argument& error) {
    throw UsageError(error.what(), "see --schedule, --epochs and --batch-size in --help");
  }
}

void EarlyStop::add_to(CLI::App& app, const std::string& group) {
  add_count(app, "--early-stop", patience,
            "End a fit whose validation loss has not improved for so many epochs, with the best "
            "weights; 0 for never",
            0)
      ->group(group);
}

void EarlyStop::check(int64_t validation) const {
  if (patience > 0 && validation == 0)
    throw UsageError("--early-stop without validation rows", "set some aside with --validation");
}

std::optional<EarlyStopping> EarlyStop::make(const std::string& metric) const {
  if (patience == 0) return std::nullopt;
  return EarlyStopping{.metric = metric, .mode = Mode::min, .patience = patience};
}

}  // namespace layerwise::apps
