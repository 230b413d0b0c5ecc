#include "layerwise/data/blobs.h"

#include <vector>

#include "testing.h"

namespace layerwise {
namespace {

using nlohmann::json;

torch::Tensor matrix(const json& rows) {
  const auto columns = rows.empty() ? 0 : rows[0].size();
  auto tensor = torch::empty({static_cast<int64_t>(rows.size()), static_cast<int64_t>(columns)},
                             torch::kFloat64);
  auto* value = tensor.data_ptr<double>();
  for (const auto& row : rows) {
    for (const auto& cell : row) *value++ = cell.get<double>();
  }
  return tensor;
}

BlobsOptions options_of(const json& given) {
  BlobsOptions options;
  if (given["n_samples"].is_array()) {
    options.samples = given["n_samples"].get<std::vector<int64_t>>();
  } else {
    options.samples = given["n_samples"].get<int64_t>();
  }
  if (given.contains("centers") && given["centers"].is_array()) {
    options.centers = matrix(given["centers"]);
  } else {
    options.centers = given.value("centers", int64_t{0});
  }
  options.features = given.value("n_features", int64_t{2});
  if (given.contains("cluster_std")) {
    const auto& deviation = given["cluster_std"];
    options.cluster_std = deviation.is_array() ? deviation.get<std::vector<double>>()
                                               : std::vector<double>{deviation.get<double>()};
  }
  if (given.contains("center_box"))
    options.center_box = {given["center_box"][0], given["center_box"][1]};
  options.shuffle = given.value("shuffle", true);
  options.random_state = given["random_state"].get<uint32_t>();
  return options;
}

TEST_CASE("make_blobs gives scikit-learn's numbers bit for bit") {
  const auto cases = testing::reference("blobs.json");
  REQUIRE(cases.size() >= 20);
  for (const auto& expected : cases) {
    INFO(expected["options"].dump());
    const auto blobs = make_blobs(options_of(expected["options"]));
    REQUIRE(blobs.points.dtype() == torch::kFloat64);
    REQUIRE(torch::equal(blobs.points, matrix(expected["points"])));
    REQUIRE(
        torch::equal(blobs.labels, torch::tensor(expected["labels"].get<std::vector<int64_t>>())));
    REQUIRE(torch::equal(blobs.centers, matrix(expected["drawn_centers"])));
  }
}

TEST_CASE("The tutorial's data has the class counts that it has in Python") {
  BlobsOptions options;
  options.samples = int64_t{1000};
  options.centers = int64_t{3};
  options.cluster_std = {2.0};
  options.random_state = 2;
  const auto [train, test, validation] = split(to_dataset(make_blobs(options)), 500);
  const auto counts = [](const Dataset& part) { return part.targets.bincount(); };
  REQUIRE(torch::equal(counts(train), torch::tensor({171, 162, 167}, torch::kInt64)));
  REQUIRE(torch::equal(counts(test), torch::tensor({163, 171, 166}, torch::kInt64)));
  REQUIRE(train.inputs.dtype() == torch::kFloat32);
}

TEST_CASE("make_blobs names the option that it cannot use") {
  const auto message_of = [](auto change) -> std::string {
    BlobsOptions options;
    change(options);
    try {
      make_blobs(options);
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "nothing was thrown";
  };
  using Counts = std::vector<int64_t>;
  const auto names = [](const std::string& message, const char* option) {
    INFO(message);
    return message.find(option) != std::string::npos;
  };
  REQUIRE(names(message_of([](auto& o) { o.samples = int64_t{0}; }), "samples is 0"));
  REQUIRE(names(message_of([](auto& o) { o.samples = int64_t{-5}; }), "samples is -5"));
  REQUIRE(names(message_of([](auto& o) { o.samples = Counts{}; }), "samples"));
  REQUIRE(names(message_of([](auto& o) { o.samples = Counts{0, 0}; }), "samples"));
  REQUIRE(names(message_of([](auto& o) { o.samples = Counts{3, -1}; }), "samples lists -1"));
  REQUIRE(names(message_of([](auto& o) { o.centers = int64_t{-1}; }), "centers is -1"));
  REQUIRE(names(message_of([](auto& o) { o.centers = torch::zeros({3}); }), "centers"));
  REQUIRE(names(message_of([](auto& o) { o.features = 0; }), "features is 0"));
  REQUIRE(names(message_of([](auto& o) { o.cluster_std = {-1.0}; }), "cluster_std is -1"));
  REQUIRE(names(message_of([](auto& o) { o.cluster_std = {1.0, 2.0}; }), "cluster_std lists 2"));
  REQUIRE(names(message_of([](auto& o) { o.center_box = {0.0, INFINITY}; }), "center_box"));
  REQUIRE(names(message_of([](auto& o) {
                  o.samples = Counts{2, 2};
                  o.centers = torch::zeros({3, 2});
                }),
                "2 counts for 3 centers"));
}

TEST_CASE("A split leaves neither part empty") {
  const Dataset data{torch::zeros({4, 2}), torch::zeros({4}, torch::kInt64)};
  REQUIRE_THROWS_AS(split(data, 0), std::invalid_argument);
  REQUIRE_THROWS_AS(split(data, 4), std::invalid_argument);
  REQUIRE(split(data, 3).train.size() == 3);
  REQUIRE(split(data, 3).test.size() == 1);
}

}  // namespace
}  // namespace layerwise
