#include <fstream>
#include <map>
#include <regex>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "apps/running.h"
#include "data/images.h"

/// `--repeats A:B`, and layerwise_merge, which joins such runs.
namespace layerwise {
namespace {

using testing::contains;
using testing::content_of;
using testing::lines_of;
using testing::program;
using testing::require_two_lines;
using testing::run;
using testing::TemporaryFolder;

/// Without gnuplot: equal scripts draw equal pictures.
const std::string alone = "PATH=/nowhere ";
const std::string merge = alone + program("layerwise_merge") + " ";

/// What a run has written, but for the moments and the command that its page names.
std::map<std::string, std::string> written_in(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    files[entry.path().filename().string()] = content_of(entry.path());
  files.erase("run.json");
  auto& page = files.at("report.html");
  page = std::regex_replace(page, std::regex("<code>[^<]*</code>"), "COMMAND");
  page = std::regex_replace(page, std::regex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]+Z"), "TIME");
  return files;
}

/// What run.json says of a run, but for its moments, its command and where it was written.
nlohmann::json described_in(const std::filesystem::path& folder) {
  auto json = nlohmann::json::parse(content_of(folder / "run.json"));
  for (const auto* key : {"command", "arguments", "started", "ended", "joined", "shards"})
    json.erase(key);
  for (const auto* option : {"out", "force", "quiet", "device", "threads", "data", "data-dir"})
    json["options"].erase(option);
  return json;
}

/// A study in one run, and the same in parts that are joined.
/// @param all,parts options that make it whole, and those of each part
void check_joined_parts(const TemporaryFolder& folder, const std::string& command,
                        const std::string& all, const std::vector<std::string>& parts) {
  INFO(command);
  for (const auto* name : {"one", "parts", "joined"})
    std::filesystem::remove_all(folder.path() / name);
  const auto one = run(folder, fmt::format("{}{} {} --out one --quiet", alone, command, all));
  INFO(one.err);
  REQUIRE(one.status == 0);
  for (size_t i = 0; i < parts.size(); ++i) {
    const auto part =
        run(folder, fmt::format("{}{} {} --out parts/{} --quiet", alone, command, parts[i], i));
    INFO(part.err);
    REQUIRE(part.status == 0);
  }
  const auto joined = run(folder, merge + "parts/* --out joined");
  INFO(joined.err);
  REQUIRE(joined.status == 0);
  REQUIRE_FALSE(contains(joined.err, " left"));  // no repeat was run again
  const auto expected = written_in(folder.path() / "one");
  const auto found = written_in(folder.path() / "joined");
  for (const auto& [name, content] : expected) {
    INFO(name);
    REQUIRE(found.count(name) == 1);
    REQUIRE((found.at(name) == content));
  }
  REQUIRE(found.size() == expected.size());
  REQUIRE(described_in(folder.path() / "joined") == described_in(folder.path() / "one"));
}

/// The same in parts of so many repeats.
void check_joined(const TemporaryFolder& folder, const std::string& command, int repeats,
                  std::vector<std::string> shards) {
  for (auto& shard : shards) shard = "--repeats " + shard;
  check_joined_parts(folder, command, fmt::format("--repeats {}", repeats), shards);
}

TEST_CASE("Joined shards are the run that one program would have written, byte for byte") {
  const TemporaryFolder folder;
  const auto supervised = program("blobs_supervised") + " --samples 60 --epochs 2 --layers 4";
  check_joined(folder, supervised, 5, {"2:5", "0:2"});
  // Two of these repeats diverge, and some collapse.
  check_joined(folder, program("blobs_unsupervised") + " --epochs 5 --layers 4 --seed 1", 8,
               {"0:3", "3:8"});
  REQUIRE(contains(content_of(folder.file("joined/troubles.csv")), ",diverged,"));
  REQUIRE(contains(content_of(folder.file("joined/metrics.csv")), ",nan\n"));

  std::ofstream table(folder.file("my_data.csv"));
  table << "a,b,y\n";
  for (int row = 0; row < 60; ++row)
    table << fmt::format("{},{},{}\n", row % 7 - 3, row % 5 - 2, row % 3);
  table.close();
  check_joined(folder, program("own_study"), 3, {"0:1", "1:3"});
  REQUIRE(std::filesystem::exists(folder.path() / "joined/repeat2_net.safetensors"));
}

TEST_CASE("The shards of the MNIST programs are joined, with checkpoints, curves and tuning") {
  const TemporaryFolder folder;
  testing::write_images(folder.path() / "data");
  const std::string small = " --data-dir data --validation 20 --units 30,12,7";
  check_joined(folder,
               program("mnist_autoencoder") + small + " --batch-size 25 --epochs 2 --fine-tune 1",
               3, {"1:3", "0:1"});
  REQUIRE(std::filesystem::exists(folder.path() / "joined/repeat2_fine_tuned.safetensors"));
  const auto comparison = program("mnist_pretraining") + small +
                          " --encoder-batch-size 25 --encoder-epochs 1 --epochs 2 --batch-size 20";
  // The means of the curves are those of all repeats, and every shard draws its labeled rows.
  check_joined(folder, comparison + " --labels 60", 3, {"0:1", "1:3"});
  REQUIRE(contains(content_of(folder.file("joined/curves.csv")), "\nmean,"));
  check_joined(folder,
               comparison +
                   " --variants none,frozen --budgets 60,30 --steps 100"
                   " --learning-rates 0.02,0.001 --tuning-repeats 1",
               2, {"0:1", "1:2"});
  REQUIRE(std::filesystem::exists(folder.path() / "joined/tuning.csv"));
}

TEST_CASE("The shards of studies of several networks are joined") {
  const TemporaryFolder folder;
  check_joined(folder, program("blobs_study") + " --samples 60 --epochs 2 --layers 4", 3,
               {"0:1", "1:3"});
  testing::write_images(folder.path() / "data", {3, 240, 30, 28, 28});
  check_joined(folder,
               program("cnn_supervised") +
                   " --dataset mnist --data-dir data --validation 50 --widths 5,7 --epochs 1",
               2, {"0:1", "1:2"});
  check_joined(folder,
               program("mnist_dbn") +
                   " --data-dir data --validation 50 --units 784,61,23 "
                   "--rbm-epochs 1 --epochs 1 --early-stop 0",
               2, {"0:1", "1:2"});
  check_joined(folder,
               program("when_pretraining_helps") +
                   " --data-dir data --layer-epochs 1 --classifier-epochs 1 --controls D "
                   "--tuning-repeats 1 --arms D_sigmoid_none,D_sigmoid_rbms",
               2, {"0:1", "1:2"});
  REQUIRE(std::filesystem::exists(folder.path() / "joined/rates.csv"));
}

TEST_CASE("Runs of some of the arms are joined, too") {
  const TemporaryFolder folder;
  const auto helps = program("when_pretraining_helps");
  const std::string small =
      " --data-dir data --repeats 2 --tuning-repeats 1 --layer-epochs 1 --classifier-epochs 1";
  testing::write_images(folder.path() / "data", {3, 240, 30, 28, 28});
  check_joined_parts(folder, helps + small + " --controls D",
                     "--arms D_relu_none,D_sigmoid_none,D_sigmoid_rbms",
                     {"--arms D_relu_none", "--arms D_sigmoid_rbms,D_sigmoid_none"});
  check_joined_parts(
      folder, program("blobs_study") + " --samples 60 --epochs 2 --layers 4",
      "--repeats 3 --arms at_once,greedy",
      {"--repeats 1:3 --arms greedy", "--repeats 0:1 --arms greedy", "--repeats 3 --arms at_once"});
}

TEST_CASE("A repeat is the same alone, among others and in a shard") {
  const TemporaryFolder folder;
  const auto command = alone + program("blobs_supervised") +
                       " --samples 60 --epochs 2 --layers 3 --quiet --repeats ";
  const auto shard = run(folder, command + "2:4 --out shard");
  REQUIRE(shard.status == 0);
  REQUIRE(run(folder, command + "4 --threads 1 --out all").status == 0);
  REQUIRE(run(folder, command + "3:4 --out third").status == 0);
  const auto rows_from = [&](const std::string& name, const std::string& begin) {
    const auto text = content_of(folder.file(name + "/metrics.csv"));
    return text.substr(text.find("\n" + begin));
  };
  REQUIRE(rows_from("shard", "2,") == rows_from("all", "2,"));
  REQUIRE(rows_from("third", "3,") == rows_from("all", "3,"));
  // Curves are those of repeat 0, and there is no figure of them without it.
  REQUIRE(lines_of(content_of(folder.file("shard/curves.csv"))).size() == 1);
  REQUIRE_FALSE(std::filesystem::exists(folder.path() / "shard/learning_curves.gp"));
  REQUIRE(contains(shard.out, "those of repeat 2)"));
  const auto json = nlohmann::json::parse(content_of(folder.file("shard/run.json")));
  REQUIRE(json["options"]["repeats"] == "2:4");
  REQUIRE(run(folder, alone + program("blobs_supervised") + " --resume shard").status == 0);
}

TEST_CASE("Shards are joined as a whole or not at all, and never over a run") {
  const TemporaryFolder folder;
  for (const auto* repeats : {"0:2", "2:4"}) {
    const auto command = alone + program("blobs_supervised") +
                         " --samples 60 --epochs 1 --layers 2 --quiet --repeats ";
    REQUIRE(run(folder, fmt::format("{}{} --out {}", command, repeats, repeats)).status == 0);
  }
  const auto shard = content_of(folder.file("0:2/metrics.csv"));
  require_two_lines(run(folder, merge + "2:4 --out joined"), 1);
  require_two_lines(run(folder, merge + "0:2 2:4 --out /proc/joined"), 1);
  require_two_lines(run(folder, merge + "0:2 2:4 --out 0:2 --force"), 2);
  require_two_lines(run(folder, "ulimit -f 1; " + merge + "0:2 2:4 --out joined"), 1);
  REQUIRE_FALSE(std::filesystem::exists(folder.path() / "joined"));
  REQUIRE(content_of(folder.file("0:2/metrics.csv")) == shard);

  const auto lost = run(folder, merge + "0:2 2:4 --out joined --program ./nowhere");
  require_two_lines(lost, 1);
  REQUIRE(contains(lost.err, "cannot start './nowhere'"));
  REQUIRE(run(folder, alone + program("blobs_supervised") + " --resume joined").status == 0);
  const auto metrics = content_of(folder.file("joined/metrics.csv"));
  REQUIRE(metrics ==
          shard + content_of(folder.file("2:4/metrics.csv")).substr(shard.find('\n') + 1));
  const auto again = run(folder, merge + "0:2 2:4 --out joined");
  require_two_lines(again, 1);
  REQUIRE(contains(again.err, "already holds a run"));
  const auto forced = run(folder, merge + "2:4 0:2 --out joined --force --quiet");
  REQUIRE(forced.status == 0);
  REQUIRE(contains(forced.out, "published train"));
  REQUIRE(content_of(folder.file("joined/metrics.csv")) == metrics);
  const auto whole = nlohmann::json::parse(content_of(folder.file("joined/run.json")));
  REQUIRE(whole["status"] == "finished");
  REQUIRE(whole["shards"].size() == 2);
  REQUIRE(whole["options"]["repeats"] == 4);
}

}  // namespace
}  // namespace layerwise
