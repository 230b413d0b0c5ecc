#include "when_pretraining_helps/controls.h"

#include <map>
#include <set>
#include <string>

#include "testing.h"
#include "when_pretraining_helps/control_arm.h"

/// Which rows, claims and published values the controls have; nothing is trained.
namespace layerwise::apps {
namespace {

/// Images whose first pixel is their number: test images come behind those for training.
Split numbered(int64_t train, int64_t test) {
  auto inputs = torch::zeros({train + test, 784});
  inputs.select(1, 0).copy_(torch::arange(train + test));
  const auto targets = torch::arange(train + test) % 10;
  return {{inputs.slice(0, 0, train), targets.slice(0, 0, train)},
          {inputs.slice(0, train), targets.slice(0, train)}};
}

std::vector<int64_t> numbers_of(const Dataset& data) {
  std::vector<int64_t> numbers;
  for (int64_t i = 0; i < data.size(); ++i) {
    numbers.push_back(data.inputs[i][0].item<int64_t>());
    CHECK(data.targets[i].item<int64_t>() == numbers.back() % 10);
  }
  return numbers;
}

std::vector<int64_t> range(int64_t begin, int64_t end) {
  std::vector<int64_t> numbers;
  for (int64_t i = begin; i < end; ++i) numbers.push_back(i);
  return numbers;
}

ControlOptions all_options() {
  ControlOptions options;
  options.controls = {"A", "B", "C", "D", "E"};
  options.labels = {100, 600};
  return options;
}

const ControlArm& named(const std::vector<ControlArm>& arms, const std::string& name) {
  for (const auto& arm : arms)
    if (arm.name == name) return arm;
  FAIL("no arm " << name);
  return arms.front();
}

/// By the place that it is printed beside.
std::map<std::string, std::string> printed(const ControlArm& arm) {
  std::map<std::string, std::string> values;
  for (size_t i = 0; i < arm.finals.size(); ++i)
    values[arm.finals[i].where] = published_accuracy(arm, i);
  return values;
}

TEST_CASE("The assay tests on the rows that neither train nor validate, and on test rows") {
  const auto rows = rows_of_assay(numbered(240, 30));
  CHECK(numbers_of(rows.train) == range(0, 40));
  CHECK(numbers_of(rows.validation) == range(40, 48));
  CHECK(numbers_of(rows.test) == range(48, 248));
  CHECK(rows_of_assay(numbered(240, 5)).test.size() == 197);
  const auto choosing = rows_of_assay(numbered(240, 30), Rows::that_choose);
  CHECK(numbers_of(choosing.train) == range(0, 40));
  CHECK(numbers_of(choosing.validation) == range(40, 48));
  CHECK_FALSE(choosing.test.inputs.defined());
}

TEST_CASE("Autoencoders and few labels validate on the last twelfth of the training rows") {
  auto options = all_options();
  auto rows = rows_of_all(options, numbered(240, 30));
  CHECK(numbers_of(rows.train) == range(0, 220));
  CHECK(numbers_of(rows.validation) == range(220, 240));
  CHECK(numbers_of(rows.test) == range(240, 270));
  options.train_rows = 50;
  rows = rows_of_all(options, numbered(240, 30), Rows::that_choose);
  CHECK(numbers_of(rows.train) == range(0, 50));
  CHECK(numbers_of(rows.validation) == range(220, 240));
  CHECK_FALSE(rows.test.inputs.defined());
}

TEST_CASE("Every pretrained arm is judged against the one from the same start without") {
  const auto arms = control_arms(all_options(), numbered(240, 30));
  std::map<std::string, int> counts;
  for (const auto& claim : control_claims(arms, 0.005)) {
    INFO(claim.statement);
    ++counts[claim.family];
    const bool of_curves = claim.statement.find("curves") != std::string::npos;
    const bool equal_steps = claim.reference.metric == claim.score.metric;
    CHECK(claim.score.info.stage == claim.reference.info.stage);
    CHECK(claim.score.info.labels == claim.reference.info.labels);
    CHECK(claim.score.split == "test");
    if (claim.family[0] == 'A') {
      CHECK(claim.margin == (of_curves ? 1e-4 : 5e-4));
      CHECK_FALSE(claim.higher_is_better);
      CHECK(equal_steps == (claim.family == "A, equal steps"));
    } else {
      CHECK(claim.margin == 0.005);
      CHECK(claim.higher_is_better);
    }
  }
  // A: three ways from the bad start, two from ELU, one from Glorot's weights and one with tanh,
  // two of curves; B: two starts by five depths; C: two by two numbers of labels, and each against
  // three softmax regressions; D: five by four; E: two of three tasks, and denoising against plain
  // ones; codes of three depths.
  CHECK(counts == std::map<std::string, int>{{"A, equal steps", 9},
                                             {"A, equal time", 9},
                                             {"B", 10},
                                             {"C", 4},
                                             {"C, softmax", 12},
                                             {"D", 20},
                                             {"E", 9},
                                             {"E, codes", 18}});
}

TEST_CASE("Published values stand beside what they are of") {
  const auto arms = control_arms(all_options(), numbered(240, 30));
  CHECK(printed(named(arms, "D_sigmoid_none"))["depth 4"] == "0.9553");
  CHECK(printed(named(arms, "D_sigmoid_autoencoders"))["depth 1"] == "0.9613");
  const std::map<std::string, std::string> of_rbms{
      {"depth 1", ""}, {"depth 2", ""}, {"depth 3", "0.9729"}, {"depth 4", ""}};
  CHECK(printed(named(arms, "D_sigmoid_rbms")) == of_rbms);
  CHECK(printed(named(arms, "D_relu_autoencoders"))["depth 1"].empty());
  auto digits = printed(named(arms, "E_digits_sigmoid_denoising"));
  CHECK(digits["all layers"] == "0.9716");
  CHECK(digits["codes of depth 3"] == "0.9737");
  digits = printed(named(arms, "E_digits_sigmoid_none"));
  CHECK(digits["pixels"] == "0.9268");
  CHECK(digits["all layers"].empty());
  // Rectangles and convex sets are not the published images, and codes have another head.
  std::set<std::string> compared;
  for (const auto& one : comparable_accuracies(arms)) compared.insert(one.info.variant);
  CHECK(compared == std::set<std::string>{"D_sigmoid_none", "D_sigmoid_autoencoders",
                                          "D_sigmoid_rbms", "E_digits_sigmoid_autoencoders",
                                          "E_digits_sigmoid_denoising"});
}

}  // namespace
}  // namespace layerwise::apps
