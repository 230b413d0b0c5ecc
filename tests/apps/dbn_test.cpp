#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "apps/running.h"
#include "data/images.h"

/// apps/mnist_dbn, on small images.
namespace layerwise {
namespace {

using testing::contains;
using testing::content_of;
using testing::end_when;
using testing::program;
using testing::require_two_lines;
using testing::run;
using testing::TemporaryFolder;

/// Without gnuplot, whose pictures have tests of their own.
const std::string app = "PATH=/nowhere " + program("mnist_dbn");
const std::string small =
    " --data-dir data --validation 20 --units 30,12,7 --rbm-epochs 3 --epochs 3"
    " --batch-size 20 ";
const std::string rate = "--rbm-learning-rate 0.1 ";

TEST_CASE("mnist_dbn trains RBMs, then the classifier or the autoencoder that they become") {
  const TemporaryFolder folder;
  testing::write_images(folder.path() / "data");
  const auto classifier = run(folder, app + small + rate + "--out classifier --early-stop 2");
  INFO(classifier.err);
  REQUIRE(classifier.status == 0);
  for (const auto* part : {"> RBM 1: train mse=", "> RBM 2: ", "> all layers: train accuracy="})
    CHECK(contains(classifier.out, part));
  CHECK(contains(classifier.out, "On the test rows the network ends at an error of"));
  CHECK(contains(classifier.out, "The published values are not comparable"));
  CHECK(contains(content_of(folder.file("classifier/net.safetensors")), "hidden.block1.weight"));

  const auto autoencoder =
      run(folder, app + small +
                      "--reproduce autoencoder --rbm-learning-rate 0.1,0.001 --rbm-first-epochs 1 "
                      "--schedule constant --out autoencoder");
  INFO(autoencoder.err);
  REQUIRE(autoencoder.status == 0);
  CHECK(contains(autoencoder.out, "a squared error of"));
  CHECK(contains(content_of(folder.file("autoencoder/net.safetensors")), "decoder.block1.weight"));
  CHECK(contains(content_of(folder.file("autoencoder/report.html")), "a squared error of"));
}

TEST_CASE("The RBMs of mnist_dbn are an encoder for mnist_pretraining, on the same images") {
  const TemporaryFolder folder;
  testing::write_images(folder.path() / "data", {.train = 200});
  REQUIRE(
      run(folder, app + small + rate + "--validation-from first --early-stop 0 --quiet --out rbms")
          .status == 0);
  const auto compare =
      "PATH=/nowhere " + program("mnist_pretraining") +
      " --data-dir data --validation 20 --units 30,12,7 --labels 40 --batch-size 10 --epochs 2 "
      "--quiet "
      "--variants none,fine-tuned --encoder rbms/encoder.safetensors --activation ";
  const auto outcome = run(folder, compare + "sigmoid --out compared");
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  CHECK(contains(content_of(folder.file("compared/metrics.csv")), "fine-tuned"));
  require_two_lines(run(folder, compare + "elu --out wrong"), 1);
  // What the encoder learned from must not validate.
  const auto leaking = run(folder, compare + "sigmoid --validation-from last --out leaking");
  require_two_lines(leaking, 2);
  CHECK(contains(leaking.err, "first 20, here last 20"));
}

TEST_CASE("mnist_dbn trains without a cache, and says what diverged") {
  const TemporaryFolder folder;
  testing::write_images(folder.path() / "data");
  const auto uncached =
      run(folder, app + small + rate + "--early-stop 0 --cache none --out uncached");
  INFO(uncached.err);
  REQUIRE(uncached.status == 0);
  const auto diverged =
      run(folder, app + small + "--rbm-learning-rate 0.1,9e37 --early-stop 0 --out diverged");
  INFO(diverged.err);
  REQUIRE(diverged.status == 0);
  CHECK(contains(diverged.out, "diverged"));
  CHECK(std::filesystem::exists(folder.path() / "diverged/report.html"));
  // It is complete: nothing is trained again.
  const auto resumed = run(folder, app + " --resume diverged");
  INFO(resumed.err);
  REQUIRE(resumed.status == 0);
  CHECK(contains(diverged.out, "> RBM 1"));
  CHECK_FALSE(contains(resumed.out, "> RBM"));
}

TEST_CASE("A mnist_dbn that is killed goes on to the same bytes") {
  const TemporaryFolder folder;
  testing::write_images(folder.path() / "data");
  const auto command = app + small + rate + "--persistent --repeats 2 --threads 1 --quiet ";
  REQUIRE(run(folder, command + "--out whole").status == 0);
  for (const auto* place : {"0,1,,,1,", "1,1,,,2,"}) {
    INFO(place);
    end_when(folder, command + "--force --out part", SIGKILL,
             [&] { return contains(content_of(folder.file("part/metrics.csv")), place); });
    REQUIRE(run(folder, app + " --quiet --resume part").status == 0);
    for (const auto* file :
         {"metrics.csv", "curves.csv", "net.safetensors", "repeat1_net.safetensors",
          "encoder.safetensors", "repeat1_encoder.safetensors"})
      CHECK(content_of(folder.file(std::string("part/") + file)) ==
            content_of(folder.file(std::string("whole/") + file)));
  }
}

TEST_CASE("What mnist_dbn cannot do is refused in two lines", "[refusals]") {
  const TemporaryFolder folder;
  testing::write_images(folder.path() / "data");
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"--units 31,5", "--units begins with 31, but the images are 5 x 6 = 30 pixels"},
      {"--units 30", "'30' lists fewer"},
      {"--rbm-learning-rate 1,2,3", "has 3 values for 1 phase"},
      {"--rbm-momentum 1", "'1'"},
      {"--gibbs-steps 0", "'0'"},
      {"--engine tiny", "the tiny engine cannot do this: it has no kernel for an RBM"},
      {"--early-stop 3 --validation 0", "--early-stop 3 without validation rows"},
      {"--reproduce boltzmann", "--reproduce 'boltzmann'"},
      {"--purpose generator", "'generator'"}};
  for (const auto& [options, part] : wrong) {
    INFO(options);
    const std::string units = contains(options, "--units") ? "" : " --units 30,4";
    const std::string validation = contains(options, "--validation") ? "" : " --validation 20";
    const auto outcome =
        run(folder, app + " --data-dir data" + units + validation + " " + options + " --out out");
    INFO(outcome.err);
    CHECK(outcome.status != 0);
    CHECK(contains(outcome.err, "error: "));
    CHECK(contains(outcome.err, "hint: "));
    CHECK(contains(outcome.err, part));
  }
  CHECK(contains(run(folder, app + " --reproduce hinton --help").out, "[784,500,500,2000]"));
}

}  // namespace
}  // namespace layerwise
