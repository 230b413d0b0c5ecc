#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <map>
#include <sstream>
#include <thread>
#include <tuple>
#include <vector>

#include <fmt/format.h>
#include <torch/cuda.h>

#include "layerwise/data/blobs.h"
#include "layerwise/device.h"
#include "layerwise/engines/processor.h"
#include "layerwise/file.h"

#include "apps/running.h"
#include "pretraining/replays.h"
#include "processes.h"

/// The programs as their user meets them: the command line, what is printed, what is written, how
/// they fail.
namespace layerwise {
namespace {

using testing::contains;
using testing::content_of;
using testing::lines_of;
using testing::Outcome;
using testing::program;
using testing::require_two_lines;
using testing::run;
using testing::TemporaryFolder;

constexpr auto small = " --samples 60 --epochs 2 --layers 4 --units 5 ";
/// The same, once: the programs repeat by default.
const std::string once = std::string(" --repeats 1") + small;

TEST_CASE("--help shows every option with its default, --version what results depend on") {
  const TemporaryFolder folder;
  for (const auto* name : {"blobs_supervised", "blobs_unsupervised"}) {
    const auto help = run(folder, program(name) + " --help");
    REQUIRE(help.status == 0);
    REQUIRE(help.err.empty());
    for (const auto* option : {"--device",       "--seed",
                               "--repeats",      "--layers",
                               "--units",        "--epochs",
                               "--batch-size",   "--learning-rate",
                               "--momentum",     "--threads",
                               "--math-threads", "--out",
                               "--force",        "--quiet",
                               "--version",      "--samples",
                               "--centers",      "--features",
                               "--cluster-std",  "--random-state",
                               "--export-data",  "--fine-tune-learning-rate",
                               "Run:",           "Data:",
                               "Training:",      "Fine-tuning:",
                               "[auto]",         "[0.9]",
                               "[1000]"}) {
      INFO(name << " " << option);
      REQUIRE(contains(help.out, option));
    }
    const auto version = run(folder, program(name) + " --version");
    REQUIRE(version.status == 0);
    for (const auto* part : {"LibTorch", "BLAS", "CUDA"}) REQUIRE(contains(version.out, part));
  }
}

TEST_CASE("Wrong usage is refused in two lines with the value, and nothing is written",
          "[refusals]") {
  const TemporaryFolder folder;
  const auto count = [&] {
    return std::distance(std::filesystem::directory_iterator(folder.path()), {});
  };
  const auto refused = [&](const std::string& name, const std::string& options,
                           const std::string& value) {
    INFO(name << " " << options);
    const auto outcome = run(folder, program(name) + " " + options);
    require_two_lines(outcome, 2);
    REQUIRE(contains(lines_of(outcome.err)[0], value));
    REQUIRE(outcome.out.empty());
    REQUIRE(count() == 2);
  };
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"--no-such-option", "--no-such-option"},
      {"stray", "stray"},
      {"--epochs 0", "--epochs: '0'"},
      {"--epochs -3", "--epochs: '-3'"},
      {"--epochs abc", "--epochs: 'abc'"},
      {"--epochs 1.5", "--epochs: '1.5'"},
      {"--epochs 010", "--epochs: '010'"},
      {"--epochs", "--epochs"},
      {"--layers 1", "--layers: '1'"},
      {"--units 0", "--units: '0'"},
      {"--batch-size 0", "--batch-size: '0'"},
      {"--seed -1", "--seed: '-1'"},
      {"--seed 4294967296", "--seed: '4294967296'"},
      {"--learning-rate 0", "--learning-rate: '0'"},
      {"--learning-rate nan", "--learning-rate: 'nan'"},
      {"--momentum 1", "--momentum: '1'"},
      {"--samples 1", "--samples: '1'"},
      {"--centers 1", "--centers: '1'"},
      {"--features 0", "--features: '0'"},
      {"--random-state -1", "--random-state: '-1'"},
      {"--cluster-std -1", "--cluster-std: '-1'"},
      {"--cluster-std 1,", "--cluster-std: ''"},
      {"--cluster-std 1,2", "--cluster-std lists 2 values for 3 centers"},
      {"--repeats 1 --threads 2", "--threads 2"},
      {"--repeats 0", "--repeats: '0'"},
      {"--math-threads 0", "--math-threads: '0'"},
      {"--device tpu", "'tpu'"},
      {"--device cuda:x", "'cuda:x'"},
      {"--out", "--out"},
      {"--out ''", "--out"},
      {"--out --quiet", "--out: '--quiet'"},
      {"--export-data ''", "--export-data"},
      {"--force", "--force"},
      {"--seed 1 --seed 2", "--seed"},
      {"--optimizer lbfgs", "'lbfgs'"},
      {"--optimizer adam --momentum 0.5", "--momentum has no effect with adam"},
      {"--schedule linear", "'linear'"},
      {"--schedule step:100:0.1", "needs 1601 steps"},
      {"--schedule-over all", "--schedule-over has no effect on a constant"},
      {"--early-stop 3", "--early-stop without validation rows"},
      {"--validation 500", "--validation 500 of 500 training rows"},
      {"--fine-tune-learning-rate 0.1", "--fine-tune"}};
  for (const auto& [options, value] : wrong) refused("blobs_supervised", options, value);
  refused("blobs_unsupervised", "--epochs abc", "--epochs: 'abc'");
  refused("blobs_unsupervised", "--layers 1", "--layers: '1'");
  refused("blobs_unsupervised", "--cluster-std 1,2", "--cluster-std lists 2 values for 3 centers");
  refused("blobs_unsupervised", "--fine-tune 10", "--fine-tune");
  refused("blobs_unsupervised", "--fine-tune 10 --fine-tune-classifier 5", "--fine-tune");
  refused("blobs_unsupervised", "--fine-tune-classifier 0", "'0'");
  refused("blobs_supervised", "--fine-tune-classifier", "--fine-tune-classifier");
  refused("blobs_supervised", "--repeats 1 --margin 0.01", "--margin with a single repeat");
  refused("blobs_supervised", "--margin 0", "--margin: '0'");
}

/// metrics.csv as (repeat, stage, split_metric) -> value, of plain stages.
std::map<std::tuple<int, int, std::string>, double> metrics_of(const std::string& csv) {
  std::map<std::tuple<int, int, std::string>, double> values;
  for (const auto& line : lines_of(csv)) {
    std::vector<std::string> cells;
    std::istringstream stream(line);
    for (std::string cell; std::getline(stream, cell, ',');) cells.push_back(cell);
    if (cells[0] == "repeat" || !cells[2].empty()) continue;
    values[{std::stoi(cells[0]), std::stoi(cells[4]), cells[6] + "_" + cells[7]}] =
        std::stod(cells[8]);
  }
  return values;
}

/// The library's, which replay_test.cpp holds to PyTorch's.
TEST_CASE("The programs give the library's numbers for a seed, sizes and settings of one's own") {
  const auto replays = testing::reference("replays.json");
  for (const auto* kind : {"supervised", "unsupervised"}) {
    for (const auto& replay : replays[fmt::format("{}_short", kind)]) {
      const TemporaryFolder folder;
      const auto& o = replay["options"];
      const auto repeat = o["repeat"].get<int>();
      std::string options = fmt::format(" --quiet --device cpu --out run --repeats {}", repeat + 1);
      for (const auto* name :
           {"seed", "samples", "centers", "features", "cluster_std", "random_state", "units",
            "layers", "epochs", "batch_size", "learning_rate", "momentum"}) {
        std::string flag = name;
        std::replace(flag.begin(), flag.end(), '_', '-');
        options += fmt::format(" --{} {}", flag, o[name].dump());
      }
      const auto outcome = run(folder, program(fmt::format("blobs_{}", kind)) + options);
      INFO(kind << options << "\n" << outcome.err);
      REQUIRE(outcome.status == 0);
      REQUIRE(outcome.err.empty());
      const auto values = metrics_of(content_of(folder.file("run/metrics.csv")));
      testing::Experiment experiment(o);
      set_math_threads(1);
      prepare_thread(1);
      const auto scores = testing::run(experiment, kind == std::string("supervised"));
      REQUIRE(scores.size() >= 4 * replay["stages"].size());
      for (const auto& [key, value] : scores) {
        const auto& [stage, name] = key;
        INFO(stage << " " << name);
        const auto found = values.find({repeat, static_cast<int>(stage), name});
        if (found == values.end()) {  // what a program does not report
          REQUIRE(kind == std::string("unsupervised"));
          REQUIRE(name.find("cross_entropy") != std::string::npos);
          continue;
        }
        REQUIRE(fmt::format("{:.9g}", found->second) == fmt::format("{:.9g}", value));
      }
    }
  }
}

TEST_CASE("Optimizer, schedule, head and early stop change the training, and are carried out") {
  const TemporaryFolder folder;
  const auto accuracy = [&](const std::string& options, const char* name = "blobs_supervised") {
    const auto out = fmt::format("out{}", std::hash<std::string>{}(options));
    const auto outcome =
        run(folder, program(name) +
                        " --repeats 1 --layers 3 --epochs 8 --quiet --force --samples 200 " +
                        options + " --out " + out);
    INFO(options << "\n" << outcome.err);
    REQUIRE(outcome.status == 0);
    return content_of(folder.file(out + "/metrics.csv"));
  };
  const auto plain = accuracy("");
  REQUIRE(accuracy("--optimizer sgd --schedule constant --head kept --early-stop 0") == plain);
  for (const auto* options :
       {"--optimizer adam", "--optimizer adamw", "--optimizer rmsprop --learning-rate 0.001",
        "--schedule cosine", "--schedule warmup:2+step:3:0.1", "--head fresh"}) {
    INFO(options);
    REQUIRE(accuracy(options) != plain);
  }
  REQUIRE(accuracy("--schedule cosine --schedule-over all") != accuracy("--schedule cosine"));
  REQUIRE(accuracy("--validation 40 --early-stop 1") != accuracy("--validation 40"));
  CHECK(contains(run(folder, program("blobs_supervised") + " --repeats 1 --layers 2 --epochs 20 "
                                                           "--validation 100 --early-stop 2 "
                                                           "--out early")
                     .out,
                 " (best after step "));
  const std::string slow = "--learning-rate 0.002 --validation 40";
  REQUIRE(accuracy(slow + " --early-stop 1", "blobs_unsupervised") !=
          accuracy(slow, "blobs_unsupervised"));
}

TEST_CASE("A CUDA device that is not there is a failure", "[cuda]") {
  const TemporaryFolder folder;
  const auto device = torch::cuda::is_available() ? "cuda:99" : "cuda";
  require_two_lines(run(folder, program("blobs_supervised") + " --device " + device), 1);
}

TEST_CASE("A supervised run prints the tutorial's lines and writes its folder") {
  const TemporaryFolder folder;
  const auto command = program("blobs_supervised") + once + "--out run";
  const auto first = run(folder, command);
  INFO(first.err);
  REQUIRE(first.status == 0);
  const auto lines = lines_of(first.out);
  for (int i = 0; i < 3; ++i) {
    double train = 0;
    double test = 0;
    int layers = 0;
    REQUIRE(std::sscanf(lines[static_cast<size_t>(i)].c_str(), "> layers=%d, train=%lf, test=%lf",
                        &layers, &train, &test) == 3);
    REQUIRE(layers == i + 2);
  }
  REQUIRE(contains(first.out, "published train"));
  REQUIRE(contains(first.out, "not comparable"));
  REQUIRE(contains(first.err, " left"));
  const auto about_openblas = better_openblas_kernels().empty() ? 0 : 1;
  REQUIRE(std::count(first.err.begin(), first.err.end(), '\n') ==
          6 + about_openblas);  // device, engine, stages, folder
  REQUIRE(first.err.rfind("device ", 0) == 0);

  const auto metrics = content_of(folder.file("run/metrics.csv"));
  const auto rows = lines_of(metrics);
  REQUIRE(rows[0] == "repeat,seed,variant,labels,stage,layers,split,metric,value");
  REQUIRE(rows.size() == 1 + 3 * 7);
  REQUIRE(rows[1].rfind("0,1,,,1,2,train,accuracy,", 0) == 0);
  REQUIRE(contains(metrics, "0,1,,,3,4,test,cross_entropy,"));
  const auto curves = lines_of(content_of(folder.file("run/curves.csv")));
  REQUIRE(curves[0] == "repeat,variant,labels,stage,epoch,step,split,metric,value");
  REQUIRE(curves.size() == 1 + 3 * 3 * 4);
  REQUIRE(nlohmann::json::parse(content_of(folder.file("run/run.json")))["status"] == "finished");
  REQUIRE(contains(content_of(folder.file("run/report.html")), "<table>"));

  const auto again = run(folder, command);
  require_two_lines(again, 1);
  REQUIRE(contains(again.err, "run"));
  REQUIRE(content_of(folder.file("run/metrics.csv")) == metrics);

  const auto forced = run(folder, command + " --force --quiet");
  REQUIRE(forced.status == 0);
  REQUIRE(forced.err.empty());
  REQUIRE(content_of(folder.file("run/metrics.csv")) == metrics);
  REQUIRE(lines_of(forced.out)[0] == lines[0]);
}

TEST_CASE("An unsupervised run prints the tutorial's lines") {
  const TemporaryFolder folder;
  const auto outcome =
      run(folder, program("blobs_unsupervised") + once + "--learning-rate 0.002 --out run --quiet");
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  const auto lines = lines_of(outcome.out);
  for (size_t i = 0; i < 6; i += 2) {
    REQUIRE(lines[i].rfind("> reconstruction error train=", 0) == 0);
    REQUIRE(lines[i + 1].rfind(fmt::format("> classifier accuracy layers={}, train=", i / 2 + 2),
                               0) == 0);
  }
  const auto rows = lines_of(content_of(folder.file("run/metrics.csv")));
  REQUIRE(rows.size() == 1 + 3 * 7);
  REQUIRE(rows[1].rfind("0,1,,,1,2,train,mse,", 0) == 0);
  REQUIRE(rows[3].rfind("0,1,,,1,2,train,dead_units,", 0) == 0);
  REQUIRE(rows[6].rfind("0,1,,,1,2,train,accuracy,", 0) == 0);
}

TEST_CASE("Plots are drawn", "[gnuplot]") {
  const TemporaryFolder folder;
  if (run(folder, "command -v gnuplot").status != 0) {
    WARN("skipped: no gnuplot");
    return;
  }
  REQUIRE(run(folder, program("blobs_unsupervised") + once + "--out drawn").status == 0);
  for (const auto* name : {"data", "accuracy", "reconstruction", "learning_curves"}) {
    REQUIRE(std::filesystem::exists(folder.file(fmt::format("drawn/{}.png", name))));
    REQUIRE_FALSE(std::filesystem::exists(folder.file(fmt::format("drawn/{}.svg", name))));
  }
  const auto page = content_of(folder.file("drawn/report.html"));
  REQUIRE(contains(page, "<svg role=\"img\" aria-label=\"The 60 points"));
  REQUIRE(contains(page, "Figure 4."));
  // As the page of a run without gnuplot says.
  REQUIRE(run(folder, "cd drawn && rm *.png && gnuplot *.gp").status == 0);
  REQUIRE(std::filesystem::exists(folder.file("drawn/accuracy.png")));
  REQUIRE(std::filesystem::exists(folder.file("drawn/accuracy.svg")));
}

TEST_CASE("Of many points, the page draws some") {
  const TemporaryFolder folder;
  const auto options = " --samples 6000 --epochs 1 --layers 2 --out run --quiet";
  REQUIRE(run(folder, "PATH=/nowhere " + program("blobs_supervised") + options).status == 0);
  REQUIRE(lines_of(content_of(folder.file("run/data.gp"))).size() < 4100);
}

TEST_CASE("A run without gnuplot says what is missing and is whole all the same") {
  const TemporaryFolder folder;
  const auto without =
      run(folder, "PATH=/nowhere " + program("blobs_supervised") + once + "--out run --quiet");
  require_two_lines(without, 0);
  REQUIRE(contains(without.err, "gnuplot"));
  REQUIRE(contains(content_of(folder.file("run/report.html")),
                   "in the folder of the page: gnuplot *.gp"));
  REQUIRE(std::filesystem::exists(folder.file("run/accuracy.gp")));
  REQUIRE_FALSE(std::filesystem::exists(folder.file("run/accuracy.png")));
}

TEST_CASE("A gnuplot that fails costs the plots, and nothing else") {
  const TemporaryFolder folder;
  const auto broken = run(
      folder, "printf '#!/bin/sh\\nexit 3\\n' >gnuplot; chmod +x gnuplot; PATH=\"$PWD:$PATH\" " +
                  program("blobs_supervised") + once + "--out run --quiet");
  require_two_lines(broken, 1);
  REQUIRE(contains(content_of(folder.file("run/report.html")), "Not drawn: accuracy.gp draws it"));
  REQUIRE(nlohmann::json::parse(content_of(folder.file("run/run.json")))["status"] == "finished");
}

TEST_CASE("Streams that cannot be written to are no reason to crash") {
  const TemporaryFolder folder;
  const auto command = program("blobs_supervised") + once;
  REQUIRE(run(folder, command + "--out a 2>/dev/full").status == 0);
  REQUIRE(run(folder, command + "--out b 2>&-").status == 0);
  require_two_lines(run(folder, command + "--quiet --out c >&-"), 1);
  require_two_lines(run(folder, program("blobs_supervised") + " --help >/dev/full"), 1);
  for (const auto* name : {"a", "b", "c"}) {
    const auto curves = lines_of(content_of(folder.file(fmt::format("{}/curves.csv", name))));
    REQUIRE(curves.size() == 1 + 3 * 3 * 4);
  }
}

TEST_CASE("The engine asked for takes the steps, and all give the same numbers") {
  const TemporaryFolder folder;
  const auto command = program("blobs_supervised") + once + "--device cpu ";
  std::string accuracies;
  for (const auto* engine : {"autograd", "dense", "tiny", "auto"}) {
    const auto outcome =
        run(folder, fmt::format("{}--engine {} --out {}", command, engine, engine));
    INFO(engine << outcome.err);
    REQUIRE(outcome.status == 0);
    if (accuracies.empty()) accuracies = outcome.out;
    REQUIRE(outcome.out == accuracies);
    const auto described =
        nlohmann::json::parse(content_of(folder.file(fmt::format("{}/run.json", engine))));
    const bool automatic = engine == std::string("auto");
    REQUIRE(described["engines"][0]["name"] == (automatic ? "tiny" : engine));
    REQUIRE(described["engines"][0]["reason"].get<std::string>().empty() != automatic);
    REQUIRE(contains(outcome.err, automatic ? "engine tiny" : fmt::format("engine {}", engine)));
  }
}

TEST_CASE("An engine that cannot do what it is asked for says why") {
  const TemporaryFolder folder;
  const auto command = program("blobs_supervised") + once + "--device cpu --quiet ";
  const auto refused = [&](const std::string& options, const std::string& why) {
    const auto outcome = run(folder, command + "--force --out out " + options);
    INFO(options << outcome.err);
    REQUIRE(outcome.status == 2);
    REQUIRE(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 2);
    REQUIRE(contains(outcome.err, why));
  };
  refused("--engine tiny --centers 65", "a layer has 65 units");
  refused("--precision tf32", "the CPU does not multiply in tf32");
  if (has_bf16()) {
    refused("--engine tiny --precision bf16", "fp32 only");
  } else {
    refused("--precision bf16", "neither AVX512_BF16 nor AMX");
  }
  refused("--engine fast", "not one of: auto, autograd, dense, tiny");
  REQUIRE(run(folder, command + "--force --out out --centers 65").status == 0);
}

TEST_CASE("Where OpenBLAS is too old for the processor, a run says so and oneDNN multiplies") {
  const auto targets = simd_targets();
  if (openblas_kernels().empty() ||
      std::find(targets.begin(), targets.end(), "AVX2") == targets.end()) {
    WARN("skipped: no OpenBLAS, or no AVX2");
    return;
  }
  const TemporaryFolder folder;
  const auto outcome = [&](const std::string& kernels) {
    return run(folder, "OPENBLAS_CORETYPE=" + kernels + " " + program("blobs_supervised") + once +
                           "--force --out run");
  };
  const auto products = [&] {
    const auto run = nlohmann::json::parse(content_of(folder.file("run/run.json")));
    return run["engine_choices"]["fp32_products"].get<std::string>();
  };
  const auto slow = outcome("Prescott");
  INFO(slow.err);
  CHECK(contains(slow.err, "kernels for Prescott: set OPENBLAS_CORETYPE="));
  CHECK(products() == (has_onednn() ? "oneDNN" : "BLAS"));
  CHECK(!contains(outcome("Haswell").err, "OpenBLAS"));
}

TEST_CASE("run.json has what is needed to repeat the run") {
  const TemporaryFolder folder;
  const auto command = program("blobs_supervised") + once + "--quiet --device cpu ";
  REQUIRE(run(folder, command + "--out a").status == 0);
  const auto plain = nlohmann::json::parse(content_of(folder.file("a/run.json")));
  REQUIRE(plain["options"]["fine-tune"] == "off");
  REQUIRE(plain["options"]["samples"] == 60);
  REQUIRE(plain["options"]["momentum"] == 0.9);
  REQUIRE(plain["device"] == "cpu");
  REQUIRE(plain["engines"].size() == 1);
  REQUIRE(plain["engines"][0]["name"] == "tiny");
  REQUIRE(plain["engines"][0]["details"] == plain["engine_choices"]["simd"]);
  REQUIRE_FALSE(plain["libtorch"]["version"].get<std::string>().empty());
  REQUIRE(run(folder, command + "--out b --fine-tune 3").status == 0);
  const auto tuned = nlohmann::json::parse(content_of(folder.file("b/run.json")));
  REQUIRE(tuned["options"]["fine-tune"] == 3);
}

TEST_CASE("Repeats have streams of their own, and threads change nothing") {
  const TemporaryFolder folder;
  const auto command = program("blobs_unsupervised") + small + "--learning-rate 0.002 --quiet ";
  REQUIRE(run(folder, command + "--repeats 3 --threads 2 --out two").status == 0);
  REQUIRE(run(folder, command + "--repeats 3 --out one").status == 0);
  REQUIRE(run(folder, command + "--repeats 1 --out single").status == 0);
  const auto one = content_of(folder.file("one/metrics.csv"));
  REQUIRE(one == content_of(folder.file("two/metrics.csv")));
  REQUIRE(one.rfind(content_of(folder.file("single/metrics.csv")), 0) == 0);
  const auto rows = lines_of(one);
  REQUIRE(rows.size() == 1 + 3 * 3 * 7);
  const auto value = [&](size_t row) { return rows[row].substr(rows[row].rfind(',')); };
  REQUIRE(value(1) != value(22));
  REQUIRE(value(22) != value(43));
}

TEST_CASE("Fine-tuning options are carried out, and name their lines") {
  const TemporaryFolder folder;
  const auto supervised =
      run(folder, program("blobs_supervised") + once + "--quiet --out s --fine-tune 3");
  REQUIRE(supervised.status == 0);
  REQUIRE(contains(supervised.out, ", fine-tuned"));
  REQUIRE(contains(content_of(folder.file("s/metrics.csv")), "0,1,fine_tuned,,4,4,test,accuracy,"));
  const auto command = program("blobs_unsupervised") + once + "--learning-rate 0.002 --quiet ";
  const auto both = run(
      folder, command + "--out u --fine-tune-autoencoder --fine-tune-classifier 4 --fine-tune 3");
  INFO(both.err);
  REQUIRE(both.status == 0);
  const auto curves = content_of(folder.file("u/curves.csv"));
  REQUIRE(contains(curves, "0,fine_tuned_autoencoder,,1,3,3,test,mse,"));
  REQUIRE_FALSE(contains(curves, "0,fine_tuned_autoencoder,,1,4,4,test,mse,"));
  REQUIRE(contains(curves, "0,fine_tuned_both,,3,4,4,test,accuracy,"));
}

TEST_CASE("Exported data reads back as the same numbers") {
  const TemporaryFolder folder;
  const auto outcome = run(
      folder, program("blobs_supervised") +
                  " --samples 11 --centers 4 --features 3 --cluster-std 1,2,0.5,1 --random-state 9 "
                  "--epochs 1 --layers 2 --quiet --out run --export-data data.csv");
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  const auto lines = lines_of(content_of(folder.file("data.csv")));
  REQUIRE(lines[0] == "x0,x1,x2,label,split");
  REQUIRE(lines.size() == 12);
  BlobsOptions options;
  options.samples = int64_t{11};
  options.centers = int64_t{4};
  options.features = 3;
  options.cluster_std = {1, 2, 0.5, 1};
  options.random_state = 9;
  const auto blobs = make_blobs(options);
  for (int64_t row = 0; row < 11; ++row) {
    std::istringstream line(lines[static_cast<size_t>(row) + 1]);
    std::string cell;
    for (int64_t f = 0; f < 3; ++f) {
      std::getline(line, cell, ',');
      REQUIRE(std::stod(cell) == blobs.points[row][f].item<double>());
    }
    std::getline(line, cell, ',');
    REQUIRE(std::stoll(cell) == blobs.labels[row].item<int64_t>());
    std::getline(line, cell, ',');
    REQUIRE(cell == (row < 5 ? "train" : "test"));
  }
}

TEST_CASE("A diverged run is named in its line, its table and its note, and its numbers are NaN") {
  const TemporaryFolder folder;
  const auto outcome = run(folder, program("blobs_unsupervised") + once +
                                       "--learning-rate 10 --batch-size 4 --quiet --out run");
  INFO(outcome.out << outcome.err);
  REQUIRE(outcome.status == 0);
  const auto lines = lines_of(outcome.out);
  REQUIRE(contains(lines[0], "train=nan, test=nan (diverged: not a number from epoch"));
  REQUIRE(contains(outcome.out, "not reached"));
  REQUIRE(contains(outcome.out, "--learning-rate"));
  const auto rows = lines_of(content_of(folder.file("run/metrics.csv")));
  REQUIRE(rows.size() == 1 + 3 * 7);
  for (size_t i = 1; i < rows.size(); ++i) REQUIRE(rows[i].substr(rows[i].rfind(',')) == ",nan");
}

TEST_CASE("A collapsed layer is named in its line and in the table, and deepening goes on") {
  const TemporaryFolder folder;
  const auto outcome =
      run(folder, program("blobs_unsupervised") +
                      " --repeats 1 --samples 200 --units 3 --layers 4 --epochs 40 "
                      "--seed 2 --quiet --out run");
  INFO(outcome.out << outcome.err);
  REQUIRE(outcome.status == 0);
  const auto lines = lines_of(outcome.out);
  REQUIRE(contains(lines[2], "(collapsed: one live direction, 2 of 3 units dead)"));
  REQUIRE(contains(lines[5], "layers=4"));
  const auto table = outcome.out.substr(outcome.out.find("published"));
  REQUIRE(contains(table, "collapsed: one live direction"));
}

TEST_CASE("Folders and outputs that cannot be written are failures of two lines") {
  const TemporaryFolder folder;
  const auto command = program("blobs_supervised") + once + "--quiet ";
  require_two_lines(run(folder, command + "--out /proc/no-such-place"), 1);
  require_two_lines(run(folder, "touch file; " + command + "--out file"), 1);
  require_two_lines(run(folder, command + "--out run --export-data missing/data.csv"), 1);
  REQUIRE_FALSE(std::filesystem::exists(folder.file("run")));
  const auto full = run(folder, command + "--out run >/dev/full");
  require_two_lines(full, 1);
}

TEST_CASE("A full disk leaves whole rows, and nothing that looks finished") {
  const TemporaryFolder folder;
  const auto outcome = run(folder, "ulimit -f 4; " + program("blobs_supervised") +
                                       " --repeats 1 --samples 60 --epochs 40 --layers 12 --quiet "
                                       "--out run");
  require_two_lines(outcome, 1);
  for (const auto& line : lines_of(content_of(folder.file("run/metrics.csv")))) {
    REQUIRE(std::count(line.begin(), line.end(), ',') == 8);
  }
  for (const auto& line : lines_of(content_of(folder.file("run/curves.csv")))) {
    REQUIRE(std::count(line.begin(), line.end(), ',') == 8);
  }
  REQUIRE(nlohmann::json::parse(content_of(folder.file("run/run.json")))["status"] != "finished");
}

TEST_CASE("Ctrl-C ends with 130 and leaves the finished stages") {
  const TemporaryFolder folder;
  const auto binary = program("blobs_supervised");
  const auto out = folder.file("run");
  const pid_t child = ::fork();
  if (child == 0) {
    if (std::freopen("/dev/null", "w", stdout) == nullptr ||
        std::freopen("/dev/null", "w", stderr) == nullptr)
      _exit(3);
    ::execl(binary.c_str(), binary.c_str(), "--repeats", "1", "--samples", "60", "--epochs", "2000",
            "--layers", "1000", "--out", out.c_str(), nullptr);
    _exit(3);
  }
  const auto rows = [&] { return lines_of(content_of(out + "/metrics.csv")); };
  for (int i = 0; i < 600 && rows().size() < 5; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  ::kill(child, SIGINT);
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 130);
  REQUIRE(rows().size() >= 5);
  REQUIRE((rows().size() - 1) % 7 == 0);
  REQUIRE(nlohmann::json::parse(content_of(out + "/run.json"))["status"] == "interrupted");
}

TEST_CASE("Ctrl-C while plots are drawn ends with 130, whatever gnuplot does about it") {
  const TemporaryFolder folder;
  write_whole(folder.file("gnuplot"),
              fmt::format("#!/bin/sh\ntrap '' HUP INT QUIT TERM\necho $$ >{}\nexec sleep 60\n",
                          folder.file("process")));
  std::filesystem::permissions(folder.file("gnuplot"), std::filesystem::perms::owner_all);
  const auto command =
      fmt::format("cd '{}' && PATH=\"$PWD:$PATH\" exec {}{}--out run >out.txt 2>err.txt",
                  folder.path().string(), program("blobs_supervised"), once);
  const pid_t child = ::fork();
  if (child == 0) {
    ::setpgid(0, 0);
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    _exit(3);
  }
  const auto drawing = testing::process_in(folder.file("process"));
  ::kill(-child, SIGINT);  // as a terminal does
  int status = 0;
  const bool ended = testing::soon([&] { return ::waitpid(child, &status, WNOHANG) == child; });
  if (!ended) {
    ::kill(-child, SIGKILL);
    ::waitpid(child, &status, 0);
  }
  REQUIRE(drawing > 0);
  REQUIRE(ended);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 130);
  require_two_lines({130, "", content_of(folder.file("err.txt"))}, 130);
  REQUIRE(nlohmann::json::parse(content_of(folder.file("run/run.json")))["status"] ==
          "interrupted");
  REQUIRE_FALSE(std::filesystem::exists(folder.file("run/.drawing.part")));
  REQUIRE(testing::soon([&] { return !testing::is_alive(drawing); }));
}

TEST_CASE("blobs_study judges its claims from the numbers in metrics.csv") {
  const TemporaryFolder folder;
  const auto command = "PATH=/nowhere " + program("blobs_study") +
                       " --samples 60 --epochs 2 --layers 3 --autoencoder-layers 3 --fine-tune 2 "
                       "--learning-rate 0.002 --repeats 6 --quiet ";
  const auto outcome = run(folder, command + "--out all");
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  for (const auto* heading : {"Verdicts", "The tutorial's sentences", "What prevents the crash"})
    CHECK(contains(outcome.out, heading));
  const auto results = nlohmann::json::parse(content_of(folder.file("all/results.json")));
  std::map<std::string, std::vector<double>> accuracies;  // of each arm on the test rows, by repeat
  for (const auto& line : lines_of(content_of(folder.file("all/metrics.csv")))) {
    const auto row = testing::fields_of(line);
    if (row[6] == "test" && row[7] == "accuracy" && row[5] == "3")
      accuracies[row[2]].push_back(std::stod(row[8]));
  }
  const auto& greedy = accuracies.at("greedy");
  const auto& others = accuracies.at("at_once");
  REQUIRE(greedy.size() == 6);
  double sum = 0;
  for (size_t i = 0; i < greedy.size(); ++i) sum += greedy[i] - others[i];
  size_t found = 0;
  for (const auto& verdict : results["verdicts"]) {
    const std::string claim = verdict["claim"];
    if (claim != "Greedy deepening to 3 layers against all layers at once, as long as one stage")
      continue;
    ++found;
    CHECK(std::abs(verdict["difference"].get<double>() - sum / 6) < 1e-6);
    CHECK(verdict["pairs"] == 6);
    CHECK(verdict["margin"] == 0.005);
  }
  CHECK(found == 1);

  REQUIRE(run(folder, command + "--arms softmax,greedy --out some").status == 0);
  for (const auto& line : lines_of(content_of(folder.file("some/metrics.csv")))) {
    const auto arm = testing::fields_of(line)[2];
    CHECK((arm == "variant" || arm == "softmax" || arm.rfind("greedy", 0) == 0));
  }
  const auto wrong = run(folder, command + "--arms greedy,sofmax");
  require_two_lines(wrong, 2);
  CHECK(contains(wrong.err, "'sofmax' is no arm"));
}

TEST_CASE("A study that was killed goes on to the same bytes, on data of its own for each repeat") {
  const TemporaryFolder folder;
  const auto command = "PATH=/nowhere " + program("blobs_study") +
                       " --samples 60 --epochs 2 --layers 3 --autoencoder-layers 2 --fine-tune 2 "
                       "--arms greedy,random_prefix,autoencoder --vary-data --test-samples 50 "
                       "--standardize --repeats 40 --threads 1 --quiet ";
  REQUIRE(run(folder, command + "--out whole").status == 0);
  const auto rows = [&] { return lines_of(content_of(folder.file("part/metrics.csv"))).size(); };
  testing::end_when(folder, command + "--out part", SIGKILL, [&] { return rows() > 300; });
  const auto resumed = run(folder, program("blobs_study") + " --resume part");
  INFO(resumed.err);
  REQUIRE(resumed.status == 0);
  for (const auto* file : {"metrics.csv", "troubles.csv", "results.json"}) {
    CHECK(content_of(folder.path() / "part" / file) == content_of(folder.path() / "whole" / file));
  }
}

/// A finished run, as far as layerwise_index reads it.
void write_run(const std::filesystem::path& folder, const nlohmann::json& run,
               const nlohmann::json& results) {
  std::filesystem::create_directories(folder);
  write_whole(folder / "run.json", run.dump());
  write_whole(folder / "results.json", results.dump());
  write_whole(folder / "report.html", "a page");
}

const nlohmann::json finished{{"program", "blobs_supervised"}, {"status", "finished"}};

TEST_CASE("blobs_study names its arms in --help as --arms takes them") {
  const TemporaryFolder folder;
  const auto refused = run(folder, program("blobs_study") + " --arms none_of_them");
  require_two_lines(refused, 2);
  const std::string before = "the arms are ";
  const auto at = refused.err.find(before) + before.size();
  const auto names = refused.err.substr(at, refused.err.find('\n', at) - at);
  const auto help = run(folder, program("blobs_study") + " --help").out;
  REQUIRE(contains(help, "Only these ways to train: " + names + "\n"));
}

TEST_CASE("layerwise_index leads to the runs' pages and says what they reproduced") {
  const TemporaryFolder folder;
  nlohmann::json results{{"title", "First"}, {"seed", 3}, {"repeats", 20}};
  for (int i = 0; i < 5; ++i)
    results["summary"].push_back({{"what", fmt::format("value {}", i)},
                                  {"published", "0.83"},
                                  {"here", "0.82 \u00b1 0.01"}});
  for (const auto* verdict : {"better", "undecided", "better"})
    results["verdicts"].push_back(
        {{"claim", "Depth helps"}, {"verdict", verdict}, {"evidence", "+0.1"}});
  write_run(folder.path() / "runs/a b", finished, results);
  write_run(
      folder.path() / "runs/second", finished,
      {{"title", "Second"}, {"seed", 1}, {"repeats", 1}, {"verdicts", nlohmann::json::array()}});
  const auto index = program("layerwise_index");
  const auto outcome = run(folder, index + " 'runs/a b' runs/second --out pages.html");
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  REQUIRE(contains(outcome.err, "written to pages.html"));
  const auto lines = lines_of(outcome.out);
  REQUIRE(lines.size() == 7);
  for (const auto& line : lines) REQUIRE(line.size() <= 81);  // one character has two bytes
  REQUIRE(lines[1] == "First (first 3 of 5 values)");
  REQUIRE(contains(lines[2], " value 0   "));
  REQUIRE(contains(lines[2], " 0.83 | 0.82 \u00b1 0.01"));
  REQUIRE(lines[5] == " claims: 2 better, 1 undecided");
  REQUIRE(lines[6] == "Second");
  const auto page = content_of(folder.file("pages.html"));
  REQUIRE(contains(page, "<a href=\"runs/a%20b/report.html\">First</a>"));
  REQUIRE(contains(page, "blobs_supervised, seed 3, 20 repeats"));
  REQUIRE(contains(page, "value 4"));
  REQUIRE(contains(page, "Depth helps"));
  REQUIRE(contains(page, "<a href=\"runs/second/report.html\">Second</a>"));
}

TEST_CASE("layerwise_index names the runs that are not finished, and how to go on with them") {
  const TemporaryFolder folder;
  write_run(folder.path() / "whole", finished, {{"title", "A"}, {"seed", 1}, {"repeats", 1}});
  const auto going_on = folder.path() / "going on";
  write_run(going_on, {{"program", "blobs_study"}, {"status", "interrupted"}}, {});
  std::filesystem::remove(going_on / "results.json");
  std::filesystem::remove(going_on / "report.html");
  const auto outcome =
      run(folder, program("layerwise_index") + " whole 'going on' --out index.html");
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  REQUIRE(lines_of(outcome.out).back() == "blobs_study in going on: not finished");
  REQUIRE(contains(outcome.err, "interrupted; to go on: blobs_study --resume 'going on'"));
  const auto page = content_of(folder.file("index.html"));
  REQUIRE(contains(page, "<a href=\"whole/report.html\">A</a>"));
  REQUIRE(contains(page, "<h2>blobs_study in going on: not finished</h2>"));
}

TEST_CASE("layerwise_index refuses what is no run, and leaves the page as it was", "[refusals]") {
  const TemporaryFolder folder;
  const nlohmann::json results{{"title", "A run"}, {"seed", 1}, {"repeats", 1}};
  const auto file = [&](const std::string& name) { return folder.path() / name; };
  write_run(file("whole"), finished, results);
  write_run(file("foreign"), {{"name", "a package"}}, results);
  write_run(file("damaged"), finished, results);
  write_whole(file("damaged/results.json"), "{\"title\": \"A r");
  write_run(file("other_types"), finished,
            {{"title", "A run"}, {"seed", 1}, {"repeats", 1}, {"summary", {{"what", 1}}}});
  write_run(file("no_page"), finished, results);
  std::filesystem::remove(file("no_page/report.html"));
  std::filesystem::create_directories(file("empty"));
  write_whole(file("index.html"), "as it was");
  const auto index = program("layerwise_index");
  for (const auto& [name, words] :
       {std::pair("nowhere", "nowhere/run.json"), std::pair("empty", "empty/run.json"),
        std::pair("foreign", "foreign/run.json"), std::pair("damaged", "damaged/results.json"),
        std::pair("other_types", "other_types/results.json"),
        std::pair("no_page", "no_page/report.html")}) {
    INFO(name);
    const auto outcome = run(folder, fmt::format("{} whole {} --out index.html", index, name));
    require_two_lines(outcome, 1);
    REQUIRE(contains(outcome.err, words));
    REQUIRE(outcome.out.empty());
  }
  require_two_lines(run(folder, index + " --out index.html"), 2);
  require_two_lines(run(folder, index + " whole"), 2);
  require_two_lines(run(folder, index + " whole --out ''"), 2);
  require_two_lines(run(folder, index + " whole --out nowhere/index.html"), 1);
  REQUIRE(content_of(file("index.html")) == "as it was");
}

}  // namespace
}  // namespace layerwise
