/// A stacked autoencoder on MNIST, trained phase by phase: the first half of the question.
///
///     mnist_autoencoder                             784-300-150-300-784 in two phases
///     mnist_autoencoder --reproduce joint           another condition that has published numbers
///     mnist_autoencoder --units 784,500,250,30 --noise masking:0.25 --fine-tune 10
///     mnist_autoencoder --resume runs/mnist_autoencoder-1-...
///
/// Prints `0 Train MSE: ...` after every epoch: the error on its last batch, after the step on that
/// batch. Prints the test error of the whole chain at the end.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <regex>

#include <fmt/format.h>

#include "layerwise/study/checkpoints.h"
#include "layerwise/study/recorder.h"
#include "layerwise/study/study.h"

#include "common/command_line.h"
#include "common/program.h"
#include "mnist_autoencoder/report.h"

namespace layerwise::apps {
namespace {

/// Whether this is the score of the whole chain, which trains nothing.
bool is_whole(const StageInfo& info) {
  return info.variant == "whole";
}

std::string checkpoint_name(const StageInfo& info, const AutoencoderOptions& options,
                            int64_t repeat) {
  auto name = title_of(info, options);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == ' ' || c == '-'; }, '_');
  return fmt::format("{}{}.safetensors", repeat > 0 ? fmt::format("repeat{}_", repeat) : "", name);
}

/// The fits of the algorithm. They are also scored on their last batch, including all terms of the
/// loss.
Plan plan_of(const AutoencoderOptions& options, const Split& data) {
  const auto training = options.training();
  auto plan = layerwise::plan_of(training, options.phases(), data);
  for (const auto& stage : stages_of(training, options.phases(), data.train.size())) {
    auto& planned = plan[static_cast<size_t>(stage.info.stage - 1)];
    const auto& objective = training.objective(stage.phase);
    auto last_batch = metrics_of({planned});
    const auto metrics = static_cast<int64_t>(last_batch.size());
    for (size_t i = 1; i < objective.terms.size(); ++i)
      last_batch.push_back(objective.terms[i].metric.name);
    const auto scores = scores_of({"last_batch"}, last_batch);
    planned.scores.insert(planned.scores.begin(), scores.begin(), scores.end());
    const auto of_validation = options.data.validation > 0 ? metrics : 0;
    planned.curve_rows =
        planned.epochs * (static_cast<int64_t>(last_batch.size()) + of_validation) + of_validation;
  }
  return plan;
}

constexpr auto without_it =
    "remove that checkpoint to go on after the one before it, or start anew with another --out";

Description load(StackedAutoencoder& net, const AutoencoderRun& run,
                 const std::filesystem::path& path) {
  return load_in_run(*net, path, run.options.description(run.images), without_it);
}

/// The fits of a repeat that have an intact checkpoint in a folder, from the first on.
Finished fits_with_checkpoints(const AutoencoderRun& run, const Plan& plan, int64_t repeat,
                               const std::filesystem::path& folder) {
  RandomState any(0);
  auto net = run.options.network().make(any);
  Finished finished;
  for (const auto& fit : plan) {
    const auto path = folder / checkpoint_name(fit.info, run.options, repeat);
    std::error_code ignored;
    if (is_whole(fit.info) || !std::filesystem::exists(path, ignored)) break;
    load(net, run, path);
    finished.push_back(true);
  }
  finished.resize(plan.size(), false);
  return finished;
}

/// The fits that are not made again: those with a checkpoint; or all of a repeat, if its table is
/// complete and every fit that leaves a checkpoint has one. The whole chain leaves none, nor does a
/// fit that diverged; but a repeat 0 that diverged is made again, because its network is drawn.
std::vector<Finished> finished_fits(const AutoencoderRun& run, const Plan& plan,
                                    const std::vector<std::string>& metrics,
                                    const Settings& settings, const std::filesystem::path& folder) {
  const auto with_values = fits_with_rows(plan, metrics, settings, folder);
  const auto with_rows = fits_with_rows(plan, metrics, settings, folder, Diverged::finished);
  std::vector<Finished> all;
  for (size_t index = 0; index < with_rows.size(); ++index) {
    const auto repeat = settings.first_repeat + static_cast<int64_t>(index);
    auto finished = fits_with_checkpoints(run, plan, repeat, folder);
    bool complete = all_of(repeat > 0 ? with_rows[index] : with_values[index]);
    for (size_t i = 0; i < plan.size(); ++i)
      complete = complete && (finished[i] || is_whole(plan[i].info) || !with_values[index][i]);
    if (complete) finished.assign(plan.size(), true);
    all.push_back(finished);
  }
  return all;
}

/// Runs one repeat, and saves the network after every stage.
void train(AutoencoderRun& run, const Plan& plan, Repeat& repeat) {
  const bool complete = all_of(repeat.finished);
  if (complete && repeat.number > 0) return;
  auto& random = repeat.random;
  auto net = run.options.network().make(random.initialization);
  net->to(repeat.device);
  AutoencoderProgress done;
  done.stages = std::count(repeat.finished.begin(), repeat.finished.end(), true) - complete;
  if (done.stages > 0) {
    const auto& last = plan[static_cast<size_t>(done.stages - 1)].info;
    const auto path = repeat.folder / checkpoint_name(last, run.options, repeat.number);
    done.steps = take_progress(load(net, run, path), path, without_it, random);
  }
  int64_t steps = done.steps;
  Observer saving = repeat.observer;
  saving.on_stage = [&](const StageReport& report) {
    repeat.observer.on_stage(report);
    if (is_whole(report.info) || report.result.diverged()) return;
    const auto path = repeat.folder / checkpoint_name(report.info, run.options, repeat.number);
    steps += report.result.fit.steps;
    save_in_run(*net, path, with_progress(run.options.description(run.images), random, steps));
  };
  if (!complete)
    train_stacked_autoencoder(net, repeat.data, run.options.training(), random, saving, done);
  const std::lock_guard lock(run.mutex);
  if (repeat.number == 0) run.first = net;
}

Study study_of(AutoencoderRun& run, const RunOptions& options) {
  const auto& autoencoder = run.options;
  auto data = autoencoder.data.split(run.images);
  for (auto* part : {&data.train, &data.test, &data.validation}) part->targets = torch::Tensor();
  const auto plan = plan_of(autoencoder, data);
  Study study(fmt::format("A stacked autoencoder on {}", autoencoder.data.title()), data, plan,
              [&run, plan](Repeat& repeat) { train(run, plan, repeat); });
  study.data_checksum = "";  // each checkpoint has one
  study.metrics = {"sparsity", "rounded_accuracy", "bce", "mse"};
  study.published = {
      run.condition.published, fmt::format("the condition '{}'", run.condition.name),
      options_changed(options.app(),
                      {"Data", "Network", "Training", "Noise and sparsity", "Fine-tuning"},
                      {"--data-dir"})};
  study.report = std::make_shared<AutoencoderReport>(run);
  study.finished = [&run, plan, metrics = study.metrics](const std::filesystem::path& folder,
                                                         const Settings& settings) {
    return finished_fits(run, plan, metrics, settings, folder);
  };
  study.files =  // also those of a run with other phases or repeats
      files_named(options.out,
                  std::regex("(repeat[0-9]+_)?(phase_[0-9]+|all_layers|fine_tuned)\\.safetensors"));
  return study;
}

/// Adds the option `--reproduce`, and the descriptions of its conditions.
void add_condition(CLI::App& app, std::string& reproduce) {
  std::vector<std::string> names;
  std::string footer = "Conditions:";
  for (const auto& other : conditions()) {
    names.push_back(other.name);
    footer += fmt::format("\n  {:<32}{}", other.name, other.what);
  }
  app.footer(footer + fmt::format("\n\nThe defaults above are those of '{}'.", reproduce));
  add_choice(app, "--reproduce", reproduce, with_themselves(names),
             "The condition whose published numbers are compared; sets the defaults below, see the "
             "end")
      ->group("Condition");
}

}  // namespace
}  // namespace layerwise::apps

int main(int argc, char** argv) {
  using namespace layerwise::apps;
  std::string reproduce = "cached";
  const Condition* condition = nullptr;
  AutoencoderOptions autoencoder;
  std::optional<AutoencoderRun> run;
  const auto set_defaults = [&](const std::vector<std::string>& arguments, RunOptions& options) {
    reproduce = value_on_command_line(arguments, "--reproduce").value_or(reproduce);
    condition = &condition_named(reproduce);
    autoencoder = condition->options;
    options.engine.cache = autoencoder.engine.cache;
  };
  const auto add_options = [&](CLI::App& app) {
    add_condition(app, reproduce);
    autoencoder.add_to(app);
  };
  const auto make_study = [&](const RunOptions& options) {
    if (reproduce != condition->name)
      throw UsageError("--reproduce in a configuration file: it sets other options' defaults",
                       "give it on the command line");
    autoencoder.check(options);
    autoencoder.engine = options.engine;
    const auto images = autoencoder.data.read();
    autoencoder.data.check(images);
    autoencoder.check_pixels(images.height, images.width);
    autoencoder.check_size(images.train.size() - autoencoder.data.validation);
    run.emplace(autoencoder, *condition, images);
    return study_of(*run, options);
  };
  return run_program(argc, argv,
                     {"mnist_autoencoder",
                      "Trains a stacked autoencoder on MNIST one hidden layer at a time, each on "
                      "the codes of the layers before.",
                      add_options, make_study, set_defaults});
}
