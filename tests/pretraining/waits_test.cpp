#include <numeric>
#include <string>
#include <vector>

#include "layerwise/layerwise.h"

#include "fake_device.h"
#include "testing.h"

/// How often the CPU waits for another device.
namespace layerwise {
namespace {

constexpr int64_t samples = 120;
const FitOptions fit{.epochs = 1, .batch_size = 10};

Dataset pictures() {
  return {torch::rand({samples, 1, 6, 6}), torch::arange(samples).remainder(3)};
}

/// The waits of an epoch, after one that makes what an engine keeps.
int64_t waits_of(Engine& engine) {
  std::vector<int64_t> order(samples);
  std::iota(order.begin(), order.end(), 0);
  engine.run(order);
  const auto before = testing::fake_device_use().waits;
  engine.run(order);
  return testing::fake_device_use().waits - before;
}

TEST_CASE(
    "With noise, corruption, augmentation or an RBM, an epoch on a device waits for it once") {
  const auto device = testing::fake_device();
  const auto data = pictures();
  const Dataset flat{data.inputs.flatten(1), data.targets};
  RandomState random(1);
  for (const auto& corruption :
       {masking_noise(0.2), gaussian_noise(0.1), input_dropout(0.2), salt_and_pepper_noise(0.2)}) {
    GreedyNet net{dense(36, 5, random), output(5, 36, random)};
    net->to(device);
    const auto engine = make_engine(net->stage(), {reconstruction(), Target::features, corruption},
                                    {flat.to(device), {}}, fit);
    CHECK(waits_of(*engine) == 1);
  }

  const auto augmentation = compose({random_crop(1), random_flip()});
  // Data and features that the device has no room for stay in the CPU's memory.
  for (const bool there : {true, false}) {
    INFO("data on the device: " << there);
    GreedyNet net{Block(make_convolution({.in_channels = 1, .out_channels = 2}, random)),
                  Block(make_pooled_head({.channels = 2, .classes = 3}, random))};
    net->to(device);
    const Problem problem{.objective = classification(), .augmentation = augmentation};
    const auto engine =
        make_engine(net->stage(), problem, {there ? data.to(device) : data, {}}, fit);
    CHECK(waits_of(*engine) == 1);
  }

  for (const bool persistent : {false, true}) {
    INFO("persistent chains: " << persistent);
    auto rbm = make_rbm({.visible = 36, .hidden = 5}, glorot_uniform_, random);
    rbm->to(device);
    const auto engine = contrastive_divergence({.steps = 2, .persistent = persistent})(
        {{}, {Block(rbm)}}, {rbm_objective(), Target::none}, {flat.to(device), {}}, fit);
    CHECK(waits_of(*engine) == 1);
  }
}

}  // namespace
}  // namespace layerwise
