#include "mnist_pretraining/tuning.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <mutex>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "layerwise/report/progress.h"
#include "layerwise/report/run_folder.h"
#include "layerwise/study/interrupt.h"
#include "layerwise/study/repeats.h"
#include "layerwise/study/rows.h"
#include "layerwise/train/evaluate.h"

namespace layerwise::apps {

namespace {

constexpr auto header = "repeat,variant,labels,learning_rate,accuracy,cross_entropy";

struct Trial {
  int64_t repeat;
  std::string variant;
  int64_t labels;
  double rate;

  auto operator<=>(const Trial&) const = default;
};

struct TrialResult {
  double accuracy;
  double cross_entropy;
};

using Trials = std::map<Trial, TrialResult>;

/// @param index of the repeat, among those that choose
Trial trial_of(int64_t index, const std::string& variant, int64_t labels, double rate) {
  return {study::first_choosing_repeat + index, variant, labels, study::as_written(rate)};
}

std::string row_of(const Trial& trial, const TrialResult& result) {
  return fmt::format("{},{},{},{:.9g},{:.9g},{:.9g}\n", trial.repeat, trial.variant, trial.labels,
                     trial.rate, result.accuracy, result.cross_entropy);
}

Trials trials_in(const std::filesystem::path& path) {
  Trials trials;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return trials;
  for (const auto& row : read_rows(path, header, LastRow::may_be_cut)) {
    const auto number = [&](size_t i) { return std::strtod(row[i].c_str(), nullptr); };
    trials[{std::stoll(row[0]), row[1], std::stoll(row[2]), number(3)}] = {number(4), number(5)};
  }
  return trials;
}

std::string text_of(const Trials& trials) {
  std::string text = std::string(header) + "\n";
  for (const auto& [trial, result] : trials) text += row_of(trial, result);
  return text;
}

double best_rate(const PretrainingOptions& options, const Trials& trials,
                 const std::string& variant, int64_t labels) {
  constexpr double worst = -std::numeric_limits<double>::infinity();
  std::tuple<double, double> best{worst, worst};
  double rate = options.learning_rates.front();
  for (const double candidate : options.learning_rates) {
    double accuracy = 0;
    double cross_entropy = 0;
    for (int64_t i = 0; i < options.tuning_repeats; ++i) {
      const auto& result = trials.at(trial_of(i, variant, labels, candidate));
      accuracy += std::isfinite(result.accuracy) ? result.accuracy : worst;
      cross_entropy += result.cross_entropy;
    }
    const std::tuple value{accuracy, -cross_entropy};
    if (!std::isfinite(accuracy) || value <= best) continue;
    best = value;
    rate = candidate;
  }
  return rate;
}

}  // namespace

TunedRates tuned_rates(const PretrainingOptions& options, const Settings& run, const Split& data,
                       const std::optional<Block>& components,
                       const std::filesystem::path& folder) {
  const auto path = folder / "tuning.csv";
  auto trials = trials_in(path);
  report::RowFile file(path, text_of(trials));
  const auto variants = options.chosen_variants();
  const auto& rates = options.learning_rates;
  double work = 0;
  for (const auto labels : options.label_counts())
    for (const auto& variant : variants) work += work_of(options, variant, labels, true);
  report::Progress progress(
      report::Progress::style_for(stderr, run.quiet),
      work * static_cast<double>(rates.size()) * static_cast<double>(options.tuning_repeats));

  std::atomic<bool> stopping = false;
  std::mutex mutex;
  const Observer observer{[&](const StageInfo&, const FitView&) {
                            throw_if_interrupted();
                            return stopping ? Next::stop : Next::go_on;
                          },
                          {}};
  const Split learned{data.train, {}, data.validation};
  const auto repeat = [&](int64_t index) {
    const auto number = study::first_choosing_repeat + index;
    const auto is_done = [&](const ClassifierVariant& variant, int64_t labels, double rate) {
      const std::lock_guard lock(mutex);
      return trials.count(trial_of(index, variant.name, labels, rate)) > 0;
    };
    const bool all_done = [&] {
      for (const auto labels : options.label_counts())
        for (const auto& variant : variants)
          for (const double rate : rates)
            if (!is_done(variant, labels, rate)) return false;
      return true;
    }();
    if (all_done) return progress.advance("", work * static_cast<double>(rates.size()));
    Random random(static_cast<uint32_t>(run.seed), static_cast<uint32_t>(number));
    const auto encoder = options.needs_encoder() && options.checkpoint.empty()
                             ? pretrained(options, learned, random, observer, {})
                             : given_encoder(options, learned, random);
    const auto parts = parts_of(options, encoder, components);
    const ClassifierLabels labelled(learned, false, random);
    for (const auto labels : options.label_counts()) {
      const auto split = labelled.split(labels, true);
      bool made = false;
      for (const auto& variant : variants) {
        for (const double rate : rates) {
          const auto label = fmt::format("tuning repeat {}, {} labels, {}, learning rate {}", index,
                                         labels, variant.name, rate);
          if (stopping) return;
          if (!is_done(variant, labels, rate)) {
            made = true;
            TrialResult result{NAN, NAN};
            if (variant.codes != Codes::pretrained || !encoder.is_empty()) {
              const auto info = info_of(variant, labels, true, 1);
              const auto fitted = train_classifier(
                  variant, parts, split, options.tuned_training(rate), info, random, observer);
              const auto& scores = fitted.stage.scores;
              result = {study::as_written(value_of(scores, "validation", "accuracy")),
                        study::as_written(value_of(scores, "validation", "cross_entropy"))};
            }
            if (stopping) return;
            const std::lock_guard lock(mutex);
            const auto trial = trial_of(index, variant.name, labels, rate);
            trials[trial] = result;
            file.append(row_of(trial, result));
          }
          progress.advance(label, work_of(options, variant, labels, true));
        }
      }
      if (made) progress.stage_done(fmt::format("tuning repeat {}, {} labels", index, labels));
    }
  };
  for_each_repeat(options.tuning_repeats, run, repeat, [&] { stopping = true; });
  progress.print("");
  report::write_run_file(path, text_of(trials));

  TunedRates chosen;
  for (const auto labels : options.label_counts())
    for (const auto& variant : variants)
      chosen[{variant.name, labels}] = best_rate(options, trials, variant.name, labels);
  return chosen;
}

}  // namespace layerwise::apps
