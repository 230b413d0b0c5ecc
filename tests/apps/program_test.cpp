#include "common/program.h"

#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "layerwise/report/failure.h"

#include "common/resume.h"
#include "testing.h"

/// The command line that the programs share, called directly.
namespace layerwise::apps {
namespace {

using testing::TemporaryFolder;

TEST_CASE("Only what is wrong with the command line is wrong usage") {
  const auto status = [](const std::vector<std::string>& arguments, auto body) {
    CLI::App app("A program", "program");
    return run_program(app, arguments, body);
  };
  CHECK(status({}, [] {}) == 0);
  CHECK(status({"--no-such-option"}, [] {}) == 2);
  CHECK(status({"--config", "no-such-file.ini"}, [] {}) == 2);
  CHECK(status({}, [] { throw UsageError("--a with --b", "leave out one"); }) == 2);
  CHECK(status({}, [] { std::stoll("a reader's own"); }) == 1);
  CHECK(status({}, [] { throw std::invalid_argument("the inputs are [2, 3] Double"); }) == 1);
  CHECK(status({}, [] {
          RunOptions options;
          options.device = "tpu";
          options.check();
        }) == 2);
}

/// The command line that goes on with a run.
std::vector<std::string> merged(const TemporaryFolder& folder, const std::string& run_arguments,
                                const std::vector<std::string>& given) {
  std::ofstream(folder.file("run.json"))
      << R"({"program": "program", "arguments": )" << run_arguments << "}";
  return resumed({"program ...", given, ""}, "program").arguments;
}

TEST_CASE("A run that is resumed has its own options") {
  const TemporaryFolder folder;
  const auto path = folder.path().string();
  const std::string had = R"(["--seed", "3", "--out", "x", "--epochs=5", "--quiet", "--force"])";
  using Words = std::vector<std::string>;
  CHECK(merged(folder, had, {"--resume", path}) == Words{"--seed", "3", "--epochs=5"});
  CHECK(merged(folder, had, {"--resume=" + path, "--quiet"}) ==
        Words{"--seed", "3", "--epochs=5", "--quiet"});
  CHECK(merged(folder, had, {"--resume", path, "--epochs", "5", "--seed=3"}) ==
        Words{"--seed", "3", "--epochs=5"});
  CHECK(merged(folder, had, {"--resume", path, "--out", path}) ==
        Words{"--seed", "3", "--epochs=5"});
  CHECK_THROWS_AS(merged(folder, had, {"--resume", path, "--epochs", "6"}), UsageError);
  CHECK_THROWS_AS(merged(folder, had, {"--resume", path, "--out", "elsewhere"}), UsageError);
  CHECK_THROWS_AS(merged(folder, had, {"--resume", ""}), UsageError);
  CHECK_THROWS_AS(merged(folder, had, {"--resume", path + "/none"}), report::Failure);
  CHECK_THROWS_AS(merged(folder, "3", {"--resume", path}), report::Failure);
  CHECK(merged(folder, had, {"--resume", path, "--help"}) == Words{"--resume", path, "--help"});
}

TEST_CASE("A file may hold options, and those of the command line go before it") {
  const TemporaryFolder folder;
  std::ofstream(folder.file("options.ini")) << "seed=7\nrepeats=3\nquiet=true\n";
  CLI::App app("A program", "program");
  RunOptions options;
  options.add_to(app);
  const auto file = folder.file("options.ini");
  CHECK(run_program(app, {"--config", file, "--repeats", "2"}, [] {}) == 0);
  CHECK(options.seed == 7);
  CHECK(options.repeats == 2);
  CHECK(options.quiet);
}

TEST_CASE("The programs' options are typed when they are parsed") {
  const auto parsed = [](const std::vector<std::string>& arguments) {
    CLI::App app("A program", "program");
    RunOptions options;
    options.add_to(app);
    CHECK(run_program(app, arguments, [] {}) == 0);
    return options;
  };
  CHECK(parsed({}).engine.kind == EngineKind::automatic);
  const auto options = parsed({"--engine", "dense", "--precision", "bf16", "--curves", "all"});
  CHECK(options.engine.kind == EngineKind::dense);
  CHECK(options.engine.precision == Precision::bf16);
  CHECK(options.curves == Settings::Curves::all);
}

}  // namespace
}  // namespace layerwise::apps
