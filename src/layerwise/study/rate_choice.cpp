#include "layerwise/study/rate_choice.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <tuple>

#include <fmt/format.h>

#include "layerwise/report/progress.h"
#include "layerwise/report/run_folder.h"
#include "layerwise/study/interrupt.h"
#include "layerwise/study/repeats.h"
#include "layerwise/study/rows.h"

namespace layerwise::study {

namespace {

using Trial = std::tuple<int64_t, std::string, double>;  // repeat, variant, learning rate
using Trials = std::map<Trial, double>;

Trial trial_of(int64_t repeat, const std::string& variant, double rate) {
  return {repeat, variant, as_written(rate)};
}

std::string row_of(const Trial& trial, double score) {
  const auto& [repeat, variant, rate] = trial;
  return fmt::format("{},{},{:.9g},{:.9g}\n", repeat, variant, rate, score);
}

Trials trials_in(const std::filesystem::path& path) {
  Trials trials;
  std::error_code ignored;
  if (!std::filesystem::exists(path, ignored)) return trials;
  for (const auto& row : read_rows(path, rates_header, LastRow::may_be_cut)) {
    const auto number = [&](size_t i) { return std::strtod(row[i].c_str(), nullptr); };
    trials[{std::strtoll(row[0].c_str(), nullptr, 10), row[1], number(2)}] = number(3);
  }
  return trials;
}

std::string text_of(const Trials& trials) {
  std::string text = std::string(rates_header) + "\n";
  for (const auto& [trial, score] : trials) text += row_of(trial, score);
  return text;
}

double best_rate(const RateCandidates& candidates, int64_t repeats, const Trials& trials) {
  double best = -std::numeric_limits<double>::infinity();
  double rate = *std::min_element(candidates.rates.begin(), candidates.rates.end());
  if (candidates.rates.size() == 1) return rate;
  for (const double candidate : candidates.rates) {
    double sum = 0;
    for (int64_t i = 0; i < repeats; ++i)
      sum += trials.at(trial_of(first_choosing_repeat + i, candidates.variant, candidate));
    if (!(sum > best)) continue;
    best = sum;
    rate = candidate;
  }
  return rate;
}

}  // namespace

std::map<std::string, double> chosen_rates(const std::vector<RateCandidates>& all, int64_t repeats,
                                           const Settings& settings,
                                           const std::filesystem::path& folder) {
  for (const auto& one : all) {
    if (one.rates.empty() || one.variant.find(',') != std::string::npos) {
      throw std::invalid_argument(
          fmt::format("chosen_rates: '{}' has {} rates", one.variant, one.rates.size()));
    }
  }
  const auto path = folder / "rates.csv";
  auto trials = trials_in(path);
  report::RowFile file(path, text_of(trials));
  struct Job {
    const RateCandidates* candidates;
    std::vector<double> rates;
    int64_t repeat;
  };
  std::vector<Job> jobs;
  double work = 0;
  for (int64_t i = 0; i < repeats; ++i) {
    for (const auto& candidates : all) {
      if (candidates.rates.size() == 1) continue;
      Job job{&candidates, {}, first_choosing_repeat + i};
      for (const double rate : candidates.rates) {
        if (trials.count(trial_of(job.repeat, candidates.variant, rate)) == 0)
          job.rates.push_back(rate);
      }
      if (job.rates.empty()) continue;
      work += candidates.common_work + candidates.work * static_cast<double>(job.rates.size());
      if (candidates.common_work > 0) {
        jobs.push_back(job);
      } else {
        for (const double rate : job.rates) jobs.push_back({&candidates, {rate}, job.repeat});
      }
    }
  }
  report::Progress progress(report::Progress::style_for(stderr, settings.quiet), work);
  std::atomic<bool> stopping = false;
  std::mutex mutex;
  const Observer observer{[&](const StageInfo&, const FitView&) {
                            throw_if_interrupted();
                            return stopping ? Next::stop : Next::go_on;
                          },
                          {},
                          {}};
  const auto run = [&](int64_t index) {
    const auto& [candidates, rates, repeat] = jobs[static_cast<size_t>(index)];
    if (stopping) return;
    const auto score_of = candidates->trial(
        Random(static_cast<uint32_t>(settings.seed), static_cast<uint32_t>(repeat)), observer);
    const double work_of_each =
        candidates->work + candidates->common_work / static_cast<double>(rates.size());
    for (const double rate : rates) {
      if (stopping) return;
      const double score = score_of(rate);
      if (stopping) return;
      const auto label = fmt::format("{}, learning rate {}", candidates->variant, rate);
      const std::lock_guard lock(mutex);
      const auto trial = trial_of(repeat, candidates->variant, rate);
      trials[trial] = as_written(score);
      file.append(row_of(trial, score));
      progress.advance(label, work_of_each);
      progress.stage_done(label);
    }
  };
  if (!jobs.empty())
    for_each_repeat(static_cast<int64_t>(jobs.size()), settings, run, [&] { stopping = true; });
  progress.print("");
  report::write_run_file(path, text_of(trials));
  std::map<std::string, double> chosen;
  for (const auto& candidates : all)
    chosen[candidates.variant] = best_rate(candidates, repeats, trials);
  return chosen;
}

}  // namespace layerwise::study
