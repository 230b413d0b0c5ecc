#include <fstream>

#include <fmt/format.h>

#include "apps/running.h"
#include "data/images.h"

/// Small runs of every program on a device that is no CPU (fake_device.cpp).
namespace layerwise {
namespace {

using testing::content_of;
using testing::fields_of;
using testing::lines_of;
using testing::program;
using testing::run;
using testing::TemporaryFolder;

/// The metrics of a run on a device. @returns its rows
std::vector<std::string> metrics_on(const TemporaryFolder& folder, const std::string& name,
                                    const std::string& device, const std::string& options) {
  const auto out = name + "-out";
  const auto outcome =
      run(folder, fmt::format("PATH=/nowhere LD_PRELOAD={} {} {} --engine autograd --device {} "
                              "--force --out {}",
                              LAYERWISE_FAKE_DEVICE, program(name), options, device, out));
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  CHECK(testing::contains(outcome.err, "data, ") == testing::contains(options, "--cache-budget"));
  return lines_of(content_of(folder.path() / out / "metrics.csv"));
}

/// The same run on both devices, and on one that has no room for the data: their results agree to
/// what roundings make of themselves in it.
void check_both_devices(const TemporaryFolder& folder, const std::string& name,
                        const std::string& options) {
  INFO(name << options);
  const auto cpu = metrics_on(folder, name, "cpu", options);
  REQUIRE(cpu.size() > 2);
  std::vector<std::vector<std::string>> others{metrics_on(folder, name, "xpu", options)};
  if (!testing::contains(options, "--cache "))
    others.push_back(metrics_on(folder, name, "xpu", options + " --cache-budget 0.1KB"));
  for (const auto& other : others) {
    REQUIRE(cpu.size() == other.size());
    for (size_t i = 1; i < cpu.size(); ++i) {
      INFO(cpu[i] << " and " << other[i]);
      const auto value = [](const std::string& line) { return std::stod(fields_of(line)[8]); };
      CHECK(testing::relative_difference(value(other[i]), value(cpu[i])) < 1e-3);
    }
  }
}

TEST_CASE("The blobs programs run on another device") {
  const TemporaryFolder folder;
  const std::string small =
      " --repeats 1 --samples 60 --epochs 2 --layers 3 --units 5 --fine-tune 1";
  check_both_devices(folder, "blobs_supervised", small);
  check_both_devices(folder, "blobs_unsupervised", small + " --fine-tune-classifier");
  check_both_devices(folder, "blobs_study",
                     small + " --autoencoder-layers 3 --learning-rate 0.002");
}

TEST_CASE("The MNIST programs run on another device") {
  const TemporaryFolder folder;
  testing::write_images(folder.path() / "data");
  const std::string small =
      " --data-dir data --validation 20 --units 30,12,7 --repeats 2 --math-threads 1";
  check_both_devices(folder, "mnist_autoencoder",
                     small + " --batch-size 25 --epochs 2 --noise gaussian:0.3 --fine-tune 1");
  check_both_devices(folder, "mnist_pretraining",
                     small +
                         " --encoder-batch-size 25 --encoder-epochs 2 --labels 60 --epochs 2 "
                         "--batch-size 20");
}

TEST_CASE("The program on RBMs, and that on when they help, run on another device") {
  const TemporaryFolder folder;
  testing::write_images(folder.path() / "data", {3, 130, 30, 28, 28});
  const std::string small = " --data-dir data --repeats 1 ";
  check_both_devices(
      folder, "mnist_dbn",
      small +
          "--validation 20 --units 784,12,7 --rbm-epochs 2 --epochs 2 --early-stop 0 "
          "--rbm-momentum 0.5");
  check_both_devices(folder, "when_pretraining_helps",
                     small +
                         "--tuning-repeats 1 --controls A,C,D --arms "
                         "A_elu_autoencoders,C_sigmoid_denoising,C_pca,D_sigmoid_supervised "
                         "--autoencoder-epochs 1 --tuning-epochs 1 --layer-epochs 1 "
                         "--classifier-epochs 1 --wide-epochs 1 --steps 3 --labels 10");
}

TEST_CASE("The program on convolutions runs on another device") {
  const TemporaryFolder folder;
  testing::write_images(folder.path() / "data");
  const std::string small =
      " --data-dir data --validation 20 --widths 2,3 --repeats 1 --epochs 1 --batch-size 16"
      " --arms greedy_k1,end_to_end --k 1 --schedule constant --learning-rate 0.003";
  check_both_devices(folder, "cnn_supervised", small + " --crop 4 --flip");
  check_both_devices(folder, "cnn_supervised", small + " --cache memory");
}

TEST_CASE("A device whose memory runs out ends a run in two lines, and the run goes on later") {
  const TemporaryFolder folder;
  testing::write_images(folder.path() / "data");
  const auto on_device = fmt::format("PATH=/nowhere LD_PRELOAD={} ", LAYERWISE_FAKE_DEVICE);
  const auto command =
      program("mnist_autoencoder") +
      " --data-dir data --validation 20 --units 30,12,7 --epochs 2 --batch-size 25 "
      "--repeats 2 --engine autograd --device xpu --quiet --out ";
  REQUIRE(run(folder, on_device + command + "whole").status == 0);
  int resumed = 0;
  bool whole = false;
  for (int64_t allocations = 10; allocations < 100000; allocations *= 3) {
    INFO(allocations);
    const auto limit = fmt::format("LAYERWISE_FAKE_DEVICE_ALLOCATIONS={} ", allocations);
    const auto outcome = run(folder, limit + on_device + command + "part --force");
    whole = outcome.status == 0;
    if (whole) break;
    testing::require_two_lines(outcome, 1);
    CHECK(testing::contains(outcome.err, "XPU out of memory. Tried to allocate"));
    CHECK(testing::contains(outcome.err, "ask for a smaller --batch-size or --cache-budget"));
    if (content_of(folder.path() / "part" / "metrics.csv").empty()) continue;
    ++resumed;
    REQUIRE(
        run(folder, on_device + program("mnist_autoencoder") + " --quiet --resume part").status ==
        0);
    CHECK(content_of(folder.path() / "part" / "metrics.csv") ==
          content_of(folder.path() / "whole" / "metrics.csv"));
  }
  CHECK(resumed > 1);
  CHECK(whole);
}

TEST_CASE("A program of one's own runs on another device") {
  const TemporaryFolder folder;
  std::string table = "a,b,y\n";
  for (int row = 0; row < 60; ++row)
    table += fmt::format("{},{},{}\n", row % 7 - 3, row % 5 - 2, row % 3);
  std::ofstream(folder.path() / "table.csv") << table;
  // Its dropout draws other numbers there.
  const auto outcome = run(
      folder, fmt::format("PATH=/nowhere LD_PRELOAD={} {} --data table.csv --device xpu --quiet",
                          LAYERWISE_FAKE_DEVICE, program("own_study")));
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
}

}  // namespace
}  // namespace layerwise
