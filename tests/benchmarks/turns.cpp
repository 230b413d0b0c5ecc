/// This library's contender in compare.sh: keeps one work ready and runs it for a while when told.
///
///     build/release/tests/turns WORK [DEVICE]
///
/// WORK: blobs_run, blobs_stage_2, blobs_stage_32, autoencoder_PRECISION (784-300-784 at 150),
/// wide_PRECISION (2000-2000-2000 at 256), rbm_10, rbm_100 (784-1000, by batch size) or
/// convolution_PRECISION (a stage of cnn_supervised), where PRECISION is fp32, tf32 or bf16; or
/// convolution_libtorch, a loop without this library. DEVICE, of the last four: cpu or cuda.
///
/// Prints `ready`, then answers each line `turn SECONDS` on stdin: repeats the work until that time
/// has passed and prints `turn`, the seconds that one unit of work took, and how many were done.
/// A unit is a run, a stage or a step. alternate.py gives the turns; peers/turns.py answers
/// likewise.
#include <chrono>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <string>

#include "works.h"

namespace layerwise {
namespace {

struct Work {
  std::function<void()> run;
  int64_t units = 1;  ///< in one run
};

Work blobs_stage(int64_t stage) {
  const auto work = std::make_shared<works::BlobsStage>(stage);
  return {[=] { work->run(); }};
}

using Shape = works::AutoencoderSteps::Shape;

/// On CUDA an epoch has ten times the rows, since a step takes a hundredth of the time.
Work autoencoder(Precision precision, Shape shape, torch::Device device) {
  if (device.is_cuda()) shape.rows *= 10;
  const auto work = std::make_shared<works::AutoencoderSteps>(
      EngineOptions{EngineKind::dense, precision}, shape, device);
  return {[=] { work->run(work->draw_order()); }, work->steps()};
}

/// On CUDA as in `cnn_supervised --reproduce belilovsky-k1`.
works::ConvolutionShape convolution_shape(torch::Device device) {
  if (device.is_cuda()) return {128, 256, 32, 128, 12800};
  return {};
}

Work convolution(Precision precision, torch::Device device) {
  const auto work =
      std::make_shared<works::ConvolutionSteps>(precision, convolution_shape(device), device);
  return {[=] { work->run(); }, work->steps()};
}

Work rbm(int64_t batch_size) {
  const auto work = std::make_shared<works::RbmSteps>(batch_size);
  return {[=] { work->run(); }, work->steps()};
}

using MakeWork = std::function<Work(torch::Device)>;

std::map<std::string, MakeWork> all_works() {
  std::map<std::string, MakeWork> works{
      {"blobs_run",
       [](auto) {
         const auto blobs = std::make_shared<works::Blobs>();
         return Work{[=] { blobs->run(EngineKind::tiny); }};
       }},
      {"blobs_stage_2", [](auto) { return blobs_stage(2); }},
      {"blobs_stage_32", [](auto) { return blobs_stage(32); }},
      {"rbm_10", [](auto) { return rbm(10); }},
      {"rbm_100", [](auto) { return rbm(100); }},
      {"convolution_libtorch",
       [](auto device) {
         const auto shape = convolution_shape(device);
         const auto loop = std::make_shared<works::ConvolutionLoop>(shape, device);
         return Work{[=] { loop->run(); }, shape.rows / shape.batch_size};
       }},
  };
  for (const auto& name : precision_names()) {
    const auto precision = precision_named(name);
    works["autoencoder_" + name] = [=](auto device) { return autoencoder(precision, {}, device); };
    works["convolution_" + name] = [=](auto device) { return convolution(precision, device); };
    works["wide_" + name] = [=](auto device) {
      return autoencoder(precision, {2000, 2000, 256, 6144}, device);
    };
  }
  return works;
}

void take_turn(const Work& work, double seconds) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  double passed = 0;
  int64_t units = 0;
  do {
    work.run();
    units += work.units;
    passed = std::chrono::duration<double>(Clock::now() - start).count();
  } while (passed < seconds);
  std::cout << "turn " << passed / static_cast<double>(units) << ' ' << units << std::endl;
}

int answer_turns(const std::string& name, const std::string& device) {
  const auto works = all_works();
  const auto found = works.find(name);
  if (found == works.end()) {
    std::cerr << "error: no work is called '" << name << "'\nhint: one of";
    for (const auto& [known, set_up] : works) std::cerr << ' ' << known;
    std::cerr << '\n';
    return 2;
  }
  keep_freed_memory();
  set_math_threads(1);
  prepare_thread(1);
  const auto work = found->second(find_device(device));
  std::cout.precision(9);
  std::cout << "ready" << std::endl;
  std::string command;
  double seconds = 0;
  while (std::cin >> command >> seconds) take_turn(work, seconds);
  return 0;
}

}  // namespace
}  // namespace layerwise

int main(int argc, char** argv) {
  try {
    return layerwise::answer_turns(argc > 1 ? argv[1] : "", argc > 2 ? argv[2] : "cpu");
  } catch (const std::exception& error) {
    std::cerr << "error: " << error.what() << '\n';
    return 1;
  }
}
