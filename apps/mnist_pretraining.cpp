/// What pretraining is worth on few labels: the second half of the question.
///
///     mnist_pretraining                           the document's script, and controls
///
///     mnist_pretraining --repeats 20 --threads 2  with intervals, and the question answered
///
///     mnist_pretraining --budgets 100,1000,10000  at several numbers of labels
///
///     mnist_pretraining --quick                   a version of two minutes
///
/// Prints `0 Train accuracy after each mini-batch: ...` for the document's two variants, then what
/// the document lacks: held-out accuracy from step 0 on, of every variant.
#include <algorithm>
#include <filesystem>
#include <optional>
#include <regex>

#include <fmt/format.h>
#include <torch/utils.h>

#include "layerwise/pretraining/principal_components.h"
#include "layerwise/train/evaluate.h"

#include "support/answer.h"
#include "support/answer_figures.h"
#include "support/checkpoints.h"
#include "support/comparison.h"
#include "support/experiment.h"
#include "support/pretraining.h"
#include "support/recorder.h"
#include "support/resume.h"
#include "support/tuning.h"

namespace layerwise::apps {
namespace {

constexpr auto program = "mnist_pretraining";

/// What a run of this program is: its options, its data, and what its repeats share.
struct Run {
  const PretrainingOptions& options;
  LabelledImages images;
  std::optional<Block> components;
  TunedRates rates;  ///< with budgets
};

std::vector<PlannedFit> plan_of(const PretrainingOptions& options, int64_t rows) {
  std::vector<PlannedFit> plan;
  int64_t stage = 1;
  if (options.needs_encoder() && options.checkpoint.empty()) {
    const auto stages = stages_of(options.encoder_training(), options.encoder.phases(), rows);
    for (const auto& [info, phase, fit] : stages) {
      PlannedFit planned{info, fit.epochs, scores_of({"validation"}, {"mse"})};
      planned.work = work_of_encoder(options, phase, rows) * static_cast<double>(fit.epochs);
      plan.push_back(planned);
    }
    plan.push_back({whole_chain(stages), 0, scores_of({"validation"}, {"mse"})});
    stage += static_cast<int64_t>(stages.size());
  }
  const auto scores = scores_of({"train", "validation", "test"}, {"accuracy", "cross_entropy"});
  for (const auto labels : options.label_counts()) {
    for (const bool tuned : {false, true}) {
      if (tuned && !options.has_budgets()) continue;
      for (const auto& variant : options.chosen_variants()) {
        PlannedFit planned{info_of(variant, labels, tuned, stage), options.epochs, scores};
        planned.work = work_of(options, variant, labels, tuned);
        if (!options.has_budgets()) {
          planned.curve_rows = curve_rows_of(options, labels);
          const bool codes = variant.trained == Trained::head && variant.codes != Codes::inputs;
          for (const auto* metric : {"code_mean", "code_deviation"})
            if (codes) planned.scores.emplace_back("train", metric);
        }
        plan.push_back(planned);
      }
    }
  }
  return plan;
}

std::string encoder_file(int64_t repeat) {
  return repeat > 0 ? fmt::format("repeat{}_encoder.safetensors", repeat) : "encoder.safetensors";
}

/// The encoder of a repeat: given, or trained and saved, or if the run has done so already, loaded.
/// None if its training diverged.
StackedAutoencoder encoder_of(const Run& run, const Repeat& repeat, Random& random,
                              const Observer& observer) {
  const auto& options = run.options;
  const auto path = repeat.folder / encoder_file(repeat.number);
  const bool finished = repeat.finished.front();
  const bool trains = options.needs_encoder() && options.checkpoint.empty() && !finished;
  const auto save = [&](const StackedAutoencoder& net) {
    save_in_run(*net, path, options.encoder.description(run.images));
  };
  auto net = trains ? pretrained(options, repeat.data, random, observer, save)
                    : given_encoder(options, repeat.data, random);
  if (options.needs_encoder() && options.checkpoint.empty() && finished) {
    load_in_run(*net, path, options.encoder.description(run.images),
                "the run cannot be resumed; start it anew with another --out");
  }
  return net;
}

/// One repeat: its encoder, its labelled rows, and every variant on them.
void train(Run& run, const std::vector<PlannedFit>& plan, const Repeat& repeat, int64_t repeats,
           Random& random, const Observer& observer) {
  const auto& options = run.options;
  const auto encoder = encoder_of(run, repeat, random, observer);
  const ClassifierLabels labelled(repeat.data, options.takes_first_rows(repeats), random);
  const auto parts = parts_of(options, encoder, run.components);
  for (const auto labels : options.label_counts()) {
    for (const bool tuned : {false, true}) {
      for (const auto& variant : options.chosen_variants()) {
        const auto place = std::find_if(plan.begin(), plan.end(), [&](const PlannedFit& fit) {
          return fit.info.labels == labels && fit.info.variant == name_of(variant, tuned);
        });
        if (place == plan.end() || repeat.finished[static_cast<size_t>(place - plan.begin())])
          continue;
        if (variant.codes == Codes::pretrained && encoder.is_empty()) continue;
        const auto training = tuned ? options.tuned_training(run.rates.at({variant.name, labels}))
                                    : options.training();
        const auto result = train_classifier(variant, parts, labelled.split(labels, tuned),
                                             training, place->info, random, observer);
        observer.on_stage({place->info, result.stage, {}});
      }
    }
  }
}

/// Held-out accuracy, and the accuracy on the batch just fitted.
std::vector<Score> curve_scores(const PretrainingOptions& options, const StageInfo& info,
                                const FitView& view) {
  if (is_encoder(info) || options.has_budgets()) return {};
  auto scores = view.engine.evaluate_last_batch();
  if (view.step % options.curve_every != 0 && view.step != view.steps) return scores;
  const auto held_out = view.engine.evaluate("validation");
  scores.insert(scores.end(), held_out.begin(), held_out.end());
  return scores;
}

/// What the document's script prints after a step, for its two variants.
std::string step_line(const PretrainingOptions& options, const StageInfo& info, const FitView& view,
                      const std::vector<Score>& scores) {
  if (is_encoder(info) || options.has_budgets()) return {};
  if (info.variant != "none" && info.variant != "frozen") return {};
  if (view.step == 0) return info.variant == "none" ? "Without pretraining" : "With pretraining";
  const int64_t an_epoch = view.steps / view.epochs;
  const auto epoch = (view.step - 1) / an_epoch;
  const auto accuracy = value_of(scores, "last_batch", "accuracy");
  auto line = fmt::format("{} Train accuracy after each mini-batch: {:.3g}", epoch, accuracy);
  if (view.step % an_epoch == 0)
    line += fmt::format("\n{} Train accuracy after all batched: {:.3g}", epoch, accuracy);
  return line;
}

std::string end_line(const PretrainingOptions& options, const Outcome& outcome) {
  const auto& variant = outcome.info.variant;
  if (options.has_budgets() || (variant != "none" && variant != "frozen")) return {};
  return fmt::format("Test accuracy ({} pretraining): {}", variant == "none" ? "without" : "with",
                     with_digits(value_of(outcome.scores, "test", "accuracy"), 4));
}

std::string label_of(const PretrainingOptions& options, const StageInfo& info) {
  if (info.variant == "whole") return "encoder";
  if (is_encoder(info)) return fmt::format("encoder, phase {}", info.stage);
  return options.has_budgets() ? fmt::format("{} labels, {}", info.labels, info.variant)
                               : info.variant;
}

Experiment experiment_of(Run& run, const RunOptions& options, Split data) {
  Experiment experiment;
  const auto& own = run.options;
  experiment.title = fmt::format("What pretraining is worth on few labels of {}",
                                 own.encoder.data.dataset == "mnist" ? "MNIST" : "Fashion-MNIST");
  experiment.data = std::move(data);
  experiment.plan = plan_of(own, experiment.data.train.size());
  experiment.data_checksum = run.images.checksum;
  experiment.metrics = {"mse", "code_mean", "code_deviation", "cross_entropy", "accuracy"};
  experiment.settings = {
      {"Data", "Network", "Encoder", "Classifier"},
      {"--data-dir", "--subset", "--variants", "--encoder", "--curve-every", "--head-share"},
      "the document's script"};
  experiment.algorithm = [&run, &options, plan = experiment.plan](
                             const Repeat& repeat, Random& random, const Observer& observer) {
    train(run, plan, repeat, options.repeats, random, observer);
  };
  experiment.line = [&](const Outcome& outcome) { return end_line(own, outcome); };
  experiment.epoch_line = [&](const StageInfo& info, const FitView& view,
                              const std::vector<Score>& scores) {
    return step_line(own, info, view, scores);
  };
  experiment.curve_scores = [&](const StageInfo& info, const FitView& view) {
    return curve_scores(own, info, view);
  };
  experiment.label = [&](const StageInfo& info) { return label_of(own, info); };
  experiment.finished = [&options, plan = experiment.plan](int64_t repeat,
                                                           const std::filesystem::path& folder) {
    auto finished = fits_with_rows(plan, options.repeats, folder)[static_cast<size_t>(repeat)];
    // An encoder is finished as a whole.
    bool whole = true;
    for (size_t i = 0; i < plan.size(); ++i)
      if (is_encoder(plan[i].info)) whole = whole && finished[i];
    for (size_t i = 0; i < plan.size(); ++i) finished[i] = finished[i] && whole;
    return finished;
  };
  experiment.prepare = [&](const Split& all, const std::filesystem::path& folder) {
    const auto chosen = own.chosen_variants();
    const bool pca = std::any_of(chosen.begin(), chosen.end(), [](const auto& variant) {
      return variant.codes == Codes::principal_components;
    });
    if (pca)
      run.components = principal_components(all.train.inputs, own.encoder.layer_units().back());
    if (own.has_budgets()) run.rates = tuned_rates(own, options, all, run.components, folder);
  };
  const auto results = [&own, plan = experiment.plan](const Study& study, const Curves& curves) {
    return ComparisonResults(own, plan, study, curves);
  };
  experiment.table = [&own, results](const Study& study, const Curves& curves) {
    return own.has_budgets() ? budget_table(own, results(study, curves), false)
                             : accuracy_table(own, results(study, curves));
  };
  experiment.notes = [&own](const Study& study) { return comparison_notes(own, study); };
  experiment.sections = [&, results](const Study& study, const Curves& curves) {
    return own.has_budgets() ? budget_sections(own, results(study, curves), run.rates)
                             : answer_sections(own, results(study, curves));
  };
  experiment.figures = [&own, results](const Study& study, const Curves& curves) {
    return own.has_budgets() ? budget_figures(own, results(study, curves))
                             : accuracy_figures(own, results(study, curves));
  };
  experiment.figure_names = {"held_out_accuracy", "accuracy_by_labels"};
  experiment.files = files_named(options.out, std::regex("(repeat[0-9]+_)?encoder\\.safetensors"));
  experiment.files.emplace_back("tuning.csv");
  return experiment;
}

int run(int argc, char** argv) {
  auto command = command_line(argc, argv);
  const int prepared = prepare_program([&] { command = resumed(command, program); });
  if (prepared != 0) return prepared;

  CLI::App app(
      "Trains classifiers on few labels, with and without a pretrained encoder, and says what the "
      "pretraining was worth.",
      program);
  RunOptions options;
  options.curves = RunOptions::Curves::mean;
  PretrainingOptions own;
  const auto& given = command.arguments;
  own.quick = std::any_of(given.begin(), given.end(), [](const std::string& word) {
    return word == "--quick" || word == "--quick=true";
  });
  if (own.quick) {
    const QuickDefaults quick;
    own.set_defaults(quick);
    options.repeats = quick.repeats;
  }
  std::string footer = "Variants:";
  for (const auto& variant : classifier_variants())
    footer += fmt::format("\n  {:<32}{}", variant.name, variant.what);
  app.footer(footer);
  options.add_to(app);
  std::string resume;
  app.add_option("--resume", resume, "Go on with the run in this folder, with its options")
      ->check(file_name())
      ->option_text("DIR")
      ->group("Run");
  app.add_flag(
         "--quick", own.quick,
         "A version that takes two minutes: other defaults for --repeats, --curve-every and what "
         "belongs to --budgets")
      ->disable_flag_override()
      ->group("Run");
  own.add_to(app);

  const auto arguments = command.arguments;
  return run_program(app, arguments, [&] {
    options.check();
    own.check(app, options);
    own.encoder.engine = options.engine_options();
    Run run{own, own.encoder.data.read(), {}, {}};
    adopt_checkpoint(own, run.images);
    own.encoder.data.check(run.images);
    auto data = own.encoder.data.split(run.images);
    own.check_data(app, data, options.repeats);
    set_option(command.arguments, "--device", find_device(options.device_for_repeats()).str());
    for (const auto& [name, place] : {std::pair("--data-dir", own.encoder.data.data_dir),
                                      std::pair("--encoder", own.checkpoint)}) {
      if (!place.empty())
        set_option(command.arguments, name, std::filesystem::absolute(place).string());
    }
    const auto experiment = experiment_of(run, options, std::move(data));
    run_experiment(experiment, app, command, options);
  });
}

}  // namespace
}  // namespace layerwise::apps

int main(int argc, char** argv) {
  return layerwise::apps::run(argc, argv);
}
