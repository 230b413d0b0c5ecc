/// When layer-wise pretraining helps, and when it does not: controls on MNIST and on generated
/// images, from bad and from good starts, with pretraining and without.
///
///     when_pretraining_helps                    the first four, five repeats; hours
///     when_pretraining_helps --controls A       deep autoencoders alone
///     when_pretraining_helps --quick            two arms of A; five minutes
///
/// @see apps/README.md, "When does pretraining help?"
#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "layerwise/device.h"
#include "layerwise/report/print.h"
#include "layerwise/report/progress.h"
#include "layerwise/study/rate_choice.h"

#include "common/arm_choice.h"
#include "common/command_line.h"
#include "common/images.h"
#include "common/program.h"
#include "when_pretraining_helps/helps_report.h"

namespace layerwise::apps {
namespace {

/// What the options say, and what its repeats share.
struct HelpsRun {
  std::vector<ControlArm> arms;
  std::map<std::string, double> rates;
};

/// A third of the epochs serves to choose a rate.
constexpr Run trial{1.0 / 3, true};

/// The mean score on the validation rows of an arm's last fits.
double trial_score(const ControlArm& arm, const Pretrained& pretrained, const Split& images,
                   double rate, const Observer& observer) {
  double sum = 0;
  size_t count = 0;
  Observer scoring = observer;
  scoring.on_stage = [&](const StageReport& report) {
    const bool counts = std::any_of(arm.finals.begin(), arm.finals.end(), [&](const Final& last) {
      return last.chooses_rate && last.info == report.info;
    });
    if (!counts) return;
    const double value = report.result.diverged()
                             ? std::numeric_limits<double>::quiet_NaN()
                             : value_of(report.result.scores, "validation", arm.metric);
    sum += higher_is_better(arm.metric) ? value : -value;
    ++count;
  };
  arm.tune(pretrained, images, trial, rate, scoring);
  const auto all = std::count_if(arm.finals.begin(), arm.finals.end(),
                                 [](const Final& last) { return last.chooses_rate; });
  const bool complete = count == static_cast<size_t>(all) && std::isfinite(sum);
  return complete ? sum / static_cast<double>(count) : std::numeric_limits<double>::quiet_NaN();
}

/// How long a run takes, for a person who waits.
std::string expected_time(const std::vector<ControlArm>& arms, const ControlOptions& options,
                          const RunOptions& settings) {
  constexpr double multiplications_a_second = 40e9;  // of one core with AVX2, in fp32
  double work = 0;
  for (const auto& arm : arms) {
    work += arm.work() * static_cast<double>(settings.repeats);
    if (arm.rates.size() == 1) continue;
    work += trial.share * static_cast<double>(options.tuning_repeats) *
            (arm.pretraining_work() + arm.tuning_work() * static_cast<double>(arm.rates.size()));
  }
  return fmt::format("about {} of a core with AVX2",
                     report::duration_text(work / multiplications_a_second));
}

void choose_rates(HelpsRun& run, const ControlOptions& options, const Settings& settings,
                  const Split& images, const std::filesystem::path& folder) {
  std::vector<RateCandidates> candidates;
  for (const auto& arm : run.arms) {
    candidates.push_back({arm.name, arm.rates,
                          [&](const Random& random, const Observer& observer) {
                            return [&, pretrained = arm.pretrain(images, trial, random, observer)](
                                       double rate) {
                              return trial_score(arm, pretrained, images, rate, observer);
                            };
                          },
                          arm.tuning_work() * trial.share, arm.pretraining_work() * trial.share});
  }
  run.rates = chosen_rates(candidates, options.tuning_repeats, settings, folder);
}

Plan plan_of(const std::vector<ControlArm>& arms) {
  std::vector<Plan> plans;
  for (const auto& arm : arms) plans.push_back(of_variant(arm.name, arm.plan));
  return joined(plans);
}

/// Runs every arm that is not complete already.
void run_arms(const HelpsRun& run, const Repeat& repeat) {
  for (const auto& arm : run.arms) {
    auto variant = repeat.of_variant(arm.name);
    if (variant.keep_whole()) continue;
    const auto pretrained = arm.pretrain(repeat.data, {}, variant.random, variant.observer);
    arm.tune(pretrained, repeat.data, {}, run.rates.at(arm.name), variant.observer);
  }
}

Study study_of(HelpsRun& run, const ControlOptions& options, const RunOptions& settings,
               const LabelledImages& images, bool mnist, double margin) {
  const Split data{images.train, images.test};
  Study study("When does layer-wise pretraining help?", data, plan_of(run.arms),
              [&run](Repeat& repeat) { run_arms(run, repeat); });
  study.report = std::make_shared<HelpsReport>(
      run.arms, run.rates, autoencoder_baselines(options, data, run.arms, mnist));
  study.claims = control_claims(run.arms, margin);
  study.published = {comparable_accuracies(run.arms),
                     "Larochelle et al. 2009 (D) and Vincent et al. 2010 (E), reduced",
                     options_changed(settings.app(), {"Data", "Controls"},
                                     {"--data-dir", "--controls", "--arms"})};
  study.files = {"rates.csv"};
  study.prepare = [&run, options, settings](const Split& split,
                                            const std::filesystem::path& folder) {
    choose_rates(run, options, settings, split, folder);
  };
  return study;
}

void add_options(CLI::App& app, ControlOptions& options, std::string& controls) {
  const auto* group = "Controls";
  add_text(app, "--controls", controls,
           "Which: A deep autoencoders, B classifiers by depth, C few labels, D Larochelle's "
           "depth assay, E denoising, as Vincent et al. 2010",
           "NAME[,NAME...]")
      ->group(group);
  add_count(app, "--train-rows", options.train_rows, "A, C: training rows, without labels")
      ->group(group);
  add_count(app, "--autoencoder-epochs", options.autoencoder_epochs, "A: epochs of each layer")
      ->group(group);
  add_count(app, "--tuning-epochs", options.tuning_epochs,
            "A: epochs of all layers after pretraining; without it, as many more as that takes")
      ->group(group);
  add_count(app, "--layer-epochs", options.layer_epochs, "B, D, E: epochs of each layer")
      ->group(group);
  add_count(
      app, "--classifier-epochs", options.classifier_epochs,
      "B, D, E: epochs of all layers after pretraining, at most; without it, at least as many "
      "more as pretraining takes")
      ->group(group);
  add_count(app, "--wide-epochs", options.wide_epochs, "C: epochs of each layer")->group(group);
  add_count(app, "--steps", options.steps, "C: steps of all layers, at most")->group(group);
  add_value(app, "--labels", options.labels, list_of(whole_number(10, most)),
            "C: numbers of labels", "N[,N...]")
      ->group(group);
  add_count(app, "--tuning-repeats", options.tuning_repeats,
            "Separate repeats that choose each arm's learning rate")
      ->group(group);
}

/// Two arms of A on 8,000 rows, at one learning rate.
void make_quick(ControlOptions& options) {
  options.train_rows = 8000;
  options.autoencoder_epochs = 4;
  options.tuning_epochs = 10;
}
constexpr auto quick_controls = "A";
constexpr auto quick_arms = "A_sigmoid_none,A_sigmoid_autoencoders";

/// @throws UsageError if one is none of them
std::vector<std::string> chosen_controls(const std::string& names) {
  std::vector<std::string> known;
  for (const auto& control : all_controls()) known.push_back(control.name);
  auto chosen = cut_at_commas(names);
  for (const auto& name : chosen) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      throw UsageError(fmt::format("--controls: '{}' is no control", name),
                       fmt::format("the controls are {}", fmt::join(known, ", ")));
    }
  }
  return chosen;
}

/// @param options their numbers of labels are sorted
void check_sizes(const ControlOptions& options, const LabelledImages& images) {
  if (images.height * images.width != 784) {
    throw UsageError(fmt::format("the images are {} x {} pixels", images.height, images.width),
                     "the controls' networks take 28 x 28");
  }
  const auto rows = images.train.size();
  const auto& labels = options.labels;
  if (std::adjacent_find(labels.begin(), labels.end()) != labels.end()) {
    throw UsageError(fmt::format("--labels {} has a number twice", fmt::join(options.labels, ",")),
                     "give each number once");
  }
  const auto most_labels = labels.back();
  if (options.has("C") && most_labels > std::min(rows - rows / 12, options.train_rows)) {
    throw UsageError(fmt::format("--labels {} of {} training rows", most_labels,
                                 std::min(rows - rows / 12, options.train_rows)),
                     "ask for fewer labels");
  }
}

/// The options that none of the chosen controls has a use for.
std::vector<std::string> options_without_effect(const ControlOptions& options) {
  const std::vector<std::pair<const char*, std::string>> uses{{"--train-rows", "AC"},
                                                              {"--autoencoder-epochs", "A"},
                                                              {"--tuning-epochs", "A"},
                                                              {"--layer-epochs", "BDE"},
                                                              {"--classifier-epochs", "BDE"},
                                                              {"--wide-epochs", "C"},
                                                              {"--steps", "C"},
                                                              {"--labels", "C"},
                                                              {"--margin", "BCDE"}};
  std::vector<std::string> names;
  for (const auto& [option, controls] : uses) {
    const bool used = std::any_of(controls.begin(), controls.end(), [&](char control) {
      return options.has(std::string(1, control));
    });
    if (!used) names.emplace_back(option);
  }
  return names;
}

/// @throws UsageError if an option has no effect, or a chosen arm has RBMs that the engine does not
/// train
void check_options(const ControlOptions& options, const std::vector<ControlArm>& arms,
                   const RunOptions& settings) {
  for (const auto& option : options_without_effect(options))
    settings.refuse_if(true, option, "has no effect on these controls", "leave it out");
  const bool rbms = std::any_of(arms.begin(), arms.end(),
                                [](const ControlArm& arm) { return arm.way == Way::rbms; });
  if (!rbms) return;
  const auto kind = settings.engine.kind;
  if (kind == EngineKind::tiny)
    throw UsageError("--engine tiny: it trains no RBM", "leave it out, or choose other --arms");
  if (kind == EngineKind::dense && !find_device(settings.device_for_repeats()).is_cpu()) {
    throw UsageError("--engine dense: it trains RBMs on the CPU alone",
                     "leave it out, or choose other --arms");
  }
  if (settings.engine.precision != Precision::fp32) {
    throw UsageError(fmt::format("--precision {}", name_of(settings.engine.precision)),
                     "RBMs are trained in fp32: leave it out, or choose other --arms");
  }
}

}  // namespace
}  // namespace layerwise::apps

int main(int argc, char** argv) {
  using namespace layerwise;
  using namespace layerwise::apps;
  ImageData images;
  images.validates = false;
  ControlOptions options;
  std::string controls = default_controls;
  bool quick = false;
  bool quickened = false;
  ArmChoice arms;
  Margin margin;
  HelpsRun run;
  const auto set_defaults = [&](const std::vector<std::string>& arguments, RunOptions& settings) {
    settings.repeats = 5;
    quick = quickened = flag_on_command_line(arguments, "--quick");
    if (!quick) return;
    for (const auto* option : {"--controls", "--arms"}) {
      if (value_on_command_line(arguments, option))
        throw UsageError(fmt::format("--quick with {}: it chooses its own", option),
                         "leave one of them out");
    }
    make_quick(options);
    controls = quick_controls;
    arms.names = quick_arms;
  };
  const auto add_options_to = [&](CLI::App& app) {
    add_switch(app, "--quick", quick, "Two arms of A on 8,000 rows, at one learning rate")
        ->group("Run");
    images.add_to(app);
    add_options(app, options, controls);
    arms.add_to(app, "Controls", "A_sigmoid_none and so on; a wrong name lists them");
    margin.add_to(app);
  };
  const auto make_study = [&](const RunOptions& settings) {
    if (quick != quickened) {
      throw UsageError("--quick in a configuration file: it sets defaults",
                       "give it on the command line");
    }
    options.controls = chosen_controls(controls);
    std::sort(options.labels.begin(), options.labels.end());
    options.engine = settings.engine;
    const auto read = images.read();
    check_sizes(options, read);
    run.arms = arms.of(control_arms(options, {read.train, read.test}));
    check_options(options, run.arms, settings);
    if (quick) {
      for (auto& arm : run.arms) arm.rates = {0.001};
    }
    if (!settings.quiet && settings.resumed.empty()) {
      report::print_note(fmt::format("controls {}: {}\n", fmt::join(options.controls, ", "),
                                     expected_time(run.arms, options, settings)));
    }
    return study_of(run, options, settings, read, images.dataset == "mnist", margin.value);
  };
  return run_program(
      argc, argv,
      {"when_pretraining_helps",
       "Trains networks with and without layer-wise pretraining, from bad and good "
       "starts.",
       add_options_to, make_study, set_defaults, [&] { return options_without_effect(options); }});
}
