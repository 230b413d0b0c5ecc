/// What is timed: steps and what they consist of, stages, whole runs and whole programs.
///
///     cmake --build --preset release --target benchmark      builds and runs it
///     build/release/tests/benchmarks --benchmark_filter=blobs
///
/// compare.sh runs it beside other frameworks; numbers of different runs are not comparable.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <torch/utils.h>

#include "layerwise/layerwise.h"
#include "layerwise/train/product.h"

namespace layerwise {
namespace {

/// The tutorial's supervised part: 11 stages of 100 epochs of 16 steps.
struct Blobs {
  Split data = split(to_dataset(make_blobs(
                         {.samples = 1000, .centers = 3, .cluster_std = {2.0}, .random_state = 2})),
                     500);
  Random random{1, 0};

  void deepen(int64_t layers, EngineKind engine, const Observer& observer = {}) {
    GreedyNet net(dense(2, 10, random.initialisation), output(10, 3, random.initialisation));
    SupervisedDeepening options{.layers = layers, .fit = {}};
    options.fit.engine.kind = engine;
    const auto next = [](RandomState& draw) { return dense(10, 10, draw); };
    deepen_supervised(net, data, options, next, random, observer);
  }
};

void blobs_run(benchmark::State& state, EngineKind engine) {
  Blobs blobs;
  for (auto _ : state) blobs.deepen(12, engine);
  state.counters["steps"] = 17600;
}
BENCHMARK_CAPTURE(blobs_run, tiny, EngineKind::tiny)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(blobs_run, dense, EngineKind::dense)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(blobs_run, autograd, EngineKind::autograd)->Unit(benchmark::kMillisecond);

/// One of the later stages alone: with the cache, the last costs what the second does.
void blobs_stage(benchmark::State& state) {
  Blobs blobs;
  const auto stage = state.range(0);
  GreedyNet net(dense(2, 10, blobs.random.initialisation),
                output(10, 3, blobs.random.initialisation));
  while (net->layers() < stage + 1) net->deepen(dense(10, 10, blobs.random.initialisation));
  FeatureCache features(blobs.data);
  features.of(net->stage().frozen);
  for (auto _ : state)
    fit_stage(net->stage(), {classification()}, features, blobs.data, {}, blobs.random);
}
BENCHMARK(blobs_stage)->Arg(2)->Arg(32)->Unit(benchmark::kMicrosecond);

void shuffle(benchmark::State& state) {
  RandomState random(1);
  for (auto _ : state) benchmark::DoNotOptimize(random.permutation(state.range(0)));
}
BENCHMARK(shuffle)->Arg(500)->Arg(55000)->Unit(benchmark::kMicrosecond);

/// Steps of 784-300-784, ELU, batches of 150 of 6,000 random images, Adam.
void autoencoder_step(benchmark::State& state, EngineOptions engine) {
  if (engine.precision == Precision::bf16 && !has_bf16())
    return state.SkipWithError("no bf16 in this processor");
  Random random(1, 0);
  const std::vector<Block> blocks{
      Block(make_dense({784, 300, Activation::elu}, glorot_uniform_, random.initialisation)),
      Block(make_dense({300, 784, Activation::linear}, glorot_uniform_, random.initialisation))};
  const Dataset images{torch::rand({6000, 784}), {}};
  FitOptions options{.batch_size = 150, .optimizer = Adam{}};
  options.engine = engine;
  const auto steps =
      make_engine({{}, blocks}, {reconstruction(), Target::features}, {images, {}}, options);
  for (auto _ : state) {
    state.PauseTiming();
    const auto order = random.order.permutation(6000);
    state.ResumeTiming();
    steps->run(order);
  }
  state.counters["a_step"] = benchmark::Counter(
      40, benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
}
BENCHMARK_CAPTURE(autoencoder_step, dense, EngineOptions{EngineKind::dense, Precision::fp32})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(autoencoder_step, dense_bf16, EngineOptions{EngineKind::dense, Precision::bf16})
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(autoencoder_step, autograd, EngineOptions{EngineKind::autograd, Precision::fp32})
    ->Unit(benchmark::kMillisecond);

/// The five products of such a step.
void autoencoder_products(benchmark::State& state, Multiplier multiplier, torch::ScalarType type) {
  if (type == torch::kBFloat16 && !has_bf16())
    return state.SkipWithError("no bf16 in this processor");
  const auto random = [&](int64_t rows, int64_t columns) {
    return torch::rand({rows, columns}).to(type);
  };
  const auto x = random(150, 784);
  const auto code = random(150, 300);
  const auto up = random(300, 784);
  const auto down = random(784, 300);
  std::vector<std::unique_ptr<Product>> products;
  const auto add = [&](const torch::Tensor& a, const torch::Tensor& b) {
    products.push_back(make_product(a, b, torch::empty({a.size(0), b.size(1)}), multiplier));
  };
  add(x, up.t());
  add(code, down.t());
  add(x, down);
  add(x.t(), code);
  add(code.t(), x);
  for (auto _ : state) {
    for (const auto& product : products) product->run();
  }
  constexpr double operations = 5 * 2.0 * 150 * 784 * 300;
  state.counters["flops"] =
      benchmark::Counter(operations, benchmark::Counter::kIsIterationInvariantRate);
}
BENCHMARK_CAPTURE(autoencoder_products, BLAS, Multiplier::blas, torch::kFloat32)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(autoencoder_products, oneDNN, Multiplier::onednn, torch::kFloat32)
    ->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(autoencoder_products, oneDNN_bf16, Multiplier::onednn, torch::kBFloat16)
    ->Unit(benchmark::kMillisecond);

/// A program from its start to its end, plots and all.
void whole_program(benchmark::State& state, const std::string& program) {
  const auto folder = std::filesystem::temp_directory_path() / ("layerwise-benchmark-" + program);
  const auto command = std::string(LAYERWISE_PROGRAMS_DIR) + "/" + program +
                       " --quiet --force --out '" + folder.string() + "' >/dev/null 2>&1";
  for (auto _ : state) {
    if (std::system(command.c_str()) != 0) state.SkipWithError("it failed; is its data there?");
  }
  std::filesystem::remove_all(folder);
}
BENCHMARK_CAPTURE(whole_program, blobs_supervised, "blobs_supervised")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(whole_program, blobs_unsupervised, "blobs_unsupervised")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(whole_program, mnist_autoencoder, "mnist_autoencoder")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace layerwise

int main(int argc, char** argv) {
  layerwise::set_math_threads(1);
  layerwise::prepare_thread(1);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
