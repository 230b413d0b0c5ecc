#include "layerwise/study/statistics.h"

#include <cmath>
#include <fstream>
#include <limits>
#include <stdexcept>
#include <vector>

#include <nlohmann/json.hpp>

#include "layerwise/pretraining/code_statistics.h"
#include "layerwise/study/claims.h"
#include "layerwise/study/published.h"

#include "testing.h"

namespace layerwise::study {
namespace {

using testing::contains;

constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

nlohmann::json scipy() {
  std::ifstream file(LAYERWISE_REFERENCE_DIR "/statistics.json");
  return nlohmann::json::parse(file);
}

bool close(double a, double b) {
  return std::abs(a - b) <= 1e-9 * std::max(1.0, std::abs(b));
}

TEST_CASE("Statistics count what is not finite apart") {
  const auto spread = spread_of({1, nan_value, 3, 5});
  REQUIRE(spread.count == 3);
  REQUIRE(spread.not_finite == 1);
  REQUIRE(spread.mean == 3);
  REQUIRE(spread.sd == 2);
  REQUIRE(spread.min == 1);
  REQUIRE(spread.max == 5);
  REQUIRE(spread_of({}).count == 0);
  REQUIRE(spread_of({7}).sd == 0);
}

TEST_CASE("Quantiles are NumPy's") {
  REQUIRE(quantile({4, 1, 3, 2}, 0.5) == 2.5);
  REQUIRE(quantile({4, 1, 3, 2}, 0.0) == 1);
  REQUIRE(quantile({4, 1, 3, 2}, 1.0) == 4);
  REQUIRE(quantile({1, 2, 3, 4}, 0.25) == 1.75);
  REQUIRE_THROWS_AS(quantile({}, 0.5), std::invalid_argument);
  REQUIRE_THROWS_AS(quantile({1}, 1.5), std::invalid_argument);
}

TEST_CASE("Intervals are Student's, over the values that are finite") {
  // 2.776445105 is the 97.5% quantile of Student's t with 4 degrees of freedom (SciPy's t.ppf).
  const auto interval = mean_interval({1, 2, nan_value, 3, 4, 5});
  REQUIRE(interval.count == 5);
  REQUIRE(interval.mean == 3);
  const double error = std::sqrt(2.5 / 5);
  REQUIRE(std::abs(interval.high - (3 + 2.776445105 * error)) < 1e-8);
  REQUIRE(std::abs(interval.low - (3 - 2.776445105 * error)) < 1e-8);
  REQUIRE(interval.above(1));
  REQUIRE_FALSE(interval.above(2));
  REQUIRE(interval.below(5));
  const auto one_more = prediction_interval({1, 2, 3, 4, 5});
  REQUIRE(std::abs(one_more.high - (3 + 2.776445105 * std::sqrt(2.5 * 1.2))) < 1e-8);
  REQUIRE(mean_interval({7}).mean == 7);
  REQUIRE_FALSE(mean_interval({7}).above(0));
  REQUIRE_FALSE(mean_interval({}).below(0));
  REQUIRE(differences({3, 5}, {1, 10}) == std::vector<double>{2, -5});
  REQUIRE_THROWS_AS(differences({1}, {}), std::invalid_argument);
}

TEST_CASE("Paired tests, their intervals and quantiles are SciPy's") {
  const auto fixture = scipy();
  for (const auto& sample : fixture["pairs"]) {
    const auto a = sample["a"].get<std::vector<double>>();
    const auto test = paired_test(a, sample["b"].get<std::vector<double>>(), sample["margin"]);
    CHECK(close(test.difference.mean, sample["mean"]));
    CHECK(close(test.difference.low, sample["low"]));
    CHECK(close(test.difference.high, sample["high"]));
    CHECK(close(test.p_difference, sample["p_difference"]));
    CHECK(close(test.p_equivalence, sample["p_equivalence"]));
    const bool within = test.difference.low > -0.01 && test.difference.high < 0.01;
    CHECK((test.p_equivalence < 0.05) == within);
    CHECK(close(quantile(a, 0.025), sample["quantiles"][0]));
    CHECK(close(quantile(a, 0.5), sample["quantiles"][1]));
    CHECK(close(quantile(a, 0.975), sample["quantiles"][2]));
    CHECK(close(percentile_rank(a, a[0]), sample["percentile"]));
  }
}

TEST_CASE("Shares have SciPy's Wilson intervals") {
  const auto fixture = scipy();
  for (const auto& sample : fixture["shares"]) {
    const auto share = wilson_interval(sample["count"], sample["total"]);
    CHECK(close(share.low, sample["low"]));
    CHECK(close(share.high, sample["high"]));
  }
  CHECK_THROWS_AS(wilson_interval(1, 0), std::invalid_argument);
  CHECK_THROWS_AS(wilson_interval(3, 2), std::invalid_argument);
}

TEST_CASE(
    "Pairs without a value are counted, and pairs that all differ alike are no division by 0") {
  const auto test = paired_test({1, nan_value, 3, 4}, {0, 1, nan_value, 3}, 2);
  CHECK(test.difference.count == 2);
  CHECK(test.missing == 2);
  CHECK(test.difference.mean == 1);
  CHECK(test.p_difference == 0);
  CHECK(test.p_equivalence == 0);
  CHECK(paired_test({1, 2}, {1, 2}, 0.1).p_difference == 1);
  CHECK(paired_test({3, 4}, {1, 2}, 0.1).p_equivalence == 1);
  CHECK_THROWS_AS(paired_test({1}, {1}, 0), std::invalid_argument);
}

TEST_CASE(
    "Holm multiplies the smallest p-value by all, the next by one less, and keeps the order") {
  const auto corrected = holm({0.01, 0.04, 0.03, 0.005, 0.5});
  const std::vector<double> expected{0.04, 0.09, 0.09, 0.025, 0.5};
  for (size_t i = 0; i < expected.size(); ++i) CHECK(close(corrected[i], expected[i]));
  CHECK(holm({}).empty());
  CHECK(holm({0.9, 0.8}) == std::vector<double>{1, 1});
}

TEST_CASE("In medians, what diverged ranks worst") {
  const double infinity = std::numeric_limits<double>::infinity();
  const std::vector<double> values{0.3, nan_value, 0.1, infinity, 0.2};
  CHECK(quantile_with_failures(values, 0.5, false) == 0.3);
  CHECK(quantile_with_failures(values, 0.75, false) == infinity);
  CHECK(quantile_with_failures(values, 0.5, true) == 0.1);
  CHECK(quantile_with_failures(values, 0.25, true) == -infinity);
  CHECK(quantile_with_failures({nan_value, nan_value}, 0.5, true) == -infinity);
}

StageInfo fit_at(int64_t number) {
  return {number, number + 1, "", Task::classification};
}

/// Repeats of two stages, with these accuracies.
Results results_of(const std::vector<double>& first, const std::vector<double>& second) {
  const PlannedFit::Scores accuracy{{"test", "accuracy"}};
  Results results({{fit_at(1), 1, accuracy}, {fit_at(2), 1, accuracy}}, first.size());
  for (size_t i = 0; i < first.size(); ++i) {
    results.set(i, {fit_at(1), {{"test", "accuracy", first[i]}}});
    results.set(i, {fit_at(2), {{"test", "accuracy", second[i]}}});
  }
  return results;
}

Claim second_against_first(double margin) {
  return {"the second stage against the first",
          {fit_at(2), "test", "accuracy"},
          {fit_at(1), "test", "accuracy"},
          margin};
}

Verdict verdict(const std::vector<double>& first, const std::vector<double>& second,
                double margin) {
  return judge({second_against_first(margin)}, results_of(first, second)).at(0).verdict;
}

TEST_CASE("A claim is better, worse, equivalent or undecided, by its interval and margin") {
  const std::vector<double> base{0.80, 0.81, 0.82, 0.80, 0.81, 0.82};
  const std::vector<double> more{0.82, 0.82, 0.84, 0.81, 0.83, 0.83};  // by .01 to .02
  const std::vector<double> wild{0.90, 0.70, 0.95, 0.65, 0.85, 0.80};
  CHECK(verdict(base, more, 0.005) == Verdict::better);
  CHECK(verdict(more, base, 0.005) == Verdict::worse);
  CHECK(verdict(base, more, 0.05) ==
        Verdict::equivalent);  // different, and by too little to matter
  CHECK(verdict(base, wild, 0.005) == Verdict::undecided);  // covers 0: not the same as no change
  CHECK(verdict(base, base, 0.005) == Verdict::equivalent);
  CHECK(verdict({0.1, 0.1, 0.1, 0.1}, {0.2, 0.2, 0.2, 0.2}, 0.005) == Verdict::undecided);
  auto lower = second_against_first(0.005);
  lower.higher_is_better = false;
  CHECK(judge({lower}, results_of(base, more)).at(0).verdict == Verdict::worse);
  lower.score.info = fit_at(7);  // not planned
  CHECK(judge({lower}, results_of(base, more)).empty());
}

TEST_CASE("Claims of one family are corrected together") {
  const std::vector<double> base{0.80, 0.81, 0.82, 0.80, 0.81, 0.82};
  const std::vector<double> more{0.806, 0.812, 0.829, 0.802, 0.818, 0.82};
  auto claim = second_against_first(0.0001);
  const auto results = results_of(base, more);
  const auto alone = judge({claim}, results).at(0);
  CHECK(alone.verdict == Verdict::better);
  claim.family = "depth";
  const auto judged = judge(std::vector<Claim>(10, claim), results);
  CHECK(close(judged[0].test.p_difference, 10 * alone.test.p_difference));
  CHECK(judged[0].verdict == Verdict::undecided);
  CHECK(contains(judged[0].evidence(), "by Holm over 10 claims"));
}

TEST_CASE("Evidence names the estimators, and the repeats that have no value") {
  const std::vector<double> base{0.80, 0.81, 0.82, 0.80, 0.81, nan_value};
  const std::vector<double> more{0.82, 0.82, 0.84, 0.81, 0.83, 0.83};
  const auto judged = judge({second_against_first(0.005)}, results_of(base, more)).at(0);
  CHECK(contains(judged.evidence(), "test accuracy +0.0160 ["));
  CHECK(contains(judged.evidence(), "mean of 5 paired differences, 95% interval by Student's t"));
  CHECK(contains(judged.evidence(), "1 of 6 repeats lack a value and are left out"));
}

/// Repeats of one stage whose code has these ranks, with these errors.
Results results_with_ranks(const std::vector<double>& ranks, const std::vector<double>& errors) {
  const StageInfo reconstruction{1, 2, "", Task::reconstruction};
  Results results({{reconstruction, 1, {{"test", "mse"}, {"train", code_metric::rank}}},
                   {fit_at(1), 1, {{"test", "accuracy"}}}},
                  ranks.size());
  for (size_t i = 0; i < ranks.size(); ++i) {
    const auto trouble = std::isfinite(errors[i]) ? Trouble::none : Trouble::diverged;
    results.set(i, {reconstruction,
                    {{"test", "mse", errors[i]}, {"train", code_metric::rank, ranks[i]}},
                    trouble});
    if (trouble == Trouble::none)
      results.set(i, {fit_at(1), {{"test", "accuracy", 1 - errors[i]}}});
  }
  return results;
}

TEST_CASE("A repeat is alive, of one direction, dead or diverged, in every fit on its code") {
  const auto results = results_with_ranks({2, 1, 0, nan_value}, {0.1, 0.2, 0.3, nan_value});
  const StageInfo reconstruction{1, 2, "", Task::reconstruction};
  for (const auto& info : {reconstruction, fit_at(1)}) {
    CHECK(results.kind(0, info) == Kind::alive);
    CHECK(results.kind(1, info) == Kind::one_direction);
    CHECK(results.kind(2, info) == Kind::dead);
  }
  for (const auto& info : {reconstruction, fit_at(1)})
    CHECK(results.kind(3, info) == Kind::diverged);
  CHECK(results.count(reconstruction, Kind::dead) == 1);
  CHECK_FALSE(results_of({1}, {1}).kind(0, fit_at(1)));
}

TEST_CASE("A published value is placed among the repeats of its kind") {
  std::vector<double> ranks(40, 1);
  std::vector<double> errors;
  for (int i = 0; i < 40; ++i) errors.push_back(2 + 0.01 * i);
  for (int i = 0; i < 40; ++i) {
    ranks.push_back(2);
    errors.push_back(0.001 * i);
  }
  const auto results = results_with_ranks(ranks, errors);
  const StageInfo info{1, 2, "", Task::reconstruction};
  Published jump(info, "test", "mse", "2.311");
  jump.kind = Kind::one_direction;
  Published alive(info, "test", "mse", "2.311");
  alive.kind = Kind::alive;
  Published any(info, "test", "mse", "2.311");
  Comparison comparison{{jump, alive, any}};
  comparison.bounds["mse"] = {0, 2.4};
  const auto placed = place(comparison, results);
  CHECK(placed[0].inside);
  CHECK(placed[0].of_kind.count == 40);
  CHECK(close(placed[0].percentile, 100 * 32.0 / 40));
  CHECK_FALSE(placed[0].excludes_nothing);
  CHECK_FALSE(placed[1].inside);
  CHECK(placed[2].excludes_nothing);  // from 0 to 2.4, as everything that is possible
  const auto words = agreement(placed, 80);
  CHECK(contains(words,
                 "1 of 2 published values lie within the middle 95% of the repeats of their kind"));
  CHECK(contains(words, "For 1 the range"));
  CHECK(contains(words, "nothing follows"));
  const std::vector<double> three{2, 2.1, 2.2};
  const auto little = place(comparison, results_with_ranks({1, 1, 1}, three));
  CHECK(little[0].few);
  CHECK(contains(agreement(little, 3), "0 of 2 published values lie between the 2.5% and 97.5%"));
  CHECK(contains(agreement(little, 3), "1 have no repeat of their kind"));
  CHECK(published_table(placed).rows.at(0).at(5).rfind("40 of 80 one direction (50%", 0) == 0);
}

}  // namespace
}  // namespace layerwise::study
