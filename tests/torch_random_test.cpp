#include <string>
#include <thread>
#include <vector>

#include <ATen/CPUGeneratorImpl.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>

#include "layerwise/layerwise.h"

#include "testing.h"

namespace layerwise {
namespace {

namespace nn = torch::nn;

Split some_blobs() {
  BlobsOptions options;
  options.samples = int64_t{200};
  return split(to_dataset(make_blobs(options)), 100);
}

/// The bits of a deepened network of LibTorch's own modules, which draw by themselves.
uint64_t deepened(const Split& data, uint32_t repeat) {
  Random random(1, repeat);
  const auto own = [](int64_t inputs) {
    return block(nn::Linear(inputs, 8), nn::BatchNorm1d(8), nn::ELU(), nn::Dropout(0.2));
  };
  const auto first = make_block([&](auto&) { return own(2); }, 1, random);
  GreedyNet net(first, output(8, 3, random.initialization));
  SupervisedDeepeningOptions options{4, {}, {}};
  options.fit.epochs = 3;
  deepen_supervised(
      net, data, options, [&](auto&) { return own(8); }, random);
  return fingerprint(*net);
}

TEST_CASE("Repeats of blocks with Dropout have the same bits, however many run at once") {
  const auto data = some_blobs();
  constexpr size_t repeats = 8;
  prepare_thread(1);
  std::vector<uint64_t> alone;
  for (uint32_t repeat = 0; repeat < repeats; ++repeat) {
    torch::manual_seed(repeat + 17);  // makes no difference
    alone.push_back(deepened(data, repeat));
  }
  REQUIRE(alone[0] != alone[1]);
  std::vector<uint64_t> together(repeats);
  std::vector<std::thread> threads;
  for (uint32_t first = 0; first < 2; ++first) {
    threads.emplace_back([&, first] {
      prepare_thread(1);
      for (uint32_t repeat = first; repeat < repeats; repeat += 2)
        together[repeat] = deepened(data, repeat);
    });
  }
  for (auto& thread : threads) thread.join();
  REQUIRE(together == alone);
}

TEST_CASE("A generator of one's own serves every way to draw, and then the global one again") {
  const auto draws = [] {
    const auto x = torch::ones({50});
    return std::vector{torch::rand({3}),
                       torch::randn({3}),
                       torch::randperm(9).to(torch::kFloat32),
                       torch::dropout(x, 0.5, true),
                       torch::empty({4}).uniform_(),
                       torch::bernoulli(x * 0.5),
                       torch::multinomial(x, 3).to(torch::kFloat32)};
  };
  const auto equal = [](const auto& a, const auto& b) {
    for (size_t i = 0; i < a.size(); ++i) {
      if (!torch::equal(a[i], b[i])) return false;
    }
    return true;
  };
  torch::manual_seed(5);
  const auto global_state = at::detail::getDefaultCPUGenerator().get_state();
  std::vector<std::vector<torch::Tensor>> drawn;
  for (const uint32_t stage : {1U, 1U, 2U}) {
    auto generator = torch_generator({3, 4}, stage);
    const WithGenerator guard(generator);
    drawn.push_back(draws());
    auto nested = torch_generator({3, 4}, 9);
    {
      const WithGenerator inner(nested);
      torch::rand({1});
    }
  }
  CHECK(equal(drawn[0], drawn[1]));
  for (size_t i = 0; i < drawn[0].size(); ++i) CHECK_FALSE(torch::equal(drawn[0][i], drawn[2][i]));
  CHECK(torch::equal(global_state, at::detail::getDefaultCPUGenerator().get_state()));
  auto own = torch_generator({3, 4}, 1);
  auto guarded = torch_generator({3, 4}, 2);
  auto same = torch_generator({3, 4}, 2);
  const WithGenerator guard(guarded);
  CHECK(torch::equal(torch::rand({3}, own), drawn[0][0]));  // an explicit one is respected
  CHECK(torch::equal(torch::rand({3}), torch::rand({3}, same)));
}

TEST_CASE(
    "Dropout still drops at its rate, and masks differ from step to step and stage to stage") {
  auto generator = torch_generator({1, 0}, 1);
  const WithGenerator guard(generator);
  const auto x = torch::ones({100, 100});
  const auto first = torch::dropout(x, 0.3, true);
  CHECK(std::abs(first.eq(0).to(torch::kFloat32).mean().item<float>() - 0.3F) < 0.02F);
  CHECK_FALSE(torch::equal(first, torch::dropout(x, 0.3, true)));
}

}  // namespace
}  // namespace layerwise
