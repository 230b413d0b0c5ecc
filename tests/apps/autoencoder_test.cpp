#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <map>
#include <thread>
#include <tuple>
#include <vector>

#include <fmt/format.h>

#include "apps/running.h"
#include "data/images.h"

/// mnist_autoencoder as its user meets it, on small images of the tests' own.
namespace layerwise {
namespace {

using testing::contains;
using testing::content_of;
using testing::fields_of;
using testing::lines_of;
using testing::Outcome;
using testing::program;
using testing::require_two_lines;
using testing::run;
using testing::TemporaryFolder;
using testing::write_images;

/// Without gnuplot, whose pictures have a test of their own.
const std::string app = "PATH=/nowhere " + program("mnist_autoencoder");
constexpr auto small =
    " --data-dir data --validation 20 --units 30,12,7 --batch-size 25 --epochs 2 ";

/// Values of a table by its other columns.
using Values = std::map<std::string, double>;

Values curves_of(const std::string& text) {
  Values values;
  for (const auto& line : lines_of(text)) {
    const auto f = fields_of(line);
    if (f[0] == "repeat") continue;
    values[fmt::format("stage {} epoch {} {}_{}", f[3], f[4], f[6], f[7])] = std::stod(f[8]);
  }
  return values;
}

double last_value(const std::string& metrics, const std::string& repeat, const std::string& split) {
  double value = NAN;
  for (const auto& line : lines_of(metrics)) {
    const auto f = fields_of(line);
    if (f[0] == repeat && f[6] == split) value = std::stod(f[8]);
  }
  return value;
}

/// One replay by one engine, or nothing where that engine says that it cannot.
void require_replayed(const nlohmann::json& replay, const std::string& engine) {
  const TemporaryFolder folder;
  const auto& o = replay["options"];
  write_images(folder.path() / "data",
               {o["images"], o["train"], o["test"], o["height"], o["width"]});
  const auto arguments = replay["arguments"].get<std::string>();
  INFO(arguments << " --engine " << engine);
  const auto outcome = run(
      folder, fmt::format("{} --data-dir data --out out {} --engine {}", app, arguments, engine));
  INFO(outcome.err);
  if (engine != "auto" && engine != "autograd" && contains(outcome.err, "cannot do this")) return;
  REQUIRE(outcome.status == 0);
  const auto repeat = o["repeat"].get<int>();
  const auto metrics = content_of(folder.file("out/metrics.csv"));
  REQUIRE(testing::relative_difference(last_value(metrics, std::to_string(repeat), "test"),
                                       replay["test_mse"]) < testing::replay_difference);
  if (repeat > 0) return;  // the curves are those of repeat 0
  const auto curves = curves_of(content_of(folder.file("out/curves.csv")));
  size_t compared = 0;
  for (size_t stage = 0; stage < replay["stages"].size(); ++stage) {
    const auto& epochs = replay["stages"][stage];
    for (size_t epoch = 0; epoch < epochs.size(); ++epoch) {
      for (const auto& [name, value] : epochs[epoch].items()) {
        const auto key = fmt::format("stage {} epoch {} {}", stage + 1, epoch + 1, name);
        INFO(key);
        REQUIRE(curves.count(key) == 1);
        REQUIRE(testing::relative_difference(curves.at(key), value) < testing::replay_difference);
        ++compared;
      }
    }
  }
  REQUIRE(compared >= 6);
}

TEST_CASE("Every phase, loss term and variant follows PyTorch's replay from the seed") {
  const auto replays = testing::reference("autoencoder_replays.json");
  require_replayed(replays[0], "auto");  // it is one of the following
  for (const auto& replay : replays) {
    for (const auto* engine : {"autograd", "dense", "tiny"}) require_replayed(replay, engine);
  }
}

TEST_CASE("A run prints the document's lines and writes its folder") {
  const TemporaryFolder folder;
  write_images(folder.path() / "data");
  const auto outcome = run(folder, app + small + "--out out");
  REQUIRE(outcome.status == 0);
  const auto lines = lines_of(outcome.out);
  REQUIRE(lines[0] == "Training phase #1");
  REQUIRE(lines[1].rfind("0 Train MSE: 0.", 0) == 0);
  REQUIRE(lines[2].rfind("1 Train MSE: 0.", 0) == 0);
  REQUIRE(lines[3] == "Training phase #2");
  REQUIRE(lines[6].rfind("Test MSE: 0.", 0) == 0);
  REQUIRE(contains(outcome.out, "not comparable"));
  for (const auto* file :
       {"run.json", "metrics.csv", "curves.csv", "report.html", "phase_1.safetensors",
        "phase_2.safetensors", "filters.gp", "reconstructions.gp", "learning_curves.gp"}) {
    INFO(file);
    REQUIRE(std::filesystem::exists(folder.path() / "out" / file));
  }
  const auto metrics = lines_of(content_of(folder.file("out/metrics.csv")));
  const auto last = fields_of(metrics.back());
  REQUIRE(last[6] == "test");
  REQUIRE(last[7] == "mse");
  REQUIRE(fmt::format("Test MSE: {:.5f}", std::stod(last[8])) == lines[6]);
}

TEST_CASE("Each condition has defaults of its own, which single options override") {
  const TemporaryFolder folder;
  const std::map<std::string, std::vector<std::string>> expected{
      {"cached", {"[epochs,independent]", "file|none [auto]", "[shared]", "[0.0001]", "[4]"}},
      {"uncached", {"HOW[,HOW...] [epochs]", "file|none [none]", "[shared]"}},
      {"separate", {"HOW[,HOW...] [independent]", "[fresh]", "[0.0005]"}},
      {"joint", {"--joint [on", "N[,N...] [5]", "[0.0001]"}},
      {"tied", {"--joint [on", "--tied [on", "[0.0005]", "N[,N...] [5]"}},
      {"gaussian", {"[relu]", "[glorot-uniform]", "[gaussian:1]", "N[,N...] [10]", "X [0]"}},
      {"dropout", {"[dropout:0.3]", "N[,N...] [10]"}},
      {"sparse", {"[784,1000]", "[sigmoid]", "[0.1,0.2]", "N [1000]", "N[,N...] [100]"}},
      {"fashion", {"[fashion-mnist]", "[784,100,30]", "[selu]", "[bce]", "[last]", "[1.5,0.05]"}},
      {"fashion-joint", {"--joint [on", "[1.5]", "N[,N...] [20]"}},
  };
  for (const auto& [name, parts] : expected) {
    const auto help = run(folder, app + " --reproduce " + name + " --help");
    REQUIRE(help.status == 0);
    for (const auto& part : parts) {
      INFO(name << ": " << part << "\n" << help.out);
      REQUIRE(contains(help.out, part));
    }
  }
  REQUIRE(contains(run(folder, app + " --help").out, "[cached]"));
  write_images(folder.path() / "data");
  const auto outcome = run(folder, app + small + "--reproduce tied --tied=off --quiet --out out");
  REQUIRE(outcome.status == 0);
  REQUIRE(contains(outcome.out, "'tied'"));
  REQUIRE(contains(outcome.out, "--epochs 2"));
  REQUIRE(std::filesystem::exists(folder.path() / "out/all_layers.safetensors"));
}

TEST_CASE("Options that contradict each other or have no effect are refused", "[refusals]") {
  const TemporaryFolder folder;
  write_images(folder.path() / "data");
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"--validation 0 --validation-from last", "--validation-from"},
      {"--sparsity 0.1,0.2", "--sparsity"},
      {"--sparsity 1,0.2 --activation sigmoid", "1,0.2"},
      {"--emphasis 2,1", "--emphasis"},
      {"--emphasis 2,1 --noise gaussian:1", "gaussian:1"},
      {"--emphasis 2,1 --noise dropout:0.5", "dropout:0.5"},
      {"--emphasis 2 --noise masking:0.5", "'2'"},
      {"--emphasis 0,0 --noise masking:0.5", "0,0"},
      {"--epochs 2 --epochs 3", "--epochs: given more than once"},
      {"--epochs 2,,3", "''"},
      {"--sampling epochs,", "''"},
      {"--learning-rate 1e300", "1e300"},
      {"--units 30,99999999999", "99999999999"},
      {"--batch-size 111 --last-batch keep", "phase 2 draws independent batches"},
      {"--resume ''", "the name is empty"},
      {"--noise masking:1", "masking:1"},
      {"--noise gaussian:-1", "gaussian:-1"},
      {"--noise snow:0.1", "snow:0.1"},
      {"--momentum 0.5", "--momentum"},
      {"--optimizer sgd --adam-counter fresh", "--adam-counter"},
      {"--joint --cache none", "--cache"},
      {"--joint --epochs 2,3", "--epochs"},
      {"--epochs 1,2,3", "1,2,3"},
      {"--epochs 0", "'0'"},
      {"--learning-rate 0", "'0'"},
      {"--learning-rate nan", "'nan'"},
      {"--sampling often", "often"},
      {"--units 30", "30"},
      {"--units 30,0", "'0'"},
      {"--units 29,12", "29"},
      {"--units 30,x", "'x'"},
      {"--activation step", "step"},
      {"--loss l1", "l1"},
      {"--dataset cifar", "cifar"},
      {"--reproduce nothing", "nothing"},
      {"--batch-size 111", "111"},
      {"--fine-tune-learning-rate 0.1", "--fine-tune-learning-rate"},
      {"--validation -1", "-1"},
      {"--validation 130", "130 rows for validation"},
      {"--threads 2", "--threads 2"},
      {"--l2 -1", "-1"},
  };
  for (const auto& [options, value] : wrong) {
    INFO(options);
    std::string base;
    for (const auto* option :
         {"--validation 20", "--units 30,12,7", "--batch-size 25", "--epochs 2"}) {
      const std::string given(option);
      if (!contains(options, given.substr(0, given.find(' ')))) base += " " + given;
    }
    base += " --data-dir data";
    const auto outcome = run(folder, app + " " + base + " " + options + " --out out");
    require_two_lines(outcome, 2);
    REQUIRE(contains(outcome.err, value));
    REQUIRE_FALSE(std::filesystem::exists(folder.path() / "out"));
  }
}

TEST_CASE("Data that are missing, damaged or too few are failures that name the file") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& options, const std::string& part) {
    const auto outcome = run(
        folder, app + " --data-dir data --units 30,12,7 --batch-size 25 " + options + " --out out");
    INFO(part);
    require_two_lines(outcome, 1);
    REQUIRE(contains(outcome.err, part));
    REQUIRE_FALSE(std::filesystem::exists(folder.path() / "out"));
  };
  refused("--validation 20", "data");
  write_images(folder.path() / "data");
  const auto outcome = run(folder, "XDG_CACHE_HOME=/nowhere " + app + " --out out");
  require_two_lines(outcome, 1);
  REQUIRE(contains(outcome.err, "fetch_data.sh mnist"));
  const auto file = folder.file("data/t10k-images-idx3-ubyte");
  const auto content = content_of(file);
  write_whole(file, content.substr(0, 100));
  refused("--validation 20", "t10k-images-idx3-ubyte");
  std::filesystem::remove(file);
  refused("--validation 20", "no file t10k-images-idx3-ubyte");
}

TEST_CASE("Data are found in a folder of the data set's name too, and no validation is fine") {
  const TemporaryFolder folder;
  write_images(folder.path() / "data/mnist");
  const auto options =
      " --data-dir data --units 30,12,7 --batch-size 25 --epochs 1 --validation 0 --out out";
  REQUIRE(run(folder, app + options).status == 0);
  REQUIRE_FALSE(contains(content_of(folder.file("out/metrics.csv")), "validation"));
}

/// The files of a run whose content must not depend on whether it was interrupted.
std::map<std::string, std::string> contents(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto* name : {"metrics.csv", "curves.csv", "phase_1.safetensors",
                           "phase_2.safetensors", "fine_tuned.safetensors",
                           "repeat1_phase_1.safetensors", "repeat1_fine_tuned.safetensors"}) {
    files[name] = content_of(folder / name);
  }
  return files;
}

TEST_CASE("A run that was killed goes on after its last whole phase and ends with the same files") {
  const TemporaryFolder folder;
  write_images(folder.path() / "data");
  const std::string options = small + std::string("--fine-tune 2 --repeats 2 --noise masking:0.2 ");
  REQUIRE(run(folder, app + options + "--out whole").status == 0);
  const auto whole = contents(folder.path() / "whole");
  for (const auto& [name, content] : whole) REQUIRE_FALSE(content.empty());

  // What is left by a kill after phase 1 of repeat 0, and in the middle of repeat 1.
  for (const auto& lost : std::vector<std::vector<std::string>>{
           {"phase_2", "fine_tuned", "repeat1_phase_1", "repeat1_phase_2", "repeat1_fine_tuned"},
           {"repeat1_phase_2", "repeat1_fine_tuned"},
           {"phase_1", "phase_2", "fine_tuned", "repeat1_phase_1", "repeat1_phase_2",
            "repeat1_fine_tuned"},
           {}}) {
    std::filesystem::remove_all(folder.path() / "part");
    std::filesystem::copy(folder.path() / "whole", folder.path() / "part");
    for (const auto& name : lost)
      std::filesystem::remove(folder.file("part/" + name + ".safetensors"));
    std::filesystem::remove(folder.file("part/report.html"));
    const auto outcome = run(folder, app + " --resume part");
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    REQUIRE((contents(folder.path() / "part") == whole));
    const bool from_the_start = std::find(lost.begin(), lost.end(), "phase_1") != lost.end();
    REQUIRE(contains(outcome.out, "Training phase #1") == from_the_start);
    REQUIRE(std::filesystem::exists(folder.path() / "part/report.html"));
  }
  REQUIRE(run(folder, app + " --resume part --quiet --out part --epochs 2").status == 0);
  const auto refused = run(folder, app + " --resume part --epochs 20");  // 20 is --validation's
  require_two_lines(refused, 2);
  REQUIRE(contains(refused.err, "--epochs 20"));
  REQUIRE(run(folder, "cd / && " + app + " --resume '" + folder.file("part") + "'").status == 0);

  for (const auto* table : {"metrics.csv", "curves.csv"}) {
    const auto content = content_of(folder.path() / "part" / table);
    const auto second = content.find('\n') + 1;
    write_whole(folder.path() / "part" / table,
                content.substr(0, second) + content.substr(content.find('\n', second) + 1));
    const auto lacks = run(folder, app + " --resume part");
    require_two_lines(lacks, 1);
    REQUIRE(contains(lacks.err, table));
    write_whole(folder.path() / "part" / table, content);
  }
  write_images(folder.path() / "data", {.seed = 4});
  const auto other_data = run(folder, app + " --resume part");
  require_two_lines(other_data, 1);
  REQUIRE(contains(other_data.err, "training_images_crc32"));
  require_two_lines(run(folder, app + " --resume nowhere"), 1);
  write_whole(folder.file("part/run.json"), "{\"program\": \"blobs_supervised\"}");
  require_two_lines(run(folder, app + " --resume part"), 1);
}

TEST_CASE("Ctrl-C ends with 130, says how to go on, and that ends with the same files") {
  const TemporaryFolder folder;
  write_images(folder.path() / "data", {.train = 2000});
  const std::string options =
      " --data-dir data --validation 20 --units 30,12,70 --batch-size 25 --epochs 2,3000 ";
  REQUIRE(run(folder, app + options + "--out whole").status == 0);
  const auto command = fmt::format("cd '{}' && exec env {}{}--out part >out.txt 2>err.txt",
                                   folder.path().string(), app, options);
  const pid_t child = ::fork();  // a shell's own background jobs would ignore the signal
  if (child == 0) {
    ::execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
    _exit(3);
  }
  for (int i = 0; i < 6000 && !std::filesystem::exists(folder.file("part/phase_1.safetensors"));
       ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ::kill(child, SIGINT);
  int status = 0;
  ::waitpid(child, &status, 0);
  REQUIRE(WIFEXITED(status));
  REQUIRE(WEXITSTATUS(status) == 130);
  REQUIRE(contains(content_of(folder.file("err.txt")), "--resume part"));
  REQUIRE_FALSE(std::filesystem::exists(folder.path() / "part/phase_2.safetensors"));
  REQUIRE(run(folder, app + " --resume part").status == 0);
  for (const auto* name : {"metrics.csv", "curves.csv", "phase_2.safetensors"}) {
    INFO(name);
    REQUIRE(
        (content_of(folder.path() / "part" / name) == content_of(folder.path() / "whole" / name)));
  }
  const auto engines = [&](const std::string& run) {
    return nlohmann::json::parse(content_of(folder.file(run + "/run.json")))["engines"];
  };
  CHECK(engines("whole").size() == 2);  // of a phase each
  CHECK(engines("part") == engines("whole"));
}

TEST_CASE("A run goes on with what its engines chose when it began, or not at all") {
  const TemporaryFolder folder;
  write_images(folder.path() / "data");
  REQUIRE(run(folder, app + small + "--engine dense --out run").status == 0);
  const auto path = folder.file("run/run.json");
  const auto choose = [&](const char* simd, const char* products) {
    auto described = nlohmann::json::parse(content_of(path));
    described["engine_choices"] = {{"simd", simd}, {"fp32_products", products}};
    write_whole(path, described.dump());
    std::filesystem::remove(folder.file("run/phase_2.safetensors"));
    return run(folder, app + " --resume run");
  };
  REQUIRE(choose("SCALAR", "BLAS").status == 0);
  const auto described = nlohmann::json::parse(content_of(path));
  REQUIRE(described["engine_choices"]["simd"] == "SCALAR");
  REQUIRE(described["engines"].back()["details"] == "fp32 on BLAS, SCALAR");
  const auto refused = choose("AVX9", "BLAS");
  require_two_lines(refused, 1);
  REQUIRE(contains(refused.err, "AVX9"));
}

TEST_CASE("A damaged checkpoint, or one of another network, is not gone on with") {
  const TemporaryFolder folder;
  write_images(folder.path() / "data");
  REQUIRE(run(folder, app + small + "--out run").status == 0);
  REQUIRE(run(folder, app + small + "--activation selu --out other").status == 0);
  const auto path = folder.file("run/phase_2.safetensors");
  auto content = content_of(path);
  content[content.size() - 3] = static_cast<char>(content[content.size() - 3] ^ 1);
  write_whole(path, content);
  const auto metrics = content_of(folder.file("run/metrics.csv"));
  auto outcome = run(folder, app + " --resume run");
  require_two_lines(outcome, 1);
  REQUIRE(contains(outcome.err, "checksum"));
  REQUIRE(content_of(folder.file("run/metrics.csv")) == metrics);
  std::filesystem::copy_file(folder.file("other/phase_2.safetensors"), path,
                             std::filesystem::copy_options::overwrite_existing);
  outcome = run(folder, app + " --resume run");
  require_two_lines(outcome, 1);
  REQUIRE(contains(outcome.err, "activation is selu, expected elu"));
  std::filesystem::remove(path);
  REQUIRE(run(folder, app + " --resume run").status == 0);
  REQUIRE(content_of(folder.file("run/metrics.csv")) == metrics);
}

TEST_CASE("--force leaves no checkpoint of the run that was there") {
  const TemporaryFolder folder;
  write_images(folder.path() / "data");
  REQUIRE(run(folder, app + small + "--repeats 2 --fine-tune 1 --out out").status == 0);
  REQUIRE(std::filesystem::exists(folder.file("out/repeat1_fine_tuned.safetensors")));
  require_two_lines(run(folder, app + small + "--joint --sampling epochs --out out"), 1);
  REQUIRE(run(folder, app + small + "--joint --sampling epochs --out out --force").status == 0);
  size_t checkpoints = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path() / "out"))
    checkpoints += entry.path().extension() == ".safetensors";
  REQUIRE(checkpoints == 1);
}

TEST_CASE("A study of which some repeats diverge has all its tables, and NaN where it must") {
  const TemporaryFolder folder;
  write_images(folder.path() / "data");
  for (const auto* options :
       {"--loss mse --learning-rate 4.35", "--loss bce --learning-rate 1,6"}) {
    const auto outcome = run(folder, app +
                                         " --data-dir data --validation 20 --units 30,12,7 "
                                         "--batch-size 5 --epochs 6 --optimizer sgd --repeats 12 "
                                         "--momentum 0.9 --force --out out " +
                                         options);
    INFO(options << outcome.out << outcome.err);
    REQUIRE(outcome.status == 0);
    REQUIRE(contains(outcome.out, "diverged"));
    REQUIRE_FALSE(contains(outcome.out, "-nan"));
    const auto metrics = content_of(folder.file("out/metrics.csv"));
    const auto rows = lines_of(metrics);
    const auto ended = std::count_if(rows.begin(), rows.end(), [](const std::string& row) {
      return contains(row, "whole,,2,,test,mse") && !contains(row, "nan");
    });
    REQUIRE(ended > 0);
    REQUIRE(ended < 12);
    REQUIRE_FALSE(contains(metrics, "-nan"));
    const auto page = content_of(folder.file("out/report.html"));
    REQUIRE(contains(page.substr(page.find("<h2>Warnings")), "Repeats with a fit that diverged: "));
  }
}

TEST_CASE("Repeats have streams of their own, and threads change nothing") {
  const TemporaryFolder folder;
  write_images(folder.path() / "data");
  REQUIRE(run(folder, app + small + "--repeats 2 --device cpu --out one").status == 0);
  REQUIRE(run(folder, app + small + "--repeats 2 --threads 2 --device cpu --out two").status == 0);
  const auto one = content_of(folder.file("one/metrics.csv"));
  REQUIRE(one == content_of(folder.file("two/metrics.csv")));
  REQUIRE(last_value(one, "0", "test") != last_value(one, "1", "test"));
  REQUIRE(content_of(folder.file("one/repeat1_phase_2.safetensors")) ==
          content_of(folder.file("two/repeat1_phase_2.safetensors")));
}

TEST_CASE("Codes can have cross-entropy as their loss, and pixels another") {
  const TemporaryFolder folder;
  write_images(folder.path() / "data");
  const auto command = app + small + "--activation sigmoid --optimizer sgd --quiet ";
  REQUIRE(run(folder, command + "--out mse").status == 0);
  REQUIRE(run(folder, command + "--code-loss bce --out bce").status == 0);
  const auto rows = [&](const std::string& name, const std::string& stage) {
    std::vector<std::string> all;
    for (const auto& line : lines_of(content_of(folder.file(name + "/metrics.csv"))))
      if (fields_of(line)[4] == stage) all.push_back(line);
    return all;
  };
  CHECK(rows("mse", "1") == rows("bce", "1"));  // whose targets are pixels
  CHECK(rows("mse", "2") != rows("bce", "2"));
  require_two_lines(run(folder, app + small + "--code-loss bce --out other"), 2);
}

TEST_CASE("Pictures are drawn", "[gnuplot]") {
  const TemporaryFolder folder;
  write_images(folder.path() / "data");
  const auto outcome = run(folder, program("mnist_autoencoder") + small + "--loss bce --out out");
  if (contains(outcome.err, "'gnuplot' is not in PATH")) {
    WARN("skipped: no gnuplot");
    return;
  }
  REQUIRE(outcome.status == 0);
  for (const auto* name : {"reconstructions", "filters", "learning_curves"}) {
    const auto png = content_of(folder.path() / "out" / (std::string(name) + ".png"));
    REQUIRE(png.substr(1, 3) == "PNG");
    REQUIRE(contains(content_of(folder.file("out/report.html")), std::string(name) + ".png\">"));
    REQUIRE_FALSE(std::filesystem::exists(folder.path() / "out" / (std::string(name) + ".svg")));
  }
  REQUIRE(contains(content_of(folder.file("out/report.html")), "Figure 3."));
}

}  // namespace
}  // namespace layerwise
