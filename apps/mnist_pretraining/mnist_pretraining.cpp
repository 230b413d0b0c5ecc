/// What pretraining is worth on few labels: the second half of the question.
///
///     mnist_pretraining                           the document's script, and controls
///
///     mnist_pretraining --repeats 20  with intervals, and an answer to the question
///
///     mnist_pretraining --budgets 100,1000,10000  at several numbers of labels
///
///     mnist_pretraining --quick                   a version that takes two minutes
///
/// Prints what the document lacks: the held-out accuracy of every variant from step 0 on. With
/// `--print steps`, prints `0 Train accuracy after each mini-batch: ...` for the document's two
/// variants before that.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "layerwise/pretraining/principal_components.h"
#include "layerwise/study/checkpoints.h"
#include "layerwise/study/recorder.h"
#include "layerwise/study/study.h"

#include "common/command_line.h"
#include "common/encoders.h"
#include "common/program.h"
#include "mnist_pretraining/comparison.h"
#include "mnist_pretraining/pretraining.h"
#include "mnist_pretraining/report.h"
#include "mnist_pretraining/tuning.h"

namespace layerwise::apps {
namespace {

/// The encoder of a repeat: a given one; one that was saved by the run that is resumed; or a new
/// one, which is trained and saved. Empty if its training diverged.
StackedAutoencoder encoder_of(const ComparisonRun& run, Repeat& repeat) {
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
  auto net = options.encoder.network().make(repeat.random.initialization);
  net->to(repeat.device);
  take_progress(load_in_run(*net, path, description, start_anew), path, start_anew, repeat.random);
  return net;
}

/// Runs one repeat: its encoder, its labeled rows, and every variant on them.
void train(ComparisonRun& run, const Plan& plan, Repeat& repeat, const Settings& settings) {
  const auto& options = run.options;
  if (all_of(repeat.finished)) return;
  const auto encoder = encoder_of(run, repeat);
  const ClassifierLabels labelled(repeat.data, options.takes_first_rows(settings), repeat.random);
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

/// The completed fits. The fits of an encoder count only together, and without them no other fit
/// counts. Those that diverged count only in a repeat that is complete.
std::vector<Finished> finished_fits(const Plan& plan, const std::vector<std::string>& metrics,
                                    const Settings& settings, const std::filesystem::path& folder) {
  auto all = fits_with_rows(plan, metrics, settings, folder);
  const auto with_diverged = fits_with_rows(plan, metrics, settings, folder, Diverged::finished);
  for (size_t repeat = 0; repeat < all.size(); ++repeat) {
    auto& finished = all[repeat];
    if (all_of(with_diverged[repeat])) {
      finished = with_diverged[repeat];
      continue;
    }
    bool whole = true;
    for (size_t i = 0; i < plan.size(); ++i)
      if (is_encoder(plan[i].info)) whole = whole && finished[i];
    for (size_t i = 0; i < plan.size(); ++i) finished[i] = finished[i] && whole;
  }
  return all;
}

Study study_of(ComparisonRun& run, const RunOptions& options, const Split& data) {
  const auto& own = run.options;
  const auto plan = plan_of(own, data.train.size());
  Study study(
      fmt::format("What pretraining is worth on few labels of {}", own.encoder.data.title()), data,
      plan, [&run, &options, plan](Repeat& repeat) { train(run, plan, repeat, options); });
  study.data_checksum = run.images.checksum;
  study.metrics = {"mse", "code_mean", "code_deviation", "cross_entropy", "accuracy"};
  study.published = {{},
                     "the document's script",
                     options_changed(options.app(), {"Data", "Network", "Encoder", "Classifier"},
                                     {"--data-dir", "--subset", "--variants", "--encoder",
                                      "--curve-every", "--head-share"})};
  study.claims = claims_of(plan, own.margin.value);
  study.report = std::make_shared<ComparisonReport>(run);
  study.finished = [plan, metrics = study.metrics](const std::filesystem::path& folder,
                                                   const Settings& settings) {
    return finished_fits(plan, metrics, settings, folder);
  };
  study.prepare = [&run, &own, &options](const Split& all, const std::filesystem::path& folder) {
    const auto chosen = own.chosen_variants();
    const bool pca = std::any_of(chosen.begin(), chosen.end(), [](const auto& variant) {
      return variant.codes == Codes::principal_components;
    });
    if (pca) run.components = principal_components(all.train.inputs, own.encoder.units.back());
    if (own.has_budgets()) run.rates = tuned_rates(own, options, all, run.components, folder);
  };
  study.files = encoder_files(options.out);
  study.files.emplace_back("tuning.csv");
  return study;
}

}  // namespace
}  // namespace layerwise::apps

int main(int argc, char** argv) {
  using namespace layerwise::apps;
  PretrainingOptions own;
  std::optional<ComparisonRun> run;
  const auto set_defaults = [&](const std::vector<std::string>& arguments, RunOptions& options) {
    options.curves = RunOptions::Curves::mean;
    own.quick = flag_on_command_line(arguments, "--quick");
    if (!own.quick) return;
    const QuickDefaults quick;
    own.set_defaults(quick);
    options.repeats = quick.repeats;
  };
  const auto add_options = [&](CLI::App& app) {
    std::string footer = "Variants:";
    for (const auto& variant : layerwise::classifier_variants())
      footer += fmt::format("\n  {:<32}{}", variant.name, variant.what);
    app.footer(footer);
    app.add_flag(
           "--quick", own.quick,
           "A version that takes two minutes: other defaults for --repeats, --curve-every and what "
           "belongs to --budgets")
        ->disable_flag_override()
        ->group("Run");
    own.add_to(app);
  };
  const auto make_study = [&](const RunOptions& options) {
    own.check(options);
    own.encoder.engine = options.engine;
    run.emplace(own, own.encoder.data.read());
    adopt_checkpoint(own, run->images);
    own.encoder.data.check(run->images);
    const auto data = own.encoder.data.split(run->images);
    own.check_data(options, data);
    return study_of(*run, options, data);
  };
  return run_program(
      argc, argv,
      {"mnist_pretraining",
       "Trains classifiers on few labels, with and without a pretrained encoder, and "
       "says what the pretraining was worth.",
       add_options, make_study, set_defaults});
}
