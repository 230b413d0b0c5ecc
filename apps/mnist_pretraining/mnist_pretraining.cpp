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
#include <memory>
#include <optional>
#include <regex>

#include <fmt/format.h>
#include <torch/utils.h>

#include "layerwise/pretraining/principal_components.h"
#include "layerwise/study/checkpoints.h"
#include "layerwise/study/recorder.h"
#include "layerwise/study/study.h"
#include "layerwise/train/evaluate.h"

#include "common/resume.h"
#include "mnist_pretraining/answer.h"
#include "mnist_pretraining/answer_figures.h"
#include "mnist_pretraining/comparison.h"
#include "mnist_pretraining/pretraining.h"
#include "mnist_pretraining/tuning.h"

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

Plan plan_of(const PretrainingOptions& options, int64_t rows) {
  Plan plan;
  int64_t stage = 1;
  if (options.needs_encoder() && options.checkpoint.empty()) {
    const auto stages = stages_of(options.encoder_training(), options.encoder.phases(), rows);
    for (const auto& [info, phase, fit] : stages) {
      PlannedFit planned{info, fit.epochs, scores_of({"validation"}, {"mse"})};
      planned.curve_rows = 0;
      planned.work = work_of_encoder(options, phase, rows) * static_cast<double>(fit.epochs);
      plan.push_back(planned);
    }
    plan.push_back({whole_chain(stages), 0, scores_of({"validation"}, {"mse"})});
    plan.back().curve_rows = 0;
    stage += static_cast<int64_t>(stages.size());
  }
  const auto scores = scores_of({"train", "validation", "test"}, {"accuracy", "cross_entropy"});
  for (const auto labels : options.label_counts()) {
    for (const bool tuned : {false, true}) {
      if (tuned && !options.has_budgets()) continue;
      for (const auto& variant : options.chosen_variants()) {
        PlannedFit planned{info_of(variant, labels, tuned, stage), options.epochs, scores};
        planned.curve_rows = 0;
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
StackedAutoencoder encoder_of(const Run& run, Repeat& repeat) {
  const auto& options = run.options;
  if (!options.needs_encoder() || !options.checkpoint.empty())
    return given_encoder(options, repeat.data, repeat.random);
  const auto path = repeat.folder / encoder_file(repeat.number);
  const auto description = options.encoder.description(run.images);
  if (!repeat.finished.front()) {
    const auto save = [&](const StackedAutoencoder& net) {
      save_in_run(*net, path, with_progress(description, repeat.random, 0));
    };
    return pretrained(options, repeat.data, repeat.random, repeat.observer, save);
  }
  constexpr auto start_anew = "the run cannot be resumed; start it anew with another --out";
  auto net = options.encoder.network().make(repeat.random.initialisation);
  net->to(repeat.data.train.inputs.device());
  take_progress(load_in_run(*net, path, description, start_anew), path, start_anew, repeat.random);
  return net;
}

/// One repeat: its encoder, its labelled rows, and every variant on them.
void train(Run& run, const Plan& plan, Repeat& repeat, int64_t repeats) {
  const auto& options = run.options;
  const auto encoder = encoder_of(run, repeat);
  const ClassifierLabels labelled(repeat.data, options.takes_first_rows(repeats), repeat.random);
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
                                             training, place->info, repeat.random, repeat.observer);
        repeat.observer.on_stage({place->info, result.stage, {}});
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

class ComparisonReport : public Report {
 public:
  explicit ComparisonReport(const Run& run) : run_(run) {}

  std::vector<Score> curve_scores(const StageInfo& info, const FitView& view) const override {
    return apps::curve_scores(options(), info, view);
  }
  std::string label(const StageInfo& info) const override { return label_of(options(), info); }
  std::string line(const Outcome& outcome) const override { return end_line(options(), outcome); }
  std::string epoch_line(const StageInfo& info, const FitView& view,
                         const std::vector<Score>& scores) const override {
    return step_line(options(), info, view, scores);
  }
  report::Table table(const Plan& plan, const Results& results,
                      const Curves& curves) const override {
    const ComparisonResults compared(options(), plan, results, curves);
    return options().has_budgets() ? budget_table(options(), compared, false)
                                   : accuracy_table(options(), compared);
  }
  std::vector<std::string> notes(const Plan&, const Results& results) const override {
    return comparison_notes(options(), results);
  }
  std::vector<report::Section> sections(const Plan& plan, const Results& results,
                                        const Curves& curves) const override {
    const ComparisonResults compared(options(), plan, results, curves);
    return options().has_budgets() ? budget_sections(options(), compared, run_.rates)
                                   : answer_sections(options(), compared);
  }
  std::vector<CaptionedFigure> figures(const Plan& plan, const Results& results,
                                       const Curves& curves) const override {
    const ComparisonResults compared(options(), plan, results, curves);
    return options().has_budgets() ? budget_figures(options(), compared)
                                   : accuracy_figures(options(), compared);
  }
  std::vector<std::string> figure_names() const override {
    return {"held_out_accuracy", "accuracy_by_labels"};
  }

 private:
  const PretrainingOptions& options() const { return run_.options; }

  const Run& run_;
};

/// An encoder is finished as a whole.
std::vector<Finished> finished_fits(const Plan& plan, const std::vector<std::string>& metrics,
                                    int64_t repeats, const std::filesystem::path& folder) {
  auto all = fits_with_rows(plan, metrics, repeats, folder);
  for (auto& finished : all) {
    bool whole = true;
    for (size_t i = 0; i < plan.size(); ++i)
      if (is_encoder(plan[i].info)) whole = whole && finished[i];
    for (size_t i = 0; i < plan.size(); ++i) finished[i] = finished[i] && whole;
  }
  return all;
}

Study study_of(Run& run, const CLI::App& app, const RunOptions& options, const Split& data) {
  const auto& own = run.options;
  const auto plan = plan_of(own, data.train.size());
  Study study(fmt::format("What pretraining is worth on few labels of {}",
                          own.encoder.data.dataset == "mnist" ? "MNIST" : "Fashion-MNIST"),
              data, plan, [&run, &options, plan](Repeat& repeat) {
                train(run, plan, repeat, options.repeats);
              });
  study.data_checksum = run.images.checksum;
  study.metrics = {"mse", "code_mean", "code_deviation", "cross_entropy", "accuracy"};
  study.published = {{},
                     "the document's script",
                     options_changed(app, {"Data", "Network", "Encoder", "Classifier"},
                                     {"--data-dir", "--subset", "--variants", "--encoder",
                                      "--curve-every", "--head-share"})};
  study.report = std::make_shared<ComparisonReport>(run);
  study.finished = [plan, metrics = study.metrics](const std::filesystem::path& folder,
                                                   int64_t repeats) {
    return finished_fits(plan, metrics, repeats, folder);
  };
  study.prepare = [&run, &own, &options](const Split& all, const std::filesystem::path& folder) {
    const auto chosen = own.chosen_variants();
    const bool pca = std::any_of(chosen.begin(), chosen.end(), [](const auto& variant) {
      return variant.codes == Codes::principal_components;
    });
    if (pca)
      run.components = principal_components(all.train.inputs, own.encoder.layer_units().back());
    if (own.has_budgets()) run.rates = tuned_rates(own, options, all, run.components, folder);
  };
  study.files = files_named(options.out, std::regex("(repeat[0-9]+_)?encoder\\.safetensors"));
  study.files.emplace_back("tuning.csv");
  return study;
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
    own.encoder.engine = options.engine;
    Run run{own, own.encoder.data.read(), {}, {}};
    adopt_checkpoint(own, run.images);
    own.encoder.data.check(run.images);
    const auto data = own.encoder.data.split(run.images);
    own.check_data(app, data, options.repeats);
    for (const auto& [name, place] : {std::pair("--data-dir", own.encoder.data.data_dir),
                                      std::pair("--encoder", own.checkpoint)}) {
      if (!place.empty())
        set_option(command.arguments, name, std::filesystem::absolute(place).string());
    }
    run_study(study_of(run, app, options, data), options, start_of(app, command, options));
  });
}

}  // namespace
}  // namespace layerwise::apps

int main(int argc, char** argv) {
  return layerwise::apps::run(argc, argv);
}
