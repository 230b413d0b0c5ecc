#include "layerwise/study/study.h"

#include <cmath>
#include <fstream>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "layerwise/nn/dense.h"
#include "layerwise/pretraining/supervised_deepening.h"
#include "layerwise/report/failure.h"
#include "layerwise/study/figures.h"
#include "layerwise/study/recorder.h"
#include "layerwise/study/results_json.h"
#include "layerwise/study/rows.h"

#include "testing.h"

namespace layerwise::study {
namespace {

using testing::contains;
using testing::content_of;
using testing::TemporaryFolder;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

StageInfo stage(int64_t number, const char* variant = "") {
  return {number, number + 1, variant, Task::classification};
}

/// Two fits in three repeats; the last diverges at once.
Results three_repeats() {
  const auto outcome = [](int64_t number, double value, Trouble trouble) {
    return Outcome{stage(number), {{"test", "accuracy", value}}, trouble};
  };
  Results results({{stage(1), 1, scores_of({"test"}, {"accuracy"})},
                   {stage(2), 1, scores_of({"test"}, {"accuracy"})}},
                  3);
  results.set(0, outcome(1, 0.5, Trouble::none));
  results.set(0, outcome(2, 0.7, Trouble::none));
  results.set(1, outcome(1, 0.7, Trouble::none));
  results.set(1, outcome(2, 0.9, Trouble::collapsed));
  results.set(2, outcome(1, nan, Trouble::diverged));
  return results;  // the second fit of the last repeat was not reached
}

TEST_CASE("A published value covers what would print the same") {
  const Published one(stage(1), "test", "accuracy", "0.816");
  CHECK(one.low == 0.816 - 0.0005);
  CHECK(one.high == 0.816 + 0.0005);
  const Published several(stage(1), "train", "mse", "0.012 .. 0.03");
  CHECK(several.low == 0.012 - 0.0005);
  CHECK(several.high == 0.03 + 0.005);
  CHECK(published_cell({one, several}, stage(1), "train", "mse") == "0.012 .. 0.03");
  CHECK(published_cell({one, several}, stage(2), "train", "mse").empty());
}

TEST_CASE("results.json has values, means, intervals, troubles and what is published") {
  Plan plan{{stage(1), 1, scores_of({"test"}, {"accuracy"})},
            {stage(2), 1, scores_of({"test"}, {"accuracy"})}};
  Study study("A title", {}, plan, {});
  study.published.values.emplace_back(stage(2), "test", "accuracy", "0.8160");
  Settings settings;
  settings.seed = 7;
  settings.repeats = 3;
  const auto results = three_repeats();
  std::string text;
  results_json(study, settings, results)([&](std::string_view piece) { text += piece; });
  CHECK(contains(text, "\"values\": [0.7,0.9,null]"));
  const auto json = nlohmann::json::parse(text);
  CHECK(json["title"] == "A title");
  CHECK(json["seed"] == 7);
  CHECK(json["repeats"] == 3);
  REQUIRE(json["fits"].size() == 2);
  const auto& second = json["fits"][1];
  CHECK(second["stage"] == 2);
  CHECK(second["layers"] == 3);
  CHECK(second["troubles"]["collapsed"]["count"] == 1);
  CHECK(second["troubles"]["not reached"]["count"] == 1);
  const auto& score = second["scores"][0];
  CHECK(score["values"] == nlohmann::json{0.7, 0.9, nullptr});
  CHECK(std::abs(score["mean"].get<double>() - 0.8) < 1e-12);
  // Student's t with one degree of freedom: 12.706 standard errors of 0.1.
  CHECK(std::abs(score["interval_95"][0].get<double>() - (0.8 - 1.2706)) < 1e-4);
  CHECK(score["published"] == "0.8160");
  CHECK(json["summary"][0]["published"] == "0.8160");
  CHECK(json["summary"][0]["here"] == "0.8000 +- 0.1414");  // as many decimal places
  CHECK(!json["fits"][0]["scores"][0].contains("published"));
}

TEST_CASE("Results are means over the repeats that have a value, and troubles are counted") {
  auto results = three_repeats();
  CHECK(results.cell(stage(1), "test", "accuracy") == "0.600 +- 0.141");
  CHECK(results.cell(stage(2), "test", "accuracy", 1) == "0.8 +- 0.1");
  CHECK(results.cell_if(stage(1), "train", "accuracy").empty());
  CHECK(results.note(stage(1)) == "diverged 1");
  CHECK(results.note(stage(2)) == "collapsed 1, not reached 1");
  const Plan plan{{stage(1), 1, {}}, {stage(2), 1, {}}};
  CHECK(results.count(plan, Trouble::diverged) == 1);
  CHECK(results.count({plan[1]}, Trouble::diverged) == 0);
  results.heavy_tailed = {"accuracy"};
  CHECK(results.cell(stage(1), "test", "accuracy") == "0.600 [0.500 .. 0.700]");
  CHECK_FALSE(results.has(stage(3)));
  CHECK_THROWS_AS(results.outcome(0, stage(3)), std::out_of_range);
  results.repeats.resize(1);
  CHECK(results.cell(stage(1), "test", "accuracy") == "0.500");
  results.set(0, {stage(1), {{"test", "accuracy", nan}}});
  CHECK(results.cell(stage(1), "test", "accuracy") == "nan");
}

TEST_CASE("The mean of curves is over the repeats that came so far") {
  const auto point = [](int64_t epoch, double value) {
    return CurvePoint{stage(1), epoch, epoch * 4, {"test", "mse", value}};
  };
  const Plan plan{{stage(1), 2, {}}};
  const auto means = mean_curves(plan, {{point(0, 1), point(1, 3)}, {point(0, 2)}});
  REQUIRE(means.size() == 2);
  CHECK(means[0].interval.mean == 1.5);
  CHECK(means[1].interval.mean == 3);
}

TEST_CASE("A fit is finished whose rows are all there and finite") {
  const TemporaryFolder folder;
  const Plan plan{{stage(1), 1, scores_of({"train", "test"}, {"accuracy", "cross_entropy"})},
                  {stage(2), 1, scores_of({"train", "test"}, {"accuracy", "cross_entropy"})}};
  const auto write = [&](const std::string& rows) {
    std::ofstream(folder.path() / "metrics.csv") << metrics_header << "\n" << rows;
  };
  Settings two;
  two.repeats = 2;
  const std::string first = "0,1,,,1,2,train,accuracy,0.5\n0,1,,,1,2,test,accuracy,0.5\n";
  write(first + "0,1,,,2,3,train,accuracy,0.5\n0,1,,,2,3,test,accuracy,nan\n" +
        "1,1,,,1,2,train,accuracy,1\n");
  using Both = std::vector<Finished>;
  CHECK(fits_with_rows(plan, {"accuracy"}, two, folder.path()) ==
        Both{{true, false}, {false, false}});
  CHECK(fits_with_rows(plan, {"accuracy", "cross_entropy"}, two, folder.path()) ==
        Both{{false, false}, {false, false}});
  // The rest of a repeat that diverged was not reached, and is not made again either.
  const auto write_troubles = [&](const std::string& rows) {
    std::ofstream(folder.path() / "troubles.csv") << troubles_header << "\n" << rows;
  };
  write(
      "0,1,,,1,2,train,accuracy,nan\n0,1,,,1,2,test,accuracy,0.5\n"
      "0,1,,,2,3,train,accuracy,nan\n0,1,,,2,3,test,accuracy,nan\n"
      "1,1,,,1,2,train,accuracy,nan\n1,1,,,1,2,test,accuracy,nan\n");
  write_troubles("0,,,1,2,classification,diverged,diverged\n");
  const auto finished = [&](Diverged diverged) {
    return fits_with_rows(plan, {"accuracy"}, two, folder.path(), diverged);
  };
  CHECK(finished(Diverged::finished) == Both{{true, true}, {false, false}});
  CHECK(finished(Diverged::made_again) == Both{{false, false}, {false, false}});
  two.first_repeat = 1;
  CHECK(finished(Diverged::finished) == Both{{false, false}, {false, false}});
  two.first_repeat = 0;
  for (const auto* wrong : {"0,1\n", "x\n", "x\n0,1,,,1,2,train,acc"}) {
    write(first + wrong);
    CHECK_THROWS_AS(fits_with_rows(plan, {"accuracy"}, two, folder.path()), report::Failure);
  }
  // A killed run may have written a part of its last row: that is no row, however much it looks
  // like one.
  for (const auto* torn : {"0", "0,1,,,2,3,train,acc", "0,1,,,2,3,test,accuracy,0.5"}) {
    write(first + "0,1,,,2,3,train,accuracy,0.5\n" + torn);
    CHECK(finished(Diverged::made_again) == Both{{true, false}, {false, false}});
  }
  std::ofstream(folder.path() / "metrics.csv") << "repeat\n";
  CHECK_THROWS_AS(fits_with_rows(plan, {"accuracy"}, two, folder.path()), report::Failure);
  CHECK_THROWS_AS(fits_with_rows(plan, {"accuracy"}, two, folder.path() / "none"), report::Failure);
}

TEST_CASE("Learning curves are drawn under the name of their split") {
  const Plan plan{{stage(1), 2, {}}};
  for (const std::string split : {"train", "test", "validation"}) {
    const std::vector<CurvePoint> curves{{stage(1), 0, 0, {split, "cross_entropy", 1.0}},
                                         {stage(1), 1, 4, {split, "cross_entropy", 0.5}}};
    const auto panel = learning_curves(curves, plan, Task::classification, "cross_entropy", "loss");
    for (const auto& series : panel.series) {
      const bool has_values = series.y.size() > 1;
      CHECK(has_values == (series.title == split));
    }
  }
}

/// A study of two stages on few points.
/// @param after gets the network
Study small_study(std::function<void(const Repeat&)> before = {},
                  std::function<void(Repeat&, GreedyNet&)> after = {}) {
  auto inputs = torch::arange(40, torch::kFloat32).view({20, 2}).sin();
  auto targets = inputs.select(1, 0).gt(0).to(torch::kInt64);
  const auto data = split(Dataset{inputs, targets}, 12);
  SupervisedDeepeningOptions options;
  options.layers = 3;
  options.fit.epochs = 2;
  return Study("A small study", data, plan_of(options, data), [=](Repeat& repeat) {
    if (before) before(repeat);
    const BlockFactory next = [](RandomState& draw) { return dense(4, 4, draw); };
    GreedyNet net(dense(2, 4, repeat.random.initialization),
                  output(4, 2, repeat.random.initialization));
    const auto done = repeat.go_on_with(net, next);
    deepen_supervised(net, repeat.data, options, next, repeat.random, repeat.observer, done);
    if (after) after(repeat, net);
  });
}

Settings settings_for(const std::filesystem::path& out, int64_t repeats) {
  Settings settings;
  settings.out = out.string();
  settings.repeats = repeats;
  settings.quiet = true;
  return settings;
}

TEST_CASE("A study runs without a command line") {
  const TemporaryFolder folder;
  ::setenv("PATH", "/nowhere", 1);  // no pictures
  run_study(small_study(), settings_for(folder.path() / "run", 2), {"a test", "a test", {}});
  const auto json = nlohmann::json::parse(content_of(folder.path() / "run/run.json"));
  CHECK(json["program"] == "a test");
  CHECK(json["status"] == "finished");
  const auto rows =
      read_rows(folder.path() / "run/metrics.csv",
                "repeat,seed,variant,labels,stage,layers,split,metric,value", LastRow::whole);
  CHECK(rows.size() == 2 * 2 * 4);
}

TEST_CASE("The page of a study leads with what sums it up, and says how to repeat it") {
  const TemporaryFolder folder;
  ::setenv("PATH", "/nowhere", 1);  // no pictures
  class Summing : public Report {
   public:
    std::vector<std::string> lead(const Plan&, const Results&) const override {
      return {"In short."};
    }
  };
  auto study = small_study();
  study.report = std::make_shared<Summing>();
  auto settings = settings_for(folder.path() / "run", 2);
  settings.seed = 1234;
  run_study(study, settings, {"a test", "a test --seed 1234", {}});
  const auto page = content_of(folder.path() / "run/report.html");
  CHECK(page.find("In short.") < page.find("<h2>Results"));
  for (const auto* part :
       {"<code>a test --seed 1234</code>", "<dt>seed</dt>\n<dd>1234</dd>", "<dt>repeats</dt>",
        "<dt>device</dt>\n<dd>cpu</dd>", "<dt>LibTorch</dt>", "<dt>BLAS</dt>", "<dt>engines</dt>",
        "<dt>processor</dt>", "<dt>data checksum</dt>", "<dt>started</dt>",
        "<a href=\"metrics.csv\">", "<a href=\"run.json\">", "gnuplot was not found"}) {
    INFO(part);
    CHECK(contains(page, part));
  }
  CHECK_FALSE(contains(page, "tuning.csv"));  // this run has none
}

TEST_CASE("The repeats' middle 95% is a band around their median; one repeat has none") {
  const Plan plan{{stage(1), 1, scores_of({"test"}, {"accuracy"})},
                  {stage(2), 1, scores_of({"test"}, {"accuracy"})}};
  auto results = three_repeats();
  const auto with_values = [](const report::Panel& panel) {
    return *std::find_if(panel.series.begin(), panel.series.end(), [](const auto& series) {
      return !series.y.empty() && std::isfinite(series.y[0]);
    });
  };
  const auto series = with_values(against_layers(results, {}, plan, "accuracy", "accuracy"));
  CHECK(series.y == std::vector<double>{0.6, 0.8});
  CHECK(std::abs(series.low[0] - 0.505) < 1e-12);
  CHECK(std::abs(series.high[1] - 0.895) < 1e-12);
  CHECK(contains(series.band_title, "middle 95%"));
  results.repeats.resize(1);
  CHECK(with_values(against_layers(results, {}, plan, "accuracy", "accuracy")).low.empty());
}

TEST_CASE("A study that fails keeps what is whole, and goes on from there when resumed") {
  const TemporaryFolder folder;
  ::setenv("PATH", "/nowhere", 1);
  run_study(small_study(), settings_for(folder.path() / "whole", 3), {"a test", "a test", {}});
  const auto failing = small_study([](const Repeat& repeat) {
    if (repeat.number == 2) throw std::runtime_error("the third fails");
  });
  const auto part = folder.path() / "part";
  CHECK_THROWS_WITH(run_study(failing, settings_for(part, 3), {"a test", "a test", {}}),
                    "the third fails");
  CHECK(nlohmann::json::parse(content_of(part / "run.json"))["status"] == "failed");

  std::vector<int64_t> made;
  const auto watched = small_study([&](const Repeat& repeat) { made.push_back(repeat.number); });
  run_study(watched, settings_for(part, 3), {"a test", "a test", {}, part.string()});
  CHECK(made == std::vector<int64_t>{2});
  for (const auto* file : {"metrics.csv", "curves.csv", "troubles.csv", "repeat2_net.safetensors"})
    CHECK(content_of(part / file) == content_of(folder.path() / "whole" / file));
}

TEST_CASE("A last stage of another kind is made again when its network was not kept") {
  const TemporaryFolder folder;
  ::setenv("PATH", "/nowhere", 1);
  const StageInfo tuned(3, 3, "fine_tuned", Task::classification);
  const auto study_of = [&](bool fails) {
    auto study = small_study({}, [=](Repeat& repeat, GreedyNet& net) {
      net->unfreeze();
      StageRunner runner(net, repeat.data, repeat.observer);
      runner.fit(tuned, repeat.data, classification(), {.epochs = 2}, repeat.random);
      if (fails) throw std::runtime_error("before the network is kept");
      runner.checkpoint(tuned.stage, repeat.random);
    });
    study.plan.emplace_back(tuned, 2,
                            scores_of(names_of(study.data), {"accuracy", "cross_entropy"}));
    return study;
  };
  const auto whole = folder.path() / "whole";
  const auto part = folder.path() / "part";
  run_study(study_of(false), settings_for(whole, 1), {"a test", "a test", {}});
  CHECK_THROWS_WITH(run_study(study_of(true), settings_for(part, 1), {"a test", "a test", {}}),
                    "before the network is kept");
  CHECK(content_of(part / "metrics.csv") == content_of(whole / "metrics.csv"));
  CHECK(content_of(part / "net.safetensors") != content_of(whole / "net.safetensors"));
  run_study(study_of(false), settings_for(part, 1), {"a test", "a test", {}, part.string()});
  for (const auto* file : {"metrics.csv", "curves.csv", "net.safetensors"})
    CHECK(content_of(part / file) == content_of(whole / file));
}

/// A study of two networks, which fails after so many of its four fits.
Study study_of_variants(int fits_before_failing) {
  auto study = small_study();
  SupervisedDeepeningOptions options;
  options.layers = 3;
  options.fit.epochs = 2;
  const auto plan = study.plan;
  study.plan = joined({of_variant("narrow", plan), of_variant("wide", plan)});
  const auto left = std::make_shared<int>(fits_before_failing);
  study.algorithm = [=](Repeat& repeat) {
    for (const auto& [name, units] : {std::pair("narrow", 4), std::pair("wide", 7)}) {
      auto part = repeat.of_variant(name);
      const auto tell = part.observer.on_stage;
      part.observer.on_stage = [=](const StageReport& report) {
        if ((*left)-- == 0) throw std::runtime_error("enough");
        tell(report);
      };
      const BlockFactory next = [=](RandomState& draw) { return dense(units, units, draw); };
      GreedyNet net(dense(2, units, part.random.initialization),
                    output(units, 2, part.random.initialization));
      const auto done = part.go_on_with(net, next);
      deepen_supervised(net, part.data, options, next, part.random, part.observer, done);
    }
  };
  return study;
}

TEST_CASE("A study compares networks by name, each with its own file to go on from") {
  const TemporaryFolder folder;
  ::setenv("PATH", "/nowhere", 1);
  const auto whole = folder.path() / "whole";
  run_study(study_of_variants(100), settings_for(whole, 1), {"a test", "a test", {}});
  const auto script = content_of(whole / "metrics.gp");
  CHECK(contains(script, "narrow, train, this run"));
  CHECK(contains(script, "wide, test, this run"));
  CHECK(contains(content_of(whole / "learning_curves.gp"), "wide, train"));
  for (int fits = 0; fits < 4; ++fits) {
    INFO("stopped after " << fits << " fits");
    const auto part = folder.path() / std::to_string(fits);
    CHECK_THROWS_WITH(
        run_study(study_of_variants(fits), settings_for(part, 1), {"a test", "a test", {}}),
        "enough");
    run_study(study_of_variants(100), settings_for(part, 1),
              {"a test", "a test", {}, part.string()});
    for (const auto* file :
         {"metrics.csv", "curves.csv", "narrow_net.safetensors", "wide_net.safetensors"})
      CHECK(content_of(part / file) == content_of(whole / file));
  }
}

TEST_CASE("A repeat keeps one network, and knows the variants of its plan alone") {
  const TemporaryFolder folder;
  auto study = study_of_variants(100);
  study.algorithm = [](Repeat& repeat) {
    CHECK_THROWS_AS(repeat.of_variant("other"), std::invalid_argument);
    GreedyNet net(dense(2, 4, repeat.random.initialization),
                  output(4, 2, repeat.random.initialization));
    repeat.go_on_with(net, {});
    repeat.go_on_with(net, {});
  };
  CHECK_THROWS_AS(run_study(study, settings_for(folder.path() / "run", 1), {"a", "a", {}}),
                  std::logic_error);
  CHECK_THROWS_AS(of_variant("a, b", stage(1)), std::invalid_argument);
  CHECK_THROWS_AS(of_variant("", stage(1)), std::invalid_argument);
  CHECK(of_variant("wide", stage(1, "fine_tuned")).variant == "wide: fine_tuned");
}

TEST_CASE("Settings that make no sense are refused") {
  const TemporaryFolder folder;
  auto settings = settings_for(folder.path() / "run", 0);
  CHECK_THROWS_AS(run_study(small_study(), settings, {"a", "a", {}}), std::invalid_argument);
  settings.repeats = 1;
  settings.seed = -1;
  CHECK_THROWS_AS(run_study(small_study(), settings, {"a", "a", {}}), std::invalid_argument);
  CHECK_FALSE(std::filesystem::exists(folder.path() / "run"));
}

TEST_CASE("A fit that the plan does not have is an error") {
  const TemporaryFolder folder;
  auto study = small_study();
  study.plan.pop_back();
  CHECK_THROWS_AS(run_study(study, settings_for(folder.path() / "run", 1), {"a", "a", {}}),
                  std::logic_error);
}

}  // namespace
}  // namespace layerwise::study
