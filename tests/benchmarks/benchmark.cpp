/// What is timed: steps and what they consist of, stages, whole runs and whole programs.
///
///     cmake --build --preset release --target benchmark      builds and runs it
///     build/release/tests/benchmarks --benchmark_filter=blobs
///
/// Numbers of different runs are not comparable. compare.sh times some of these works beside other
/// frameworks: turns.cpp is its side of this library.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <torch/utils.h>

#include "layerwise/engines/product.h"

#include "works.h"

namespace layerwise {
namespace {

void blobs_run(benchmark::State& state, EngineKind engine) {
  works::Blobs blobs;
  for (auto _ : state) blobs.run(engine);
  state.counters["steps"] = works::Blobs::steps;
}
BENCHMARK_CAPTURE(blobs_run, tiny, EngineKind::tiny)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(blobs_run, dense, EngineKind::dense)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(blobs_run, autograd, EngineKind::autograd)->Unit(benchmark::kMillisecond);

void blobs_stage(benchmark::State& state) {
  works::BlobsStage stage(state.range(0));
  for (auto _ : state) stage.run();
}
BENCHMARK(blobs_stage)->Arg(2)->Arg(32)->Unit(benchmark::kMicrosecond);

void shuffle(benchmark::State& state) {
  RandomState random(1);
  for (auto _ : state) benchmark::DoNotOptimize(random.permutation(state.range(0)));
}
BENCHMARK(shuffle)->Arg(500)->Arg(55000)->Unit(benchmark::kMicrosecond);

void autoencoder_step(benchmark::State& state, EngineOptions engine) {
  if (engine.precision == Precision::bf16 && !has_bf16())
    return state.SkipWithError("no bf16 in this processor");
  works::AutoencoderSteps steps(engine);
  for (auto _ : state) {
    state.PauseTiming();
    const auto order = steps.draw_order();
    state.ResumeTiming();
    steps.run(order);
  }
  state.counters["a_step"] = benchmark::Counter(
      static_cast<double>(steps.steps()),
      benchmark::Counter::kIsIterationInvariantRate | benchmark::Counter::kInvert);
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

/// Deepening by convolutional blocks, three epochs a stage. The counters are the seconds of each
/// stage: with the cache they do not grow with the depth.
void convolution_deepening(benchmark::State& state, CachePlace place) {
  using Clock = std::chrono::steady_clock;
  constexpr int64_t depth = 6;
  constexpr int64_t channels = 16;
  const works::ConvolutionShape shape{.in_channels = channels, .out_channels = channels};
  const auto data = shape.data(torch::kCPU);
  std::vector<double> seconds(depth);
  for (auto _ : state) {
    Random random(1, 0);
    const auto next = [](RandomState& draw) {
      return Block(make_convolution({.in_channels = channels, .out_channels = channels}, draw));
    };
    const auto head = [](RandomState& draw) {
      return Block(make_pooled_head({.channels = channels}, draw));
    };
    GreedyNet net(next(random.initialization), head(random.initialization));
    SupervisedDeepeningOptions options{.layers = depth + 1,
                                       .fit = {.epochs = 3, .batch_size = shape.batch_size},
                                       .head = HeadPolicy::fresh,
                                       .next_head = head};
    options.fit.engine.cache.place = place;
    Observer observer;
    auto begin = Clock::now();
    observer.on_stage = [&](const StageReport& report) {
      const auto end = Clock::now();
      seconds[static_cast<size_t>(report.info.stage - 1)] +=
          std::chrono::duration<double>(end - begin).count();
      begin = end;
    };
    deepen_supervised(net, data, options, next, random, observer);
  }
  for (size_t stage = 0; stage < seconds.size(); ++stage) {
    state.counters["stage_" + std::to_string(stage + 1)] =
        seconds[stage] / static_cast<double>(state.iterations());
  }
}
BENCHMARK_CAPTURE(convolution_deepening, cached, CachePlace::memory)->Unit(benchmark::kSecond);
BENCHMARK_CAPTURE(convolution_deepening, not_cached, CachePlace::none)->Unit(benchmark::kSecond);

/// A program from its start to its end, plots and all.
void whole_program(benchmark::State& state, const std::string& program,
                   const std::string& options = {}) {
  const auto folder = std::filesystem::temp_directory_path() / ("layerwise-benchmark-" + program);
  const auto command = std::string(LAYERWISE_PROGRAMS_DIR) + "/" + program + options +
                       " --quiet --force --out '" + folder.string() + "' >/dev/null 2>&1";
  for (auto _ : state) {
    if (std::system(command.c_str()) != 0) state.SkipWithError("it failed; is its data there?");
  }
  std::filesystem::remove_all(folder);
}
BENCHMARK_CAPTURE(whole_program, blobs_supervised, "blobs_supervised", " --repeats 1")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(whole_program, blobs_unsupervised, "blobs_unsupervised", " --repeats 1")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(whole_program, mnist_autoencoder, "mnist_autoencoder")
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace layerwise

int main(int argc, char** argv) {
  layerwise::keep_freed_memory();
  layerwise::set_math_threads(1);
  layerwise::prepare_thread(1);
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
}
