#include "layerwise/study/rate_choice.h"

#include <atomic>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>

#include "layerwise/study/rows.h"

#include "testing.h"

/// Learning rates are chosen by scores that are made up here.
namespace layerwise::study {
namespace {

using testing::content_of;
using testing::TemporaryFolder;

constexpr double diverged = std::numeric_limits<double>::quiet_NaN();

Settings quiet_settings(int64_t threads = 1) {
  Settings settings;
  settings.quiet = true;
  settings.threads = threads;
  return settings;
}

/// The scores of each rate in the first and in the second of two repeats.
using Scores = std::map<double, std::pair<double, double>>;

RateCandidates candidates_of(const std::string& variant, const Scores& scores,
                             std::vector<double> rates, std::atomic<int>& trials) {
  return {variant, std::move(rates), [&trials, scores](const Random& random, const Observer&) {
            const auto repeat = static_cast<int64_t>(random.noise.repeat) - first_choosing_repeat;
            CHECK((repeat == 0 || repeat == 1));
            return [&trials, scores, repeat](double rate) {
              ++trials;
              const auto& both = scores.at(rate);
              return repeat == 0 ? both.first : both.second;
            };
          }};
}

TEST_CASE("The rate with the highest mean score is chosen; one that diverged once is not") {
  const TemporaryFolder folder;
  std::atomic<int> trials = 0;
  const std::vector<RateCandidates> all{
      candidates_of("mean", {{0.1, {0.9, 0.1}}, {0.01, {0.6, 0.6}}}, {0.1, 0.01}, trials),
      candidates_of("tie", {{0.01, {0.5, 0.5}}, {0.1, {0.5, 0.5}}}, {0.01, 0.1}, trials),
      candidates_of("once", {{0.1, {0.9, diverged}}, {0.01, {0.2, 0.2}}}, {0.1, 0.01}, trials),
      candidates_of("always", {{0.1, {diverged, diverged}}, {0.03, {diverged, 1}}}, {0.1, 0.03},
                    trials),
      candidates_of("only", {}, {0.5}, trials)};
  const auto chosen = chosen_rates(all, 2, quiet_settings(), folder.path());
  CHECK(chosen.at("mean") == 0.01);
  CHECK(chosen.at("tie") == 0.01);
  CHECK(chosen.at("once") == 0.01);
  CHECK(chosen.at("always") == 0.03);  // the smallest
  CHECK(chosen.at("only") == 0.5);
  CHECK(trials == 16);
  const auto whole = content_of(folder.file("rates.csv"));
  const TemporaryFolder threads;
  chosen_rates(all, 2, quiet_settings(4), threads.path());
  CHECK(content_of(threads.file("rates.csv")) == whole);
}

TEST_CASE("Trials that a killed run made are not made again, and choose alike") {
  const TemporaryFolder folder;
  std::atomic<int> trials = 0;
  const double third = 1.0 / 3;  // has more digits than the file
  const Scores scores{{third, {0.50000000001, 0.5}}, {0.1, {0.5, 0.5}}, {0.2, {0.4, 0.4}}};
  const std::vector<RateCandidates> all{candidates_of("one", scores, {0.1, third, 0.2}, trials)};
  const auto chosen = chosen_rates(all, 2, quiet_settings(), folder.path());
  CHECK(trials == 6);
  const auto whole = content_of(folder.file("rates.csv"));
  CHECK(chosen_rates(all, 2, quiet_settings(), folder.path()) == chosen);
  CHECK(trials == 6);
  std::ofstream(folder.file("rates.csv")) << whole.substr(0, whole.size() - 3);
  CHECK(chosen_rates(all, 2, quiet_settings(), folder.path()) == chosen);
  CHECK(trials == 7);
  CHECK(content_of(folder.file("rates.csv")) == whole);
}

TEST_CASE("What the rates have in common is done once a repeat, and again after a kill") {
  const TemporaryFolder folder;
  std::atomic<int> trials = 0;
  std::atomic<int> repeats = 0;
  auto candidates =
      candidates_of("one", {{0.1, {3, 3}}, {0.2, {2, 2}}, {0.3, {1, 1}}}, {0.1, 0.2, 0.3}, trials);
  candidates.common_work = 1;
  candidates.trial = [&, inner = candidates.trial](const Random& random, const Observer& observer) {
    ++repeats;
    return inner(random, observer);
  };
  chosen_rates({candidates}, 2, quiet_settings(), folder.path());
  CHECK(repeats == 2);
  auto rows = content_of(folder.file("rates.csv"));
  rows.erase(rows.rfind('\n', rows.size() - 2) + 1);
  std::ofstream(folder.file("rates.csv")) << rows;
  chosen_rates({candidates}, 2, quiet_settings(), folder.path());
  CHECK(repeats == 3);
  CHECK(trials == 7);
}

TEST_CASE("A trial that fails leaves the earlier ones; candidates that make no sense are refused") {
  const TemporaryFolder folder;
  std::atomic<int> trials = 0;
  auto failing = candidates_of("one", {{0.1, {1, 1}}, {0.2, {1, 1}}}, {0.1, 0.2}, trials);
  failing.trial = [](const Random&, const Observer&) {
    return [](double rate) -> double {
      if (rate == 0.2) throw std::runtime_error("the second fails");
      return 1;
    };
  };
  CHECK_THROWS_WITH(chosen_rates({failing}, 1, quiet_settings(), folder.path()),
                    "the second fails");
  CHECK(read_rows(folder.file("rates.csv"), "repeat,variant,learning_rate,score", LastRow::whole)
            .size() == 1);
  const TemporaryFolder other;
  CHECK_THROWS_AS(
      chosen_rates({candidates_of("none", {}, {}, trials)}, 1, quiet_settings(), other.path()),
      std::invalid_argument);
  CHECK_THROWS_AS(
      chosen_rates({candidates_of("a,b", {}, {0.1}, trials)}, 1, quiet_settings(), other.path()),
      std::invalid_argument);
}

}  // namespace
}  // namespace layerwise::study
