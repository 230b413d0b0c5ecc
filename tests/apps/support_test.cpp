#include <stdexcept>
#include <string>
#include <vector>

#include "layerwise/study/figures.h"

#include "common/program.h"
#include "testing.h"

/// What the programs share, called directly.
namespace layerwise::apps {
namespace {

TEST_CASE("Only what is wrong with the command line is wrong usage") {
  const auto status = [](const std::vector<std::string>& arguments, auto body) {
    CLI::App app("A program", "program");
    return run_program(app, arguments, body);
  };
  CHECK(status({}, [] {}) == 0);
  CHECK(status({"--no-such-option"}, [] {}) == 2);
  CHECK(status({}, [] { throw UsageError("--a with --b", "leave out one"); }) == 2);
  CHECK(status({}, [] { std::stoll("a reader's own"); }) == 1);
  CHECK(status({}, [] { throw std::invalid_argument("the inputs are [2, 3] Double"); }) == 1);
  CHECK(status({}, [] {
          RunOptions options;
          options.device = "tpu";
          options.check();
        }) == 2);
}

TEST_CASE("Learning curves are drawn under the name of their split") {
  const StageInfo info{1, 2, "", Task::classification};
  const Plan plan{{info, 2, {}}};
  for (const std::string split : {"train", "test", "validation"}) {
    const std::vector<CurvePoint> curves{{info, 0, 0, {split, "cross_entropy", 1.0}},
                                         {info, 1, 4, {split, "cross_entropy", 0.5}}};
    const auto panel = learning_curves(curves, plan, info.task, "cross_entropy", "loss");
    for (const auto& series : panel.series) {
      const bool has_values = series.y.size() > 1;
      CHECK(has_values == (series.title == split));
    }
  }
}

}  // namespace
}  // namespace layerwise::apps
