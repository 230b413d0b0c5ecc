#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "apps/running.h"
#include "data/images.h"

/// "Same bits whatever --threads is": every program, run with one and with two threads, in pairs.
/// LAYERWISE_PAIRS says how many pairs of each program, over all its commands (default: 6); with 0,
/// every command runs once, with two threads, for ThreadSanitizer.
namespace layerwise {
namespace {

using testing::content_of;
using testing::program;
using testing::run;
using testing::TemporaryFolder;

int pairs() {
  const char* text = std::getenv("LAYERWISE_PAIRS");
  return text != nullptr ? std::max(0, std::atoi(text)) : 6;
}

struct Command {
  std::string program;
  std::string options;
};

/// Small runs whose products have odd sizes, and every engine.
std::vector<Command> commands() {
  const std::string blobs = " --samples 90 --epochs 3 --layers 4 --units 7 --learning-rate 0.002";
  const std::string images =
      " --data-dir data --validation 50 --units 784,61,23 --batch-size 37 --epochs 1";
  const std::string labels =
      " --data-dir data --validation 50 --units 784,61,23 --encoder-batch-size 37"
      " --encoder-epochs 1 --labels 60 --epochs 2 --batch-size 20 --curves all";
  const std::string dbn =
      " --data-dir data --validation 50 --units 784,61,23 --rbm-epochs 1 --epochs 1 "
      "--early-stop 0 --rbm-batch-size 37 --batch-size 37";
  std::vector<Command> all;
  for (const auto* engine : {"tiny", "dense", "autograd"}) {
    all.push_back({"blobs_supervised", blobs + " --fine-tune 2 --engine " + engine});
    all.push_back({"blobs_unsupervised", blobs + " --engine " + engine});
  }
  for (const auto* engine : {"dense", "autograd"}) {
    all.push_back({"mnist_autoencoder", images + " --engine " + engine});
    all.push_back({"mnist_pretraining", labels + " --engine " + engine});
  }
  all.push_back({"mnist_autoencoder", images + " --noise masking:0.2 --fine-tune 1"});
  all.push_back({"mnist_dbn", dbn});
  all.push_back({"cnn_supervised",
                 " --dataset mnist --data-dir data --validation 50 --train-rows 0 --widths 5,7 "
                 "--epochs 1 --batch-size 37 --flip"});
  all.push_back({"when_pretraining_helps",
                 " --data-dir data --layer-epochs 1 --classifier-epochs 1 --controls D "
                 "--tuning-repeats 1 --arms D_sigmoid_none,D_sigmoid_rbms"});
  all.push_back(
      {"blobs_study",
       " --samples 90 --epochs 2 --layers 4 --units 7 --arms greedy,at_once,autoencoder"});
  all.push_back({"mnist_autoencoder", images + " --tied --sampling independent"});
  return all;
}

std::vector<std::string> files_of(const TemporaryFolder& folder, const std::string& name) {
  std::vector<std::string> contents;
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path() / name)) {
    const auto ending = entry.path().extension();
    if (ending == ".csv" || ending == ".safetensors") paths.push_back(entry.path());
  }
  std::sort(paths.begin(), paths.end());
  for (const auto& path : paths) contents.push_back(path.filename().string() + content_of(path));
  return contents;
}

TEST_CASE("Every program gives the same bits with one and with two threads") {
  const TemporaryFolder folder;
  testing::write_images(folder.path() / "data", {3, 260, 60, 28, 28});
  const auto all = commands();
  for (const auto& [name, options] : all) {
    INFO(name << options);
    const auto of_program = std::count_if(
        all.begin(), all.end(), [&](const Command& other) { return other.program == name; });
    int different = 0;
    const auto counts = pairs() == 0 ? std::vector{2} : std::vector{1, 2};
    const auto times = std::max<int64_t>(1, (pairs() + of_program - 1) / of_program);
    for (int64_t pair = 0; pair < times; ++pair) {
      std::vector<std::vector<std::string>> files;
      for (const int threads : counts) {
        // Without gnuplot, whose pictures are not what is compared.
        const auto outcome =
            run(folder, fmt::format("PATH=/nowhere {}{} --repeats 2 --seed {} --threads {} --quiet "
                                    "--force --out run",
                                    program(name), options, pair + 1, threads));
        INFO(outcome.err);
        REQUIRE(outcome.status == 0);
        files.push_back(files_of(folder, "run"));
      }
      REQUIRE(files[0].size() >= 2);
      different += files.front() != files.back();
    }
    CHECK(different == 0);
  }
}

}  // namespace
}  // namespace layerwise
