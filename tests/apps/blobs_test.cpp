#include "blobs/blobs.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "blobs/study_arms.h"
#include "testing.h"

/// The data and the arms of the blobs programs, called directly.
namespace layerwise::apps {
namespace {

TEST_CASE(
    "The Bayes rule and the poor reconstructions have the known values on the tutorial's data") {
  const BlobsData data;
  const auto blobs = data.make();
  auto train = blobs;
  train.points = blobs.points.slice(0, 0, 500);
  train.labels = blobs.labels.slice(0, 0, 500);
  CHECK(bayes_accuracy(train, {2}) == 0.824);
  CHECK(bayes_accuracy(data.test_points(), {2}) == 0.84);

  const auto parts = data.split_of();
  const auto& inputs = parts.train.inputs;
  const auto known = [](double value, double expected) {
    return std::abs(value - expected) < 5e-4;
  };
  CHECK(known(poor_reconstruction(inputs, inputs).one_direction, 2.164));
  CHECK(known(poor_reconstruction(inputs, parts.test.inputs).one_direction, 2.460));
  CHECK(known(poor_reconstruction(inputs, inputs).constant, 10.408));
  CHECK(known(poor_reconstruction(inputs, parts.test.inputs).constant, 10.669));
}

TEST_CASE("A wider cluster wins the points far from every center") {
  LabelledPoints blobs{torch::tensor({-9.0, 0.1}, torch::kFloat64).reshape({2, 1}),
                       torch::tensor({int64_t{1}, int64_t{0}}),
                       torch::tensor({0.0, 1.0}, torch::kFloat64).reshape({2, 1})};
  CHECK(bayes_accuracy(blobs, {0.5, 5}) == 1);
  CHECK(bayes_accuracy(blobs, {1}) == 0.5);
}

TEST_CASE("Each repeat may have data of its own, fresh points to test with, and standard inputs") {
  BlobsData data;
  const auto first = data.split_of();
  CHECK(data.split_of(3).train.inputs.equal(first.train.inputs));
  data.vary = true;
  CHECK(data.split_of(0).train.inputs.equal(first.train.inputs));
  BlobsData other;
  other.random_state = data.random_state + 3;
  CHECK(data.split_of(3).train.inputs.equal(other.split_of().train.inputs));

  data.test_samples = 3000;
  const auto fresh = data.split_of();
  CHECK(fresh.train.inputs.equal(first.train.inputs));
  CHECK(fresh.test.size() == 3000);
  CHECK(std::abs(bayes_accuracy(data.test_points(), {2}) - 0.822) < 0.02);  // of the population

  data.standardize = true;
  const auto standard = data.split_of().train.inputs;
  CHECK(standard.mean(0).abs().max().item<double>() < 1e-5);
  CHECK((standard.std(0, false) - 1).abs().max().item<double>() < 1e-5);
}

TEST_CASE("Every arm of the study reports the fits of its plan") {
  BlobsData data;
  data.samples = 60;
  Training classifier(4);
  classifier.epochs = 2;
  Training autoencoder(3);
  autoencoder.epochs = 2;
  autoencoder.optimizer.learning_rate = 0.001;
  const ArmOptions options{data, classifier, autoencoder, FineTuning{2, 0.001}, {}};
  const auto parts = data.split_of();
  auto arms = supervised_arms(options, parts);
  const auto others = unsupervised_arms(options, parts);
  arms.insert(arms.end(), others.begin(), others.end());
  CHECK(arms.size() == 19);
  for (const auto& arm : arms) {
    INFO(arm.name);
    std::vector<StageInfo> reported;
    Observer observer;
    observer.on_stage = [&](const StageReport& report) { reported.push_back(report.info); };
    Repeat repeat(0, parts, torch::kCPU, arm.plan, {}, Finished(arm.plan.size(), false),
                  Random(1, 0), observer);
    arm.run(repeat, parts);
    CHECK(reported.size() == arm.plan.size());
    for (const auto& fit : arm.plan)
      CHECK(std::count(reported.begin(), reported.end(), fit.info) == 1);
  }
}

}  // namespace
}  // namespace layerwise::apps
