#include <fstream>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "layerwise/data/blobs.h"

#include "apps/running.h"

/// apps/examples/own_study.cpp, which has what the programs have; and what they have of study/.
namespace layerwise {
namespace {

using testing::contains;
using testing::content_of;
using testing::end_when;
using testing::lines_of;
using testing::program;
using testing::require_two_lines;
using testing::run;
using testing::TemporaryFolder;

/// Without gnuplot, whose pictures have tests of their own.
const std::string own_study = "PATH=/nowhere " + program("own_study");
const std::string unsupervised = "PATH=/nowhere " + program("blobs_unsupervised");

void write_table(const std::filesystem::path& path) {
  const auto blobs = make_blobs({.samples = 400, .centers = 3, .features = 3});
  const auto points = blobs.points.accessor<double, 2>();
  const auto labels = blobs.labels.accessor<int64_t, 1>();
  std::ofstream file(path);
  file << "a,y,b,c\n";
  for (int64_t i = 0; i < points.size(0); ++i)
    file << fmt::format("{},kind {},{},{}\n", points[i][0], labels[i], points[i][1], points[i][2]);
}

/// What a run leaves that does not say when or as what it was started.
std::map<std::string, std::string> results_in(const std::filesystem::path& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    const auto ending = entry.path().extension();
    if (ending == ".csv" || ending == ".safetensors" || ending == ".gp")
      files[name] = content_of(entry.path());
  }
  return files;
}

/// The table on standard output and what is below it.
std::string from_table_on(const std::string& out) {
  return out.substr(out.find("\nlayers "));
}

TEST_CASE("A study of one's own has the lines, files and checkpoints that the programs have") {
  const TemporaryFolder folder;
  write_table(folder.path() / "my_data.csv");
  const auto outcome = run(folder, own_study + " --out run --repeats 2");
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  REQUIRE(contains(outcome.out, "> layers=2, train accuracy="));
  REQUIRE(contains(outcome.out, "> layers=5, train accuracy="));
  REQUIRE(contains(from_table_on(outcome.out), "test accuracy"));
  REQUIRE(contains(from_table_on(outcome.out), "+-"));
  const auto files = results_in(folder.path() / "run");
  for (const auto* name : {"metrics.csv", "curves.csv", "troubles.csv", "net.safetensors",
                           "repeat1_net.safetensors", "metrics.gp", "learning_curves.gp"}) {
    INFO(name);
    REQUIRE(files.count(name) == 1);
  }
  REQUIRE(lines_of(files.at("metrics.csv")).size() == 1 + 2 * 4 * 7);
  REQUIRE(std::filesystem::exists(folder.path() / "run/report.html"));
  const auto json = nlohmann::json::parse(content_of(folder.path() / "run/run.json"));
  REQUIRE(json["status"] == "finished");
  REQUIRE(json["options"]["data"] == "my_data.csv");
  REQUIRE(run(folder, own_study + " --out threads --repeats 2 --threads 2 --quiet").status == 0);
  REQUIRE((results_in(folder.path() / "threads") == files));

  const auto help = run(folder, own_study + " --help");
  REQUIRE(help.status == 0);
  for (const auto* option : {"--data", "--resume", "--repeats", "--engine", "--device"})
    REQUIRE(contains(help.out, option));
  require_two_lines(run(folder, own_study + " --data no-such-file.csv --out none"), 1);
  require_two_lines(run(folder, own_study + " --dato my_data.csv"), 2);
  REQUIRE_FALSE(std::filesystem::exists(folder.path() / "none"));
}

TEST_CASE("A study of one's own that is killed goes on after its last stage, to the same bytes") {
  const TemporaryFolder folder;
  write_table(folder.path() / "my_data.csv");
  const auto whole = run(folder, own_study + " --repeats 3 --out whole");
  REQUIRE(whole.status == 0);
  const auto metrics = folder.file("part/metrics.csv");
  for (const auto* moment : {"\n0,1,,,2,", "\n1,1,,,3,", "\n2,1,,,4,"}) {
    INFO(moment);
    std::filesystem::remove_all(folder.path() / "part");
    const int status = end_when(folder, own_study + " --repeats 3 --out part", SIGKILL,
                                [&] { return contains(content_of(metrics), moment); });
    const bool killed = WIFSIGNALED(status);
    REQUIRE((killed || WEXITSTATUS(status) == 0));
    const auto resumed = run(folder, own_study + " --resume part");
    INFO(resumed.err);
    REQUIRE(resumed.status == 0);
    REQUIRE((results_in(folder.path() / "part") == results_in(folder.path() / "whole")));
    REQUIRE(from_table_on(resumed.out) == from_table_on(whole.out));
    if (killed) REQUIRE_FALSE(contains(resumed.out, "layers=2,"));  // repeat 0 was past it
  }
  // As if the kill had come behind the rows of the last stage, before its checkpoint.
  std::filesystem::remove(folder.path() / "part/repeat2_net.safetensors");
  REQUIRE(run(folder, own_study + " --resume part").status == 0);
  REQUIRE((results_in(folder.path() / "part") == results_in(folder.path() / "whole")));
  // A checkpoint that is damaged, or lost.
  const auto cut_off = content_of(folder.path() / "part/repeat2_net.safetensors");
  std::ofstream(folder.path() / "part/repeat2_net.safetensors") << cut_off.substr(0, 100);
  std::ofstream(metrics, std::ios::app).close();
  auto rows = lines_of(content_of(metrics));
  rows.resize(rows.size() - 4);  // the last stage of repeat 2 is not whole
  std::ofstream shorter(metrics);
  for (const auto& row : rows) shorter << row << "\n";
  shorter.close();
  require_two_lines(run(folder, own_study + " --resume part"), 1);
  std::filesystem::remove(folder.path() / "part/repeat2_net.safetensors");
  REQUIRE(run(folder, own_study + " --resume part").status == 0);
  REQUIRE((results_in(folder.path() / "part") == results_in(folder.path() / "whole")));
}

TEST_CASE("A run that learned from other data, or whose tables lack rows, does not go on") {
  const TemporaryFolder folder;
  write_table(folder.path() / "my_data.csv");
  REQUIRE(run(folder, own_study + " --out run --quiet").status == 0);
  const auto metrics = folder.file("run/metrics.csv");
  const auto whole = content_of(metrics);
  auto rows = lines_of(whole);
  rows.erase(rows.begin() + 6);  // of the second stage, and the checkpoint is past it
  std::ofstream(metrics) << fmt::format("{}\n", fmt::join(rows, "\n"));
  require_two_lines(run(folder, own_study + " --resume run"), 1);
  std::ofstream(metrics) << whole.substr(0, whole.size() - 4);  // cut within its last number
  require_two_lines(run(folder, own_study + " --resume run"), 1);
  std::ofstream(metrics) << whole;
  REQUIRE(run(folder, own_study + " --resume run").status == 0);
  std::ofstream(folder.file("my_data.csv"), std::ios::app) << "0,kind 1,0,0\n";
  const auto other = run(folder, own_study + " --resume run");
  require_two_lines(other, 1);
  REQUIRE(contains(other.err, "data_checksum"));
}

TEST_CASE("The options of a file are those that the run had, whatever the file says later") {
  const TemporaryFolder folder;
  write_table(folder.path() / "my_data.csv");
  std::ofstream(folder.file("options.ini")) << "repeats=2\nseed=5\nquiet=true\n";
  REQUIRE(run(folder, own_study + " --config options.ini --out run").status == 0);
  const auto before = results_in(folder.path() / "run");
  REQUIRE(contains(before.at("metrics.csv"), "\n1,5,"));
  std::ofstream(folder.file("options.ini")) << "repeats=3\n";
  REQUIRE(run(folder, own_study + " --resume run").status == 0);
  REQUIRE((results_in(folder.path() / "run") == before));
  std::ofstream(folder.file("options.ini")) << "repeat=3\n";
  require_two_lines(run(folder, own_study + " --config options.ini --out other"), 2);
}

TEST_CASE("A study on blobs that is interrupted goes on with the repeats that are not whole") {
  const TemporaryFolder folder;
  const std::string options = " --repeats 12 --layers 5 --epochs 60 ";
  const auto whole = run(folder, unsupervised + options + "--out whole");
  REQUIRE(whole.status == 0);
  REQUIRE(contains(content_of(folder.path() / "whole/troubles.csv"), ",collapsed,"));
  for (const int signal : {SIGKILL, SIGINT}) {
    std::filesystem::remove_all(folder.path() / "part");
    const auto metrics = folder.file("part/metrics.csv");
    const int status = end_when(folder, unsupervised + options + "--out part", signal,
                                [&] { return contains(content_of(metrics), "\n6,1,,,2,"); });
    REQUIRE((WIFSIGNALED(status) || WEXITSTATUS(status) == 130 || WEXITSTATUS(status) == 0));
    const auto resumed = run(folder, unsupervised + " --resume part");
    INFO(resumed.err);
    REQUIRE(resumed.status == 0);
    REQUIRE((results_in(folder.path() / "part") == results_in(folder.path() / "whole")));
    REQUIRE(from_table_on(resumed.out) == from_table_on(whole.out));
  }
  REQUIRE(std::filesystem::file_size(folder.path() / "whole/run.json") < 5000);
}

TEST_CASE("own_parts takes a table and a folder of images as well") {
  const TemporaryFolder folder;
  std::ofstream table(folder.path() / "table.csv");
  table << "class,x\n";
  for (int i = 0; i < 40; ++i) {
    table << fmt::format("{},{}\n", i % 2 == 0 ? "low" : "high", i % 2);
    const auto of_class = folder.path() / "images" / (i % 2 == 0 ? "dark" : "bright");
    std::filesystem::create_directories(of_class);
    std::ofstream(of_class / fmt::format("{}.pgm", i))
        << "P5 2 2 255\n"
        << std::string(4, i % 2 == 0 ? '\x01' : '\x7f');
  }
  table.close();
  for (const auto* data : {"table.csv", "images"}) {
    const auto outcome = run(folder, program("own_parts") + " " + data);
    INFO(outcome.err);
    REQUIRE(outcome.status == 0);
    REQUIRE(contains(outcome.out, "3 blocks: test accuracy 1.000"));
    REQUIRE(contains(outcome.out, "the head again: test accuracy 1.000"));
  }
  const auto spirals = run(folder, program("own_parts"));
  const std::string last = "the head again: test accuracy ";
  REQUIRE(std::stod(spirals.out.substr(spirals.out.find(last) + last.size())) > 0.9);
  for (const auto* missing : {"none.csv", "none"})
    require_two_lines(run(folder, program("own_parts") + " " + missing), 1);
}

}  // namespace
}  // namespace layerwise
