#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apps/running.h"
#include "data/images.h"

/// mnist_pretraining as its user meets it, on small images of the tests' own.
namespace layerwise {
namespace {

using testing::contains;
using testing::content_of;
using testing::end_when;
using testing::fields_of;
using testing::lines_of;
using testing::program;
using testing::require_two_lines;
using testing::run;
using testing::TemporaryFolder;
using testing::write_images;

/// Without gnuplot, whose pictures have a test of their own.
const std::string app = "PATH=/nowhere " + program("mnist_pretraining");
const std::string data =
    " --data-dir data --validation 20 --units 30,12,7 --encoder-batch-size 25 ";
const std::string small = data + "--encoder-epochs 3 --labels 60 --epochs 40 --batch-size 20 ";
const std::string quick_to_run =
    data + "--encoder-epochs 1 --labels 60 --epochs 2 --batch-size 20 ";

/// A table's rows without the first, cut at their commas.
std::vector<std::vector<std::string>> rows_in(const std::string& file) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& line : lines_of(content_of(file))) rows.push_back(fields_of(line));
  REQUIRE_FALSE(rows.empty());
  rows.erase(rows.begin());
  return rows;
}

double metric(const std::string& file, const std::string& repeat, const std::string& variant,
              const std::string& labels, const std::string& split, const std::string& name) {
  for (const auto& f : rows_in(file)) {
    if (f[0] == repeat && f[2] == variant && f[3] == labels && f[6] == split && f[7] == name)
      return std::stod(f[8]);
  }
  return NAN;
}

TEST_CASE("Runs of the program follow PyTorch's replays, repeat by repeat") {
  const auto replays = testing::reference("classifier_replays.json");
  const TemporaryFolder folder;
  write_images(folder.path() / "data");
  const std::vector<std::string> arguments{
      small, data +
                 "--encoder-epochs 3 --labels 57 --epochs 40 --batch-size 19 --seed 2 "
                 "--repeats 4 --threads 2 "};
  for (size_t i = 0; i < arguments.size(); ++i) {
    const auto out = fmt::format("out{}", i);
    const auto outcome = run(folder, app + arguments[i] + "--out " + out);
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    const auto& o = replays[i]["options"];
    const auto metrics = folder.file(out + "/metrics.csv");
    for (const auto& [variant, expected] : replays[i]["variants"].items()) {
      INFO(variant);
      const double value = metric(metrics, std::to_string(o["repeat"].get<int>()), variant,
                                  std::to_string(o["labels"].get<int>()), "test", "cross_entropy");
      REQUIRE(testing::relative_difference(value, expected["test_cross_entropy"]) <
              testing::replay_difference);
    }
  }
}

TEST_CASE("--print steps prints the document's lines for its two variants and no other") {
  const TemporaryFolder folder;
  write_images(folder.path() / "data");
  const auto outcome = run(folder, app + quick_to_run + "--print steps --out out");
  REQUIRE(outcome.status == 0);
  const auto lines = lines_of(outcome.out);
  const std::string step = "Train accuracy after each mini-batch: ";
  size_t at = 0;
  for (const auto* which : {"without", "with"}) {
    REQUIRE(lines[at++] ==
            (which == std::string("with") ? "With pretraining" : "Without pretraining"));
    for (int epoch = 0; epoch < 2; ++epoch) {
      for (int i = 0; i < 3; ++i)
        REQUIRE(lines[at++].rfind(fmt::format("{} {}", epoch, step), 0) == 0);
      REQUIRE(lines[at++].rfind(fmt::format("{} Train accuracy after all batched: ", epoch), 0) ==
              0);
    }
    REQUIRE(lines[at++].rfind(fmt::format("Test accuracy ({} pretraining): ", which), 0) == 0);
  }
  REQUIRE(std::count_if(lines.begin(), lines.end(),
                        [&](const auto& line) { return contains(line, step); }) == 12);
  REQUIRE(contains(outcome.out, "One run is one draw"));
  REQUIRE_FALSE(contains(outcome.out, "The question answered"));
  for (const auto* file : {"run.json", "metrics.csv", "curves.csv", "report.html",
                           "encoder.safetensors", "held_out_accuracy.gp"}) {
    INFO(file);
    REQUIRE(std::filesystem::exists(folder.path() / "out" / file));
  }
  // Held-out accuracy from before the first step on, of every variant.
  std::map<std::string, int> looks;
  for (const auto& f : rows_in(folder.file("out/curves.csv"))) {
    if (f[6] == "validation" && f[7] == "accuracy") ++looks[f[1]];
  }
  REQUIRE(looks.size() == 9);
  for (const auto& [variant, count] : looks) REQUIRE(count == 7);
}

TEST_CASE("Several repeats have means and intervals, which are those of the single ones") {
  const TemporaryFolder folder;
  write_images(folder.path() / "data");
  const auto options = quick_to_run + "--repeats 3 ";
  const auto outcome = run(folder, app + options + "--out means");
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  REQUIRE(contains(outcome.out, "too few for an answer"));
  REQUIRE(outcome.out.rfind("Test accuracy (without pretraining): ", 0) == 0);
  REQUIRE_FALSE(contains(outcome.out, "mini-batch"));  // not asked for
  REQUIRE(run(folder, app + options + "--curves all --threads 2 --out singles").status == 0);
  REQUIRE(content_of(folder.file("means/metrics.csv")) ==
          content_of(folder.file("singles/metrics.csv")));
  std::map<std::string, std::vector<double>> values;
  for (const auto& f : rows_in(folder.file("singles/curves.csv"))) {
    REQUIRE((f[0] == "0" || f[0] == "1" || f[0] == "2"));
    values[f[1] + f[5] + f[6] + f[7]].push_back(std::stod(f[8]));
  }
  size_t compared = 0;
  std::map<std::string, double> interval;
  for (const auto& f : rows_in(folder.file("means/curves.csv"))) {
    interval[f[0]] = std::stod(f[8]);
    if (f[0] != "high") continue;
    const auto& three = values.at(f[1] + f[5] + f[6] + f[7]);
    REQUIRE(three.size() == 3);
    const double mean = (three[0] + three[1] + three[2]) / 3;
    double squares = 0;
    for (const double value : three) squares += (value - mean) * (value - mean);
    const double half = 4.302652730 * std::sqrt(squares / 2) / std::sqrt(3.0);  // t of 2 degrees
    REQUIRE(std::abs(interval.at("mean") - mean) < 1e-7);
    REQUIRE(std::abs(interval.at("low") - (mean - half)) < 1e-6);
    REQUIRE(std::abs(interval.at("high") - (mean + half)) < 1e-6);
    ++compared;
  }
  REQUIRE(compared == values.size());
}

TEST_CASE("An encoder that there is gives the numbers of one trained alike, and is named") {
  const TemporaryFolder folder;
  write_images(folder.path() / "data");
  const auto autoencoder = program("mnist_autoencoder") +
                           " --data-dir data --validation 20 --units 30,12,7 --batch-size 25 "
                           "--epochs 4 --out pretrained";
  REQUIRE(run(folder, "PATH=/nowhere " + autoencoder).status == 0);
  const auto options = data + "--labels 60 --epochs 2 --batch-size 20 ";
  REQUIRE(run(folder, app + options + "--out own").status == 0);
  const auto outcome =
      run(folder,
          app + options +
              "--encoder pretrained/phase_2.safetensors --subset first --repeats 2 --out given");
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  auto words = outcome.out;
  std::replace(words.begin(), words.end(), '\n', ' ');
  REQUIRE(contains(words, "the intervals leave out how encoders vary"));
  for (const auto* variant : {"none", "frozen", "fine-tuned", "standardized", "pca"}) {
    INFO(variant);
    REQUIRE(metric(folder.file("given/metrics.csv"), "0", variant, "60", "test", "cross_entropy") ==
            metric(folder.file("own/metrics.csv"), "0", variant, "60", "test", "cross_entropy"));
  }
}

TEST_CASE("A comparison over budgets tries learning rates out and says where pretraining pays") {
  const TemporaryFolder folder;
  write_images(folder.path() / "data");
  const auto options = data +
                       "--encoder-epochs 1 --epochs 2 --batch-size 20 --seed 3 --repeats 2 "
                       "--variants none,frozen,pixels ";
  const auto budgets = options +
                       "--budgets 60,30 --steps 300 --learning-rates 0.02,0.001 "
                       "--tuning-repeats 2 --patience 1 ";
  const auto outcome = run(folder, app + budgets + "--threads 2 --out out");
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  REQUIRE(contains(outcome.out, "Points from no pretraining"));
  REQUIRE(contains(outcome.out, "Learning rates chosen"));
  // Every variant and budget had the same trials.
  std::map<std::string, int> trials;
  for (const auto& f : rows_in(folder.file("out/tuning.csv"))) {
    REQUIRE((f[0] == "1000000" || f[0] == "1000001"));
    ++trials[f[1] + " " + f[2]];
  }
  REQUIRE(trials.size() == 6);
  for (const auto& [which, count] : trials) REQUIRE(count == 4);
  // With the document's schedule a budget is the same comparison as by itself.
  REQUIRE(run(folder, app + options + "--labels 30 --subset drawn --out thirty").status == 0);
  for (const auto* variant : {"none", "frozen", "pixels"}) {
    INFO(variant);
    REQUIRE(metric(folder.file("out/metrics.csv"), "1", variant, "30", "test", "cross_entropy") ==
            metric(folder.file("thirty/metrics.csv"), "1", variant, "30", "test", "cross_entropy"));
  }
  // What is left of it is not made again, and the rest ends in the same files.
  std::filesystem::copy(folder.path() / "out", folder.path() / "part");
  for (const auto* table : {"tuning.csv", "metrics.csv"}) {
    auto lines = lines_of(content_of(folder.path() / "part" / table));
    lines.resize(lines.size() / 2);
    write_whole(folder.path() / "part" / table, fmt::format("{}\n", fmt::join(lines, "\n")));
  }
  const auto resumed = run(folder, app + " --resume part");
  INFO(resumed.err);
  REQUIRE(resumed.status == 0);
  for (const auto* table : {"tuning.csv", "metrics.csv"}) {
    INFO(table);
    REQUIRE(content_of(folder.path() / "part" / table) ==
            content_of(folder.path() / "out" / table));
  }
}

TEST_CASE("A killed comparison goes on after its last whole variant and ends with the same files") {
  const TemporaryFolder folder;
  write_images(folder.path() / "data", {.train = 400});
  const auto options =
      data +
      "--encoder-epochs 3 --labels 60 --epochs 200 --batch-size 20 --repeats 3 --curve-every 50 "
      "--print steps ";
  REQUIRE(run(folder, app + options + "--out whole").status == 0);
  const auto metrics = folder.file("part/metrics.csv");
  const int status = end_when(folder, app + options + "--out part", SIGKILL,
                              [&] { return contains(content_of(metrics), "\n1,1,frozen"); });
  REQUIRE(WIFSIGNALED(status));
  REQUIRE_FALSE(contains(content_of(metrics), "\n2,1,pixels"));
  // The kernel may end the write of a killed program within a row.
  for (const auto* file : {"metrics.csv", "curves.csv", "troubles.csv"})
    std::ofstream(folder.path() / "part" / file, std::ios::app) << "2,1,pix";

  const auto resumed = run(folder, app + " --resume part");
  INFO(resumed.err);
  REQUIRE(resumed.status == 0);
  REQUIRE_FALSE(contains(resumed.out, "Without pretraining"));  // repeat 0 was whole
  for (const auto* file : {"metrics.csv", "curves.csv", "encoder.safetensors",
                           "repeat1_encoder.safetensors", "repeat2_encoder.safetensors"}) {
    INFO(file);
    REQUIRE(content_of(folder.path() / "part" / file) ==
            content_of(folder.path() / "whole" / file));
  }
  const auto again = run(folder, app + " --resume part");
  REQUIRE(again.status == 0);
  REQUIRE(contains(again.err, "is finished"));
  write_images(folder.path() / "data", {.seed = 4, .train = 400});
  std::filesystem::remove(folder.file("part/report.html"));
  auto json = nlohmann::json::parse(content_of(folder.file("part/run.json")));
  json["status"] = "interrupted";
  write_whole(folder.file("part/run.json"), json.dump());
  require_two_lines(run(folder, app + " --resume part"), 1);
}

TEST_CASE("A comparison that is killed while its plots are drawn goes on, too") {
  const TemporaryFolder folder;
  write_images(folder.path() / "data");
  const auto options = quick_to_run + "--repeats 2 ";
  REQUIRE(run(folder, app + options + "--out whole").status == 0);
  std::filesystem::create_directory(folder.path() / "bin");
  write_whole(folder.file("bin/gnuplot"), "#!/bin/sh\nkill -9 $PPID\n");
  std::filesystem::permissions(folder.path() / "bin/gnuplot", std::filesystem::perms::owner_all);
  const auto killed = run(folder, "PATH='" + folder.file("bin") + "' " +
                                      program("mnist_pretraining") + options + "--out part");
  REQUIRE(killed.status != 0);
  REQUIRE_FALSE(std::filesystem::exists(folder.path() / "part/report.html"));
  const auto resumed = run(folder, app + " --resume part");
  INFO(resumed.err);
  REQUIRE(resumed.status == 0);
  for (const auto* file : {"metrics.csv", "curves.csv"})
    REQUIRE(content_of(folder.path() / "part" / file) ==
            content_of(folder.path() / "whole" / file));
}

TEST_CASE("--quick says what it leaves out") {
  const TemporaryFolder folder;
  write_images(folder.path() / "data", {.train = 2300});
  const auto outcome = run(folder, app +
                                       " --quick --data-dir data --validation 100 --units 30,12,7 "
                                       "--labels 200 --out out");
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  REQUIRE(contains(outcome.out, "--quick leaves out"));
  REQUIRE(contains(run(folder, app + " --quick --help").out, "--repeats N|A:B [4]"));
}

TEST_CASE("Encoders can learn to remove noise") {
  const TemporaryFolder folder;
  write_images(folder.path() / "data");
  const auto encoder = [&](const std::string& options, const std::string& out) {
    const auto command = app + quick_to_run + "--variants frozen --quiet " + options;
    REQUIRE(run(folder, command + " --out " + out).status == 0);
    return content_of(folder.path() / out / "encoder.safetensors");
  };
  const auto plain = encoder("", "plain");
  REQUIRE(encoder("--encoder-noise off", "off") == plain);
  REQUIRE(encoder("--encoder-noise masking:0.5", "denoising") != plain);
}

TEST_CASE("What cannot be compared is refused, and nothing is written", "[refusals]") {
  const TemporaryFolder folder;
  write_images(folder.path() / "data");
  const auto autoencoder = program("mnist_autoencoder") +
                           " --data-dir data --validation 20 --units 30,9,7 --batch-size 25 "
                           "--epochs 1 --out pretrained";
  REQUIRE(run(folder, "PATH=/nowhere " + autoencoder).status == 0);
  const auto other = std::string("--encoder pretrained/phase_2.safetensors");
  struct Wrong {
    std::string options;
    int status;
    std::string value;
  };
  for (const auto& [options, status, value] : std::vector<Wrong>{
           {"--labels 111", 2, "111"},
           {"--labels 9", 2, "'9'"},
           {"--momentum 0.9", 2, "--momentum has no effect with adam"},
           {"--optimizer adamw --l2 0.1", 2, "--l2 has no effect with adamw"},
           {"--labels 60 --schedule step:4:0.5", 2, "the schedule step:4:0.5 needs"},
           {"--labels 15", 2, "--batch-size 20 with 15"},
           {"--budgets 60,200", 2, "200"},
           {"--budgets 60,30,60", 2, "60 twice"},
           {"--budgets 60,x", 2, "'x'"},
           {"--budgets 60,5", 2, "5 labels"},
           {"--budgets 60 --labels 30", 2, "--labels"},
           {"--budgets 60 --curves all --repeats 2", 2, "--curves"},
           {"--budgets 60 --subset first", 2, "--subset first"},
           {"--variants pca,pixels --activation tanh", 2, "--activation"},
           {"--budgets 60 --print steps", 2, "--print"},
           {"--variants pca,pixels --print steps", 2, "--print"},
           {"--steps 100", 2, "--steps"},
           {"--patience 2", 2, "--patience"},
           {"--variants none,frozen,none", 2, "none twice"},
           {"--variants best", 2, "'best'"},
           {"--variants none,pixels " + other, 2, "--encoder"},
           {"--variants frozen --head-share 0.5", 2, "--head-share"},
           {"--validation 0", 2, "--validation 0"},
           {"--curves all", 2, "--curves all"},
           {"--epochs 0", 2, "'0'"},
           {"--learning-rate 0", 2, "'0'"},
           {"--encoder-epochs 1,2,3", 2, "1,2,3"},
           {"--encoder-noise masking:2", 2, "'masking:2'"},
           {"--variants none,pixels --encoder-noise masking:0.5", 2, "--encoder-noise"},
           {other + " --units 30,9,7 --encoder-noise masking:0.5", 2, "--encoder-noise"},
           {other, 1, "units is 30,9,7, expected 30,12,7"},
           {other + " --units 30,9,7 --activation tanh", 1, "activation is elu, expected tanh"},
           {"--encoder nowhere.safetensors", 1, "nowhere.safetensors"},
           {"--encoder data/t10k-labels-idx1-ubyte", 1, "t10k-labels-idx1-ubyte"},
           {"--units 29,12,7", 2, "30 pixels"},
           {"--encoder-batch-size 120", 2, "120"},
       }) {
    INFO(options);
    std::string base = " --data-dir data";
    for (const std::string given : {"--validation 20", "--units 30,12,7", "--batch-size 20",
                                    "--labels 60", "--encoder-batch-size 25"}) {
      const auto name = given.substr(0, given.find(' ')) + " ";
      const bool repeated = options.rfind(name, 0) == 0 || contains(options, " " + name);
      const bool budgets = contains(options, "--budgets") && name == "--labels ";
      if (!repeated && !budgets) base += " " + given;
    }
    const auto outcome = run(folder, app + base + " " + options + " --out out");
    require_two_lines(outcome, status);
    INFO(outcome.err);
    REQUIRE(contains(outcome.err, value));
    REQUIRE_FALSE(std::filesystem::exists(folder.path() / "out"));
  }
}

TEST_CASE("Both comparisons are drawn", "[gnuplot]") {
  const TemporaryFolder folder;
  write_images(folder.path() / "data");
  const auto steps =
      run(folder, program("mnist_pretraining") + quick_to_run + "--repeats 2 --out steps");
  if (contains(steps.err, "'gnuplot' is not in PATH")) {
    WARN("skipped: no gnuplot");
    return;
  }
  INFO(steps.err);
  REQUIRE(steps.status == 0);
  const auto budgets = program("mnist_pretraining") + data +
                       "--encoder-epochs 1 --epochs 2 --batch-size 20 --budgets 30,60 --steps 100 "
                       "--learning-rates 0.01 --tuning-repeats 1 --variants none,pca --out labels";
  const auto labels = run(folder, budgets);
  INFO(labels.err);
  REQUIRE(labels.status == 0);
  for (const auto& [run_folder, picture] :
       {std::pair("steps", "held_out_accuracy"), std::pair("labels", "accuracy_by_labels")}) {
    INFO(picture);
    const auto png = content_of(folder.file(fmt::format("{}/{}.png", run_folder, picture)));
    REQUIRE(png.substr(1, 3) == "PNG");
    const auto page = content_of(folder.file(fmt::format("{}/report.html", run_folder)));
    REQUIRE(contains(page, "</svg>"));
    REQUIRE(contains(page, fmt::format("<a href=\"{}.png\">PNG</a>", picture)));
  }
}

TEST_CASE("A class without a label is a failure that names it") {
  const TemporaryFolder folder;
  write_images(folder.path() / "data");
  std::vector<uint8_t> labels(130);
  for (size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<uint8_t>(i % 10);
  for (size_t i = 20; i < 90; ++i) labels[i] = static_cast<uint8_t>(labels[i] == 7 ? 1 : labels[i]);
  write_whole(folder.file("data/train-labels-idx1-ubyte"), testing::idx({130}, labels));
  const auto first = run(folder, app + quick_to_run + "--out out");
  require_two_lines(first, 1);
  REQUIRE(contains(first.err, "class 7"));
  REQUIRE_FALSE(std::filesystem::exists(folder.path() / "out"));
  const auto encoder = program("mnist_autoencoder") +
                       " --data-dir data --validation 20 --units 30,12,7 --batch-size 25 "
                       "--epochs 1 --out pretrained";
  REQUIRE(run(folder, "PATH=/nowhere " + encoder).status == 0);
  write_images(folder.path() / "other", {.seed = 9});
  const auto foreign =
      run(folder, app +
                      " --data-dir other --validation 20 --units 30,12,7 --encoder-batch-size 25 "
                      "--labels 60 --batch-size 20 --encoder pretrained/phase_2.safetensors "
                      "--out out");
  require_two_lines(foreign, 1);
  REQUIRE(contains(foreign.err, "training_images_crc32"));
  const auto removed = run(folder, app + quick_to_run +
                                       "--out pretrained --force --encoder "
                                       "pretrained/phase_2.safetensors");
  require_two_lines(removed, 2);
  REQUIRE(std::filesystem::exists(folder.path() / "pretrained/phase_2.safetensors"));
  const auto drawn =
      data + "--encoder-epochs 1 --labels 40 --epochs 2 --batch-size 20 --subset drawn ";
  REQUIRE(run(folder, app + drawn + "--out drawn").status == 0);
  const auto repeated =
      data + "--encoder-epochs 1 --labels 40 --epochs 2 --batch-size 20 --repeats 2 ";
  REQUIRE(run(folder, app + repeated + "--out repeated").status == 0);
}

}  // namespace
}  // namespace layerwise
