#include "mnist_pretraining/answer.h"

#include <cmath>
#include <fstream>
#include <string>
#include <vector>

#include "mnist_pretraining/comparison.h"
#include "mnist_pretraining/tuning.h"
#include "testing.h"

/// What is said of numbers made up here.
namespace layerwise::apps {
namespace {

using testing::TemporaryFolder;

constexpr auto first_tuning_repeat = study::first_choosing_repeat;

TEST_CASE("The learning rate chosen has the highest mean accuracy, of equal ones the lowest loss") {
  PretrainingOptions options;
  options.variants = {"none", "pixels"};
  options.budgets = {{20, 10}};
  options.learning_rates = {0.1, 0.01, 0.001};
  options.tuning_repeats = 2;
  struct Tried {
    const char* variant;
    int64_t labels;
    double rate;
    double accuracy[2], loss[2];
  };
  const Tried tried[] = {{"none", 10, 0.1, {0.9, 0.1}, {1, 1}},        // best once, not in the mean
                         {"none", 10, 0.01, {0.6, 0.6}, {1, 1}},       //
                         {"none", 10, 0.001, {0.5, 0.6}, {0, 0}},      //
                         {"none", 20, 0.1, {NAN, 0.99}, {NAN, 0}},     // diverged once
                         {"none", 20, 0.01, {0.5, 0.75}, {1, 2}},      // as accurate as the next
                         {"none", 20, 0.001, {0.75, 0.5}, {1, 1}},     //
                         {"pixels", 10, 0.1, {0.5, 0.5}, {1, 1}},      //
                         {"pixels", 10, 0.01, {0.5, 0.5}, {1, 1}},     // the first of equal ones
                         {"pixels", 10, 0.001, {0.25, 0.25}, {1, 1}},  //
                         {"pixels", 20, 0.1, {NAN, NAN}, {NAN, NAN}},  //
                         {"pixels", 20, 0.01, {NAN, NAN}, {NAN, NAN}},  //
                         {"pixels", 20, 0.001, {0.1, 0.1}, {9, 9}}};
  const TemporaryFolder folder;
  std::ofstream table(folder.file("tuning.csv"));
  table << "repeat,variant,labels,learning_rate,accuracy,cross_entropy\n";
  for (const auto& [variant, labels, rate, accuracy, loss] : tried)
    for (int64_t i = 0; i < 2; ++i)
      table << first_tuning_repeat + i << ',' << variant << ',' << labels << ',' << rate << ','
            << accuracy[i] << ',' << loss[i] << '\n';
  table.close();
  study::Settings run;
  run.quiet = true;
  const auto rates = tuned_rates(options, run, {}, {}, folder.path());  // nothing is left to try
  CHECK(rates.at({"none", 10}) == 0.01);
  CHECK(rates.at({"none", 20}) == 0.001);
  CHECK(rates.at({"pixels", 10}) == 0.1);
  CHECK(rates.at({"pixels", 20}) == 0.001);
}

TEST_CASE("Pretraining pays, costs, changes nothing or is undecided, by the verdict on its claim") {
  PretrainingOptions options;
  options.variants = {"none", "frozen", "fine-tuned", "standardized", "pixels"};
  options.budgets = {{100, 1000}};
  options.checkpoint = "an encoder, whose training is no part of the plan";
  const auto plan = plan_of(options, 5000);
  const auto accuracy = [](const std::string& variant, int64_t labels, int64_t repeat) {
    const double none = 0.5 + 0.03 * static_cast<double>(repeat % 5);  // spreads more than the gain
    const double noise = repeat % 2 == 0 ? 0.002 : -0.002;
    if (variant.rfind("frozen", 0) == 0) return none + (labels == 100 ? 0.01 : -0.02) + noise;
    if (variant.rfind("fine-tuned", 0) == 0) return none + noise * (labels == 100 ? 1 : 10);
    if (variant.rfind("standardized", 0) == 0) return none + (labels == 100 ? 0.001 : 0.03) + noise;
    return variant.rfind("pixels", 0) == 0 ? 0.9 : none;
  };
  study::Results results(plan, 10);
  for (int64_t repeat = 0; repeat < 10; ++repeat) {
    for (const auto& fit : plan) {
      study::Outcome outcome{fit.info, {}};
      for (const auto& [split, metric] : fit.scores)
        outcome.scores.push_back(
            {split, metric, accuracy(fit.info.variant, fit.info.labels, repeat)});
      results.set(static_cast<size_t>(repeat), outcome);
    }
  }
  const study::Curves no_curves(10);
  const ComparisonResults compared(options, plan, results, no_curves);
  TunedRates rates;
  for (const auto& variant : options.chosen_variants())
    for (const auto labels : options.label_counts()) rates[{variant.name, labels}] = 0.01;
  const auto sections = budget_sections(options, compared, rates);
  int64_t seen = 0;
  for (const auto& section : sections) {
    if (!testing::contains(section.title, "Points from no pretraining")) continue;
    ++seen;
    const std::vector<std::string> sentences(section.paragraphs.begin() + 1,
                                             section.paragraphs.end() - 1);
    CHECK(sentences ==
          std::vector<std::string>{"frozen pays at 100; costs at 1000.",
                                   "fine-tuned changes nothing at 100; is undecided at 1000.",
                                   "standardized pays at 1000; changes nothing at 100."});
    CHECK(testing::contains(section.paragraphs.back(), "within 0.5 points"));
  }
  CHECK(seen == 2);
}

}  // namespace
}  // namespace layerwise::apps
