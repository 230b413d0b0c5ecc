#include <fstream>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "apps/running.h"
#include "data/images.h"

/// apps/when_pretraining_helps, on few random images, from which nothing can be learned.
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

const std::string helps = "PATH=/nowhere " + program("when_pretraining_helps");
const std::string short_fits =
    " --data-dir data --autoencoder-epochs 1 --tuning-epochs 2 --layer-epochs 1 "
    "--classifier-epochs 2 ";
const std::string few = short_fits + "--wide-epochs 1 --steps 3 --labels 10,20 ";

void write_small_images(const TemporaryFolder& folder) {
  testing::write_images(folder.path() / "data", {3, 240, 30, 28, 28});
}

TEST_CASE("when_pretraining_helps trains every arm of every control") {
  const TemporaryFolder folder;
  write_small_images(folder);
  const auto outcome = run(folder, helps + few + "--repeats 1 --tuning-repeats 2 --out out");
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  std::set<std::string> fits;
  for (const auto& line : lines_of(content_of(folder.file("out/metrics.csv")))) {
    const auto f = fields_of(line);
    if (f[6] == "test" && (f[7] == "mse" || f[7] == "accuracy"))
      fits.insert(fmt::format("{} {} {}", f[2], f[3], f[5]));
  }
  // A: twelve arms, and four of curves; B: five by five depths; C: seven by two numbers of labels;
  // D: seven by four.
  CHECK(fits.size() == 16 + 5 * 5 + 7 * 2 + 7 * 4);
  CHECK(fits.count("B_relu_denoising  6") == 1);
  CHECK(fits.count("C_random-frozen 20 ") == 1);
  // Three learning rates of each arm of A and C, four of B and D, on two repeats that are none of
  // the study's.
  const auto trials = lines_of(content_of(folder.file("out/rates.csv")));
  CHECK(trials.size() == 1 + 2 * ((16 + 7) * 3 + (5 + 7) * 4));
  CHECK(trials[1].rfind("1000000,", 0) == 0);
  CHECK(contains(outcome.out, "A. Deep autoencoders, sigmoid units"));
  // Four panels, in four colors, with bad starts to the left of good ones.
  const auto script = content_of(folder.file("out/controls.gp"));
  std::set<std::string> colors;
  const std::string mark = "linecolor rgb '";
  for (auto at = script.find(mark); at != std::string::npos; at = script.find(mark, at + 1)) {
    const auto color = script.substr(at + mark.size(), 7);
    if (color != "#cccccc" && color != "#b0b0b0") colors.insert(color);  // the grid
  }
  CHECK(colors.size() == 4);
  CHECK(contains(script, "set x2tics ('bad start (sigmoid)' 3, 'good start (ReLU, tanh)' 9)"));
  CHECK(contains(script, "set xtics ('1' 1, '2' 2, '3' 3, '4' 4, '5' 5, '1' 7, '2' 8,"));
  CHECK(contains(script, "set xtics ('10' 1, '20' 2, '10' 4, '20' 5)"));
}

TEST_CASE("A network has left the plateau when its loss is a twentieth below that of a constant") {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder.path() / "data");
  for (const auto& [stem, count] : {std::pair("train", 240u), std::pair("t10k", 30u)}) {
    std::vector<uint8_t> pixels(size_t{count} * 784);  // every other image is white
    for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = i / 784 % 2 == 0 ? 0 : 255;
    const auto path = folder.path() / "data" / stem;
    write_whole(path.string() + "-images-idx3-ubyte", testing::idx({count, 28, 28}, pixels));
    write_whole(path.string() + "-labels-idx1-ubyte",
                testing::idx({count}, std::vector<uint8_t>(count, 1)));
  }
  const auto outcome = run(
      folder, helps +
                  " --data-dir data --controls A --arms A_elu_none,A_sigmoid_none --repeats 1 "
                  "--autoencoder-epochs 1 --tuning-epochs 8 --tuning-repeats 1 --quiet --out out");
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  std::map<std::string, std::string> epochs;
  for (const auto& line : lines_of(content_of(folder.file("out/metrics.csv")))) {
    const auto f = fields_of(line);
    if (f[7] == "epochs_on_plateau") epochs[f[2]] = f[8];
  }
  std::string first;  // epoch with such a loss
  constexpr double of_constant = 0.69314718;
  for (const auto& line : lines_of(content_of(folder.file("out/curves.csv")))) {
    const auto f = fields_of(line);
    if (f[1] == "A_elu_none" && first.empty() && std::stod(f[8]) < 0.95 * of_constant) first = f[4];
  }
  CHECK(!first.empty());
  CHECK(epochs["A_elu_none"] == first);
  CHECK(epochs["A_sigmoid_none"] == "13");  // one more than there are
  CHECK(lines_of(content_of(folder.file("out/troubles.csv"))).size() == 1);
  CHECK(std::filesystem::exists(folder.file("out/A_sigmoid_none_net.safetensors")));
  CHECK(contains(outcome.out, "never left"));
}

TEST_CASE("The fifth control trains all layers, and heads on frozen codes by depth") {
  const TemporaryFolder folder;
  write_small_images(folder);
  const auto outcome =
      run(folder, helps +
                      " --data-dir data --layer-epochs 1 --classifier-epochs 2 --controls E "
                      "--repeats 2 --tuning-repeats 1 --out out");
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  CHECK(contains(outcome.err, "controls E: about "));
  // Of each of three tasks: all layers and three depths of three arms, and once the pixels.
  const auto metrics = content_of(folder.file("out/metrics.csv"));
  std::map<std::string, std::map<std::string, std::string>> errors;
  for (const auto& line : lines_of(metrics)) {
    const auto f = fields_of(line);
    if (f[0] == "0" && f[6] == "test" && f[7] == "accuracy" && std::stoi(f[5]) > 0)
      errors[f[2]][f[4] + " " + f[5]] = f[8];
  }
  REQUIRE(errors.size() == 9);
  for (const auto* task : {"digits", "rectangles", "convex"}) {
    INFO(task);
    const auto of = [&](const char* way) -> auto& {
      return errors[fmt::format("E_{}_sigmoid_{}", task, way)];
    };
    CHECK(of("none").size() == 5);
    CHECK(of("autoencoders").size() == 4);
    CHECK(of("denoising").size() == 4);
  }
  // The classes of digits are ten, those of the generated images two: guessing shows it.
  CHECK(std::stod(errors["E_digits_sigmoid_none"]["5 1"]) < 0.35);
  CHECK(std::stod(errors["E_convex_sigmoid_none"]["5 1"]) > 0.35);
  CHECK(contains(outcome.out, "denoising autoencoders against random layers"));
  CHECK(contains(outcome.out, "all layers: denoising autoencoders against autoencoders"));
}

TEST_CASE("A when_pretraining_helps that is killed goes on to the same bytes, in threads too") {
  const TemporaryFolder folder;
  write_small_images(folder);
  const auto command =
      helps + short_fits +
      "--controls A,D,E --arms A_elu_none,A_curves_elu_autoencoders,D_sigmoid_supervised,"
      "D_sigmoid_rbms,E_convex_sigmoid_denoising --repeats 2 --tuning-repeats 1 --quiet ";
  REQUIRE(run(folder, command + "--threads 2 --out whole").status == 0);
  for (const auto& [file, text] : {std::pair("rates.csv", "A_elu_none,0.001"),
                                   std::pair("metrics.csv", "A_curves_elu_autoencoders,,7"),
                                   std::pair("metrics.csv", "0,1,D_sigmoid_rbms,,2"),
                                   std::pair("metrics.csv", "E_convex_sigmoid_denoising,,6")}) {
    INFO(text);
    end_when(folder, command + "--threads 1 --force --out part", SIGKILL, [&, name = file] {
      return contains(content_of(folder.file(std::string("part/") + name)), text);
    });
    std::ofstream(folder.file("part/rates.csv"), std::ios::app) << "1000000,A_el";  // a torn row
    REQUIRE(run(folder, helps + " --quiet --resume part").status == 0);
    for (const auto* table : {"metrics.csv", "curves.csv", "rates.csv"})
      CHECK(content_of(folder.file(std::string("part/") + table)) ==
            content_of(folder.file(std::string("whole/") + table)));
  }
}

TEST_CASE("What when_pretraining_helps cannot do is refused in two lines", "[refusals]") {
  const TemporaryFolder folder;
  write_small_images(folder);
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"--controls F", "'F' is no control"},
      {"--arms A_relu_none", "'A_relu_none' is no arm"},
      {"--labels 5", "'5'"},
      {"--labels 10,500", "--labels 500 of 220 training rows"},
      {"--steps 0", "'0'"},
      {"--quick --controls B", "--quick with --controls"},
      {"--controls C --layer-epochs 2", "--layer-epochs has no effect on these controls"},
      {"--precision bf16 --controls D", "--precision bf16"}};
  for (const auto& [options, part] : wrong) {
    INFO(options);
    const bool needed =
        !contains(options, "--labels") && !contains(options, "D") && !contains(options, "B");
    const std::string labels = needed ? " --labels 10,20" : "";
    const auto outcome = run(folder, helps + " --data-dir data --out out" + labels + " " + options);
    require_two_lines(outcome, 2);
    CHECK(contains(outcome.err, part));
  }
  testing::write_images(folder.path() / "tiny");
  const auto tiny = run(folder, helps + " --data-dir tiny --out out");
  require_two_lines(tiny, 2);
  CHECK(contains(tiny.err, "the images are 5 x 6 pixels"));
}

}  // namespace
}  // namespace layerwise
