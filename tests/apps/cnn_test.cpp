#include <cmath>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "apps/running.h"
#include "data/images.h"

/// apps/cnn_supervised, on small images.
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

/// Without gnuplot, whose pictures have tests of their own.
const std::string app = "PATH=/nowhere " + program("cnn_supervised");
const std::string small =
    " --data-dir data --validation 20 --widths 4,8,8 --k 1,2 --epochs 2 --batch-size 25 ";

void write_small_images(const TemporaryFolder& folder) {
  testing::write_images(folder.path() / "data", {.height = 8, .width = 8});
}

/// The test accuracies by arm and depth.
std::map<std::string, std::string> accuracies_in(const std::string& csv) {
  std::map<std::string, std::string> values;
  for (const auto& line : lines_of(csv)) {
    const auto f = fields_of(line);
    if (f[6] == "test" && f[7] == "accuracy") values[f[2] + " " + f[4]] = f[8];
  }
  return values;
}

/// The last step of the fits, by arm and depth.
std::map<std::string, int64_t> steps_in(const std::string& csv) {
  std::map<std::string, int64_t> steps;
  for (const auto& line : lines_of(csv)) {
    const auto f = fields_of(line);
    if (f[0] == "0") steps[f[1] + " " + f[3]] = std::stoll(f[5]);
  }
  return steps;
}

TEST_CASE("cnn_supervised trains its arms at every depth and writes its folder") {
  const TemporaryFolder folder;
  write_small_images(folder);
  const auto outcome = run(folder, app + small + "--repeats 1 --out out");
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  REQUIRE(contains(outcome.out, "> greedy_k1, 1 block: train="));
  REQUIRE(contains(outcome.out, "> greedy_k2, 3 blocks: train="));
  REQUIRE(contains(outcome.out, "test ensemble="));
  const auto values = accuracies_in(content_of(folder.file("out/metrics.csv")));
  REQUIRE(values.size() == 5 * 3);
  // With one block, greedy is end to end.
  REQUIRE(values.at("greedy_k1 1") == values.at("end_to_end 1"));
  // Greedy trains three blocks for a stage each, and sends the data once more through two of them.
  // Training takes three times the multiplications of sending.
  const auto steps = steps_in(content_of(folder.file("out/curves.csv")));
  const auto a_stage = steps.at("greedy_k1 1");
  CHECK(steps.at("end_to_end 3") == 3 * a_stage);
  const double passes = 2 * 3 * 3 + 2;  // of one block, in stages of two epochs
  CHECK(steps.at("end_to_end_cheap 3") ==
        std::llround(passes / (3 * 3) / 2 * static_cast<double>(a_stage)));
  REQUIRE(std::filesystem::exists(folder.path() / "out/greedy_k1_net.safetensors"));
  REQUIRE(run(folder, app + small + "--out other --repeats 2 --threads 2 --quiet").status == 0);
  REQUIRE(contains(content_of(folder.file("other/metrics.csv")),
                   content_of(folder.file("out/metrics.csv"))));
}

TEST_CASE("cnn_supervised trains on a folder of images by class") {
  const TemporaryFolder folder;
  const std::vector<std::string> classes{"cat", "dog", "eel"};
  for (size_t i = 0; i < 60; ++i) {
    const auto of_class = folder.path() / (i < 45 ? "data/train" : "data/test") / classes[i % 3];
    std::filesystem::create_directories(of_class);
    std::string pixels(48, static_cast<char>(30 + i % 3 * 90 + i));
    for (size_t blue = 2; blue < pixels.size(); blue += 3) pixels[blue] = 0;  // without content
    write_whole(of_class / fmt::format("{}.ppm", i), "P6 4 4 255\n" + pixels);
  }
  const auto command = app + " --dataset image-folder --data-dir data --validation 0 --widths 4,8" +
                       " --k 1 --epochs 8 --batch-size 9 --repeats 1 --out out";
  const auto outcome = run(folder, command);
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  REQUIRE(contains(content_of(folder.file("out/report.html")),
                   "Greedy training of a convolutional network on images of a folder"));
  const auto values = accuracies_in(content_of(folder.file("out/metrics.csv")));
  REQUIRE(std::stod(values.at("greedy_k1 2")) > 0.6);
  std::filesystem::remove_all(folder.path() / "data/test/eel");
  const auto refused = run(folder, command + "2");
  require_two_lines(refused, 1);
  REQUIRE(contains(refused.err, "expected those of its folder train: cat, dog, eel"));
}

TEST_CASE("A cnn_supervised that is killed goes on to the same bytes") {
  const TemporaryFolder folder;
  write_small_images(folder);
  const auto command =
      app + small +
      "--repeats 1 --head warm --schedule-over all --schedule cosine --cache-precision bf16 ";
  REQUIRE(run(folder, command + "--out whole --quiet").status == 0);
  size_t stages = 0;
  for (const auto* arm : {"greedy_k1", "greedy_k2", "end_to_end"}) {
    const auto part = fmt::format("part{}", stages++);
    end_when(folder, command + "--quiet --out " + part, SIGKILL, [&] {
      return contains(content_of(folder.file(part + "/metrics.csv")),
                      fmt::format("{},,2,3,test,accuracy", arm));
    });
    REQUIRE(run(folder, app + " --quiet --resume " + part).status == 0);
    for (const auto* file : {"metrics.csv", "curves.csv", "greedy_k1_net.safetensors",
                             "greedy_k2_net.safetensors", "end_to_end_net.safetensors"}) {
      INFO(arm << " " << file);
      REQUIRE(content_of(folder.file(part + "/" + file)) ==
              content_of(folder.file(std::string("whole/") + file)));
    }
  }
}

TEST_CASE("What cnn_supervised cannot do is refused in two lines", "[refusals]") {
  const TemporaryFolder folder;
  write_small_images(folder);
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"--widths 2,4,8,16,32",
       "halve the images 4 times, which takes sides that 16 divides, and they are 8 x 8 pixels"},
      {"--widths 4,0", "'0'"},
      {"--k 0", "'0'"},
      {"--k 1,1", "--k lists a number twice"},
      {"--head kept", "--head kept with --widths that differ"},
      {"--head new", "'new'"},
      {"--arms greedy_k3", "'greedy_k3' is no arm"},
      {"--optimizer adamw --l2 0.1", "--l2 has no effect with adamw"},
      {"--optimizer adam --momentum 0.5", "--momentum has no effect with adam"},
      {"--schedule step:9", "'step:9'"},
      {"--schedule step:2:0.1", "step:2:0.1"},
      {"--schedule constant --schedule-over all", "--schedule-over has no effect on a constant"},
      {"--validation 0 --early-stop 3", "--early-stop without validation rows"},
      {"--dropout 0.1", "--dropout has no effect on convolutions"},
      {"--crop 2 --cache file", "--cache with --crop or --flip"},
      {"--cache none --cache-budget 1GB", "--cache-budget with --cache"},
      {"--cache-budget 0", "'0' is no size"},
      {"--cache-budget 2XB", "'2XB' is no size"},
      {"--precision tf32 --device cpu", "the CPU does not multiply in tf32"},
      {"--reproduce alexnet", "'alexnet'"}};
  for (const auto& [options, part] : wrong) {
    INFO(options);
    std::string base;
    for (const auto* option : {"--widths 4,8,8", "--k 1", "--epochs 2", "--validation 20"}) {
      const std::string given(option);
      if (!contains(options, given.substr(0, given.find(' ')))) base += " " + given;
    }
    const auto outcome =
        run(folder, app + " --data-dir data --batch-size 25" + base + " " + options + " --out out");
    require_two_lines(outcome, 2);
    CHECK(contains(outcome.err, part));
    REQUIRE_FALSE(std::filesystem::exists(folder.path() / "out"));
  }
  require_two_lines(run(folder, app + " --dataset cifar-10 --data-dir data --out out"), 1);
  const auto help = run(folder, app + " --reproduce belilovsky-k1 --help");
  for (const auto* part : {"[256,256,512,1024,1024]", "[fan-in-uniform]", "[4]", "[cifar-10]",
                           "[step:15:0.2]", "[50]"})
    CHECK(contains(help.out, part));
}

}  // namespace
}  // namespace layerwise
