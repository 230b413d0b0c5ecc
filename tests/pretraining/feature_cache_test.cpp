#include <cmath>
#include <filesystem>
#include <string>
#include <vector>

#include "layerwise/layerwise.h"
#include "layerwise/pretraining/feature_room.h"

#include "fake_device.h"
#include "testing.h"

/// Where the output of frozen blocks is kept, and what becomes of it.
namespace layerwise {
namespace {

namespace fs = std::filesystem;
using testing::contains;

Split pictures() {
  auto points = to_dataset(make_blobs({.samples = int64_t{300}, .features = 2 * 6 * 6}));
  points.inputs = points.inputs.view({-1, 2, 6, 6});
  auto data = split(points, 200);
  data.validation = {data.test.inputs.slice(0, 0, 40), data.test.targets.slice(0, 0, 40)};
  return data;
}

struct Trained {
  std::vector<double> losses;         ///< of every epoch of every stage
  std::vector<double> scores;         ///< of every stage and split
  std::vector<std::string> features;  ///< where they were kept, by stage
};

SupervisedDeepeningOptions deepening(const CacheOptions& cache) {
  return {.layers = 4,
          .fit = {.epochs = 2, .batch_size = 32, .engine = {.cache = cache}},
          .head = HeadPolicy::fresh,
          .next_head =
              [](RandomState& draw) {
                return Block(make_pooled_head({.channels = 4, .classes = 3}, draw));
              },
          .ensemble = true};
}

Trained train(const SupervisedDeepeningOptions& options, torch::Device device = torch::kCPU) {
  const auto data = pictures().to(device);
  Random random(1, 0);
  const auto next = [](int64_t stage, RandomState& draw) {
    return Block(make_convolution({.in_channels = stage == 1 ? 2 : 4, .out_channels = 4}, draw));
  };
  const auto first = next(1, random.initialization);
  GreedyNet net(first, options.next_head(1, random.initialization));
  net->to(device);
  Trained trained;
  Observer observer;
  observer.on_progress = [&](const StageInfo&, const FitView& view) {
    if (view.step == 0) trained.features.push_back(view.engine.features());
    if (view.step > 0) trained.losses.push_back(view.loss);
    return Next::go_on;
  };
  observer.on_stage = [&](const StageReport& report) {
    for (const auto& score : report.result.scores) trained.scores.push_back(score.value);
  };
  deepen_supervised(net, data, options, next, random, observer);
  return trained;
}

double furthest(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double difference = 0;
  for (size_t i = 0; i < a.size(); ++i)
    difference = std::max(difference, testing::relative_difference(a[i], b[i]));
  return difference;
}

TEST_CASE("Features have the same bits wherever they are kept, and differ by rounding if nowhere") {
  const testing::TemporaryFolder folder;
  const auto kept = train(deepening({CachePlace::memory}));
  REQUIRE(kept.losses.size() == 6);
  for (const auto place : {CachePlace::device, CachePlace::file, CachePlace::automatic}) {
    const auto other = train(deepening({.place = place, .folder = folder.path()}));
    REQUIRE(other.losses == kept.losses);
    REQUIRE(other.scores == kept.scores);
  }
  const auto recomputed = train(deepening({CachePlace::none}));
  REQUIRE(contains(recomputed.features.back(), "computed for every batch"));
  REQUIRE(furthest(recomputed.losses, kept.losses) < 1e-4);
}

TEST_CASE("Rounded features have the same bits in memory and in a file, and cost little") {
  const testing::TemporaryFolder folder;
  const auto kept = train(deepening({CachePlace::memory}));
  const auto memory = train(deepening({CachePlace::memory, CachePrecision::bf16}));
  const auto file = train(deepening(
      {.place = CachePlace::file, .precision = CachePrecision::bf16, .folder = folder.path()}));
  REQUIRE(contains(memory.features.back(), "in bf16"));
  REQUIRE(file.losses == memory.losses);
  REQUIRE(file.scores == memory.scores);
  REQUIRE(memory.losses != kept.losses);
  REQUIRE(furthest(memory.losses, kept.losses) < 0.05);
}

TEST_CASE("Rounded features have the same bits, whichever blocks came at once") {
  Random random(1, 0);
  const std::vector<Block> blocks{dense(5, 7, random.initialization),
                                  dense(7, 6, random.initialization),
                                  dense(6, 4, random.initialization)};
  const Split data{{torch::rand({9, 5}), {}}, {}};
  for (const auto precision : {CachePrecision::bf16, CachePrecision::fp32}) {
    const CacheOptions options{CachePlace::memory, precision};
    FeatureCache stages(data);
    for (std::ptrdiff_t count = 1; count < 3; ++count)
      stages.of({blocks.begin(), blocks.begin() + count}, options);
    const auto by_stages = stages.of(blocks, options).data.train.inputs;
    CHECK(torch::equal(by_stages, FeatureCache(data).of(blocks, options).data.train.inputs));
    CHECK((by_stages.scalar_type() == torch::kBFloat16) == (precision == CachePrecision::bf16));
  }
}

TEST_CASE("A device trains on features that are kept in the CPU's memory, with the same bits") {
  const auto device = testing::fake_device();
  const auto there = train(deepening({CachePlace::device}), device);
  const auto here = train(deepening({CachePlace::memory}), device);
  REQUIRE(contains(here.features.back(), "in memory"));
  REQUIRE(here.losses == there.losses);
  REQUIRE(here.scores == there.scores);
}

TEST_CASE("Features that are kept on a device have their targets there, wherever the data are") {
  const auto device = testing::fake_device();
  RandomState random(1);
  GreedyNet net(std::vector<Block>{dense(5, 4, random), dense(4, 4, random)}, output(4, 3, random));
  net->freeze_hidden();
  net->to(device);
  const Split data{{torch::rand({20, 5}), torch::arange(20) % 3},
                   {torch::rand({8, 5}), torch::arange(8) % 3}};
  FeatureCache features(data);
  FitOptions options{.epochs = 1, .batch_size = 4};
  bool seen = false;
  options.make_engine = [&](const StageView& view, const Problem& problem, const Split& kept,
                            const FitOptions& own) {
    seen = true;
    for (const auto& [name, part] : kept.parts()) {
      INFO(name);
      CHECK(part.inputs.device() == device);
      CHECK(part.targets.device() == device);
    }
    auto plain = own;
    plain.make_engine = {};
    return make_engine(view, problem, kept, plain);
  };
  Random streams(1, 0);
  fit_stage(net->stage(), {classification()}, features, data, options, streams);
  CHECK(seen);
}

TEST_CASE("The same on a GPU", "[cuda]") {
  const auto device = testing::cuda();
  if (!device) return;
  torch::globalContext().setDeterministicCuDNN(true);
  const auto there = train(deepening({CachePlace::device}), *device);
  const auto here = train(deepening({CachePlace::memory}), *device);
  REQUIRE(furthest(here.losses, there.losses) < 1e-6);
  auto augmented = deepening({});
  augmented.augmentation = compose({random_crop(1), random_flip()});
  REQUIRE(furthest(train(augmented, *device).losses, train(augmented).losses) < 1e-3);
}

TEST_CASE("Room is found by size: on the device, in memory, rounded, in a file, or not at all") {
  const testing::TemporaryFolder folder;
  const int64_t gigabyte = 1'000'000'000;
  const FeatureSize size{{1000, 250, 1000}, torch::kFloat32, torch::kCPU};  // 1 GB
  const auto room = [&](int64_t budget, CachePrecision precision = CachePrecision::fp32,
                        const fs::path& files = {}, int64_t fits = 1) {
    return room_for(size, {CachePlace::automatic, precision, budget, fits, files});
  };
  CHECK(room(gigabyte).place == CachePlace::memory);
  CHECK(room(gigabyte - 1).place == CachePlace::none);
  CHECK(contains(room(gigabyte - 1).reason, "computed for every batch"));
  CHECK(room(2 * gigabyte, CachePrecision::fp32, {}, 3).place == CachePlace::none);
  const auto rounded = room(gigabyte / 2, CachePrecision::automatic);
  CHECK(rounded.place == CachePlace::memory);
  CHECK(rounded.type == torch::kBFloat16);
  CHECK(room(gigabyte, CachePrecision::automatic).type == torch::kFloat32);
  const auto file = room(gigabyte / 2, CachePrecision::fp32, folder.path());
  CHECK(file.place == CachePlace::file);
  CHECK(contains(file.reason, "[1000, 250, 1000] in fp32, 1.0 GB"));
  CHECK(contains(file.reason, "500 MB"));
  CHECK(contains(room(100'000).reason, "100 KB"));
  auto on_device = size;
  on_device.device = testing::fake_device();
  const CacheOptions one{.budget = gigabyte};
  CHECK(room_for(on_device, one).place == CachePlace::device);
  on_device.held_on_device = 1;  // what is read is there while this is written
  CHECK(room_for(on_device, one).place == CachePlace::memory);
  CHECK(room_for(on_device, one).device.is_cpu());
}

TEST_CASE("A file of features has no name, so that nothing is left of it") {
  const testing::TemporaryFolder folder;
  const FeatureRoom room{CachePlace::file, torch::kFloat32, torch::kCPU, folder.path()};
  const auto tensor = room.make({3, 5});
  tensor.fill_(2);
  REQUIRE(tensor.sum().item<float>() == 30);
  REQUIRE(fs::is_empty(folder.path()));
  const FeatureRoom nowhere{CachePlace::file, torch::kFloat32, torch::kCPU,
                            folder.path() / "missing"};
  REQUIRE_THROWS_AS(nowhere.make({3, 5}), FileError);
}

TEST_CASE("Where there is no room, the blocks run on the features that were kept before") {
  const auto data = pictures();
  RandomState draw(1);
  const std::vector<Block> blocks{
      Block(make_convolution({.in_channels = 2, .out_channels = 2}, draw)),
      Block(make_convolution({.in_channels = 2, .out_channels = 64}, draw))};
  FeatureCache cache(data);
  const CacheOptions budget{.budget = 100'000};  // 340 x 2 x 6 x 6 floats are 97,920 bytes
  const auto first = cache.of({blocks[0]}, budget);
  REQUIRE(first.frozen.empty());
  const auto second = cache.of(blocks, budget);
  REQUIRE(second.frozen.size() == 1);
  REQUIRE(second.data.train.inputs.is_same(first.data.train.inputs));
}

TEST_CASE("Augmented inputs are fitted without a cache, and a forced one is refused") {
  auto options = deepening({});
  options.augmentation = random_flip();
  const auto flipped = train(options);
  REQUIRE(contains(flipped.features.back(), "augmented"));
  REQUIRE(flipped.losses != train(deepening({})).losses);
  REQUIRE(train(options).losses == flipped.losses);
  options.fit.engine.cache.place = CachePlace::memory;
  REQUIRE_THROWS_AS(train(options), std::invalid_argument);
}

TEST_CASE("An augmentation of the wrong shape is refused with both shapes") {
  auto options = deepening({});
  options.augmentation = Augmentation{
      [](const torch::Tensor& inputs, const NoisePlace&) { return inputs.narrow(2, 0, 4); }};
  std::string words;
  try {
    train(options);
  } catch (const std::invalid_argument& error) {
    words = error.what();
  }
  INFO(words);
  CHECK(contains(words, "[2, 2, 4, 6]"));
  CHECK(contains(words, "[2, 2, 6, 6]"));
}

}  // namespace
}  // namespace layerwise
