#include "common/program.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "layerwise/report/failure.h"
#include "layerwise/study/repeats.h"

#include "common/command_line.h"
#include "merge/shards.h"
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

TEST_CASE("A run is not resumed with defaults that it did not begin with") {
  const TemporaryFolder folder;
  const auto resume = [&](const std::string& arguments, const std::string& options) {
    std::ofstream(folder.file("run.json"))
        << R"({"program": "program", "version": "0.1", "arguments": )" << arguments
        << R"(, "options": )" << options << "}";
    CLI::App app("A program", "program");
    RunOptions run_options;
    run_options.add_to(app);
    app.option_defaults()->always_capture_default();
    int trials = 3;
    app.add_option("--trials", trials)->type_name(type::integer);
    const auto folder_name = folder.path().string();
    return run_program(app,
                       resumed({"program ...", {"--resume", folder_name}, ""}, "program").arguments,
                       [&] { require_same_defaults(app, folder_name); });
  };
  CHECK(resume("[]", R"({"trials": 3, "seed": 1, "out": "x", "threads": 64})") == 0);
  CHECK(resume("[]", R"({"trials": 1})") == 1);
  CHECK(resume(R"(["--trials", "1"])", R"({"trials": 1})") == 0);
  CHECK(resume("[]", R"({"seed": 1})") == 0);  // an option that there was not then
}

TEST_CASE("A file may hold options, and those of the command line go before it") {
  const TemporaryFolder folder;
  std::ofstream(folder.file("options.ini")) << "seed=7\nrepeats=3\nquiet=true\nwidths=4,8\n";
  CLI::App app("A program", "program");
  RunOptions options;
  options.add_to(app);
  std::string widths;
  app.add_option("--widths", widths);
  const auto file = folder.file("options.ini");
  CHECK(run_program(app, {"--config", file, "--repeats", "2"}, [] {}) == 0);
  CHECK(options.seed == 7);
  CHECK(options.repeats == 2);
  CHECK(options.quiet);
  CHECK(widths == "4,8");
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

TEST_CASE("--repeats is a number of repeats, or a part of a study") {
  const auto parsed = [](const std::vector<std::string>& arguments) {
    CLI::App app("A program", "program");
    RunOptions options;
    options.add_to(app);
    const int status = run_program(app, arguments, [&] {
      options.check();
      options.check();
    });
    return std::pair(status, options);
  };
  const auto [status, part] = parsed({"--repeats", "5:12"});
  CHECK(status == 0);
  CHECK(part.first_repeat == 5);
  CHECK(part.repeats == 7);
  CHECK(part.shard);
  CHECK(part.threads == std::min(study::usable_cores(), int64_t{7}));
  const auto all = parsed({"--repeats", "12"}).second;
  CHECK(all.first_repeat == 0);
  CHECK(all.repeats == 12);
  CHECK_FALSE(all.shard);
  CHECK(parsed({}).second.threads == 1);
  CHECK(parsed({"--repeats", "3:4"}).second.threads == 1);
  CHECK(parsed({"--repeats", "3:4", "--curves", "all"}).first == 0);
  CHECK(parsed({"--repeats", "9", "--threads", "1"}).second.threads == 1);
  CHECK(parsed({"--repeats", "2", "--threads", "3"}).first == 2);
  for (const auto* wrong : {"5:5", "5:3", "-1:3", "1:", ":3", ":", "1:2:3", "a:b", "1:2x", "01:2",
                            "0:1000001", "1.5", "0", ""}) {
    INFO(wrong);
    CHECK(parsed({std::string("--repeats=") + wrong}).first == 2);
  }
}

TEST_CASE("Values of options are read as they are written, and what is wrong with a text is said") {
  const auto count = whole_number(1, 100);
  for (const auto* text : {"", "0", "101", "08", "1.0", " 1", "1 ", "-1", "1e1"}) {
    INFO("'" << text << "'");
    CHECK(!count.fault(text).empty());
  }
  CHECK(count.read("100") == 100);
  const auto share = finite_number(0, true, 1);
  for (const auto* text : {"", "0", "1", "nan", "inf", "0.5x", " 0.5"}) {
    INFO("'" << text << "'");
    CHECK(!share.fault(text).empty());
  }
  CHECK(share.read("5e-1") == 0.5);
  const auto list = list_of(count, 2);
  CHECK(list.fault("3,4").empty());
  CHECK(list.read("3,4") == std::vector<int64_t>{3, 4});
  CHECK(list.write({3, 4}) == "3,4");
  CHECK(!list.fault("3").empty());
  CHECK(!list.fault("3,,4").empty());
  CHECK(list.fault("3,x") == count.fault("x"));
  const auto maybe = or_off(list);
  CHECK(!maybe.read("off"));
  CHECK(maybe.read("3,4") == list.read("3,4"));
  CHECK(maybe.write({}) == "off");
  const auto named = one_of<int64_t>({{"one", 1}, {"two", 2}});
  CHECK(named.read("two") == 2);
  CHECK(named.write(1) == "one");
  CHECK(named.fault("three") == "'three' is not one of: one, two");
}

TEST_CASE("run.json has an option's value as what it is") {
  CLI::App app("A program", "program");
  int64_t number = 3;
  double rate = 0.5;
  std::vector<int64_t> units{784, 300};
  std::optional<std::vector<double>> rates;
  bool tied = false;
  std::string file;
  add_count(app, "--number", number, "");
  add_number(app, "--rate", rate, "", 0, true, 1);
  add_value(app, "--units", units, list_of(whole_number(1, most)), "", "N");
  add_value(app, "--rates", rates, or_off(list_of(finite_number(0, true, 1))), "", "X");
  add_switch(app, "--tied", tied, "");
  add_path(app, "--file", file, "", "FILE");
  REQUIRE(run_program(app, {"--rate", "0.25", "--tied", "--file", "12"}, [] {}) == 0);
  const auto options = all_options(app);
  const auto value = [&](const std::string& name) -> study::OptionValue {
    for (const auto& [key, typed] : options)
      if (key == name) return typed;
    return std::string("no such option");
  };
  CHECK(value("number") == study::OptionValue(int64_t{3}));
  CHECK(value("rate") == study::OptionValue(0.25));
  CHECK(value("units") == study::OptionValue(std::vector<int64_t>{784, 300}));
  CHECK(value("rates") == study::OptionValue(std::string("off")));
  CHECK(value("tied") == study::OptionValue(true));
  CHECK(value("file") == study::OptionValue(std::string("12")));
}

TEST_CASE("A run finds its files from any folder when it is resumed") {
  CLI::App app("A program", "program");
  RunOptions options;
  std::string file;
  options.add_to(app);
  add_path(app, "--data", file, "", "FILE");
  const std::vector<std::string> given{"--data=there/x.csv", "--seed", "2"};
  REQUIRE(run_program(app, given, [] {}) == 0);
  const auto arguments = start_of({"program ...", given, {}}, options).arguments;
  CHECK(value_on_command_line(arguments, "--data") ==
        std::filesystem::absolute("there/x.csv").string());
  CHECK(value_on_command_line(arguments, "--seed") == "2");
}

/// Runs of repeats 0 to 1 and 2 to 3 of one study, and what is said of them after the run.json of
/// the second was changed.
std::string said_of_shards(const std::function<void(nlohmann::ordered_json&)>& change) {
  const TemporaryFolder folder;
  for (const auto* repeats : {"0:2", "2:4"}) {
    nlohmann::ordered_json run{{"program", "program"},
                               {"version", "1"},
                               {"arguments", {"--data", "/data.csv"}},
                               {"status", "finished"},
                               {"options", {{"repeats", repeats}, {"rate", 0.5}, {"data", "x"}}},
                               {"device", "cpu"},
                               {"engine_choices", {{"simd", "AVX2"}}},
                               {"libtorch", {{"version", "2"}}},
                               {"data_checksum", "0f"}};
    if (repeats[0] == '2') change(run);
    std::filesystem::create_directory(folder.path() / repeats);
    std::ofstream(folder.path() / repeats / "run.json") << run;
  }
  try {
    const auto shards =
        in_order({read_shard(folder.path() / "2:4"), read_shard(folder.path() / "0:2")});
    CHECK(shards[0].first == 0);
    CHECK(shards[1].end == 4);
    const auto run = joined_run(shards);
    CHECK(run["options"]["repeats"] == 4);
    CHECK(run["command"] == "program --data /data.csv --repeats 4");
    CHECK(run["shards"].size() == 2);
    return {};
  } catch (const report::Failure& failure) {
    CHECK_FALSE(failure.hint().empty());
    return failure.what();
  }
}

TEST_CASE("Shards that do not belong together are refused, and the difference is named") {
  const auto said = [](const char* key, const nlohmann::json& value) {
    return said_of_shards([&](auto& run) { run[nlohmann::json::json_pointer(key)] = value; });
  };
  using testing::contains;
  CHECK(said_of_shards([](auto&) {}).empty());
  for (const auto* key : {"/options/threads", "/options/out", "/options/quiet"})
    CHECK(said(key, 3).empty());
  CHECK(said("/options/data", "/data.csv").empty());  // one of them was resumed
  CHECK(contains(said("/arguments/1", "/other.csv"), "--data is /other.csv in"));
  CHECK(contains(said("/options/rate", 0.25), "--rate is 0.25 in"));
  CHECK(contains(said("/options/rate", 0.25), "but 0.5 in"));
  CHECK(contains(said("/options/units", 3), "--units is 3 in"));
  CHECK(contains(said("/program", "other"), "program is other in"));
  CHECK(contains(said("/version", "2"), "version is 2 in"));
  CHECK(contains(said("/data_checksum", "0e"), "data_checksum is 0e in"));
  CHECK(contains(said("/device", "cuda:0"), "device is cuda in"));
  CHECK(contains(said("/engine_choices/simd", "AVX3"), "engine_choices.simd is AVX3 in"));
  CHECK(contains(said("/libtorch/version", "1"), "libtorch.version is 1 in"));
  CHECK(contains(said("/status", "interrupted"), "its status is 'interrupted'"));
  CHECK(contains(said("/options/repeats", "1:4"), "repeat 1 is in '"));
  CHECK(contains(said("/options/repeats", "0:4"), "repeats 0 to 1 are in '"));
  CHECK(contains(said("/options/repeats", "3:4"), "repeat 2 is missing"));
  CHECK(contains(said("/options/repeats", "2:x"), "does not say which repeats"));
  CHECK(contains(said("/options/repeats", 1), "has one repeat"));
  CHECK(contains(said("/options", 1), "describes no run"));
  CHECK(contains(said("/arguments", 1), "describes no run"));
}

/// A run of some arms, as `--controls` and `--arms` choose them.
Shard shard_of(const std::string& folder, const std::string& repeats, const std::string& controls,
               const std::string& arms) {
  nlohmann::ordered_json run{
      {"program", "program"},
      {"arguments", {"--controls", controls}},
      {"options", {{"repeats", repeats}, {"controls", controls}, {"arms", arms}}}};
  const auto end = std::stoll(repeats.substr(2));
  return {folder, run, repeats[0] - '0', end};
}

/// The same with an option of its own.
Shard with_option(Shard shard, const std::string& name, int value) {
  shard.run["options"][name] = value;
  shard.run["arguments"].push_back("--" + name);
  shard.run["arguments"].push_back(std::to_string(value));
  return shard;
}

TEST_CASE("Shards of other arms may lack an option, but those that have it must agree") {
  const auto a = with_option(shard_of("a", "0:3", "A", ""), "rows", 10);
  const auto b = with_option(shard_of("b", "0:3", "B", ""), "epochs", 2);
  const auto c = shard_of("c", "0:3", "C", "");
  const auto run = joined_run(in_order({b, a, with_option(c, "rows", 10)}));
  CHECK(run["options"]["rows"] == 10);
  CHECK(run["options"]["epochs"] == 2);
  CHECK(run["command"] == "program --rows 10 --repeats 3 --controls A,B,C --epochs 2");
  CHECK_THROWS_AS(in_order({b, a, with_option(c, "rows", 11)}), report::Failure);
  CHECK_THROWS_AS(in_order({with_option(c, "epochs", 3), a, b}), report::Failure);
}

TEST_CASE("Shards may have some of the arms each") {
  const auto order = [](const std::vector<Shard>& shards) {
    std::string text;
    for (const auto& shard : in_order(shards)) text += shard.folder.string();
    return text;
  };
  const std::vector<Shard> parts{shard_of("a", "0:3", "C", ""), shard_of("b", "2:3", "B,A", ""),
                                 shard_of("c", "0:2", "A,B", "")};
  CHECK(order(parts) == "cba");
  const auto run = joined_run(in_order(parts));
  CHECK(run["options"]["controls"] == "A,B,C");
  CHECK(run["options"]["repeats"] == 3);
  CHECK(run["command"] == "program --repeats 3 --controls A,B,C");
  CHECK(order({shard_of("a", "0:3", "D", "y"), shard_of("b", "0:3", "D", "x,z")}) == "ba");

  const auto said = [&](const std::vector<Shard>& shards) -> std::string {
    try {
      order(shards);
      return {};
    } catch (const report::Failure& failure) {
      return failure.what();
    }
  };
  using testing::contains;
  CHECK(contains(said({parts[0], parts[1]}), "repeats 0 to 1 of --controls A,B are missing"));
  CHECK(contains(said({parts[0], parts[2]}), "repeat 2 of --controls A,B is missing"));
  CHECK(contains(said({parts[0], parts[0]}), "repeats 0 to 2 are in 'a' and in 'a'"));
  CHECK(contains(said({parts[0], shard_of("b", "0:3", "A,C", "")}),
                 "--controls C is in 'b' and in 'a'"));
  CHECK(contains(said({parts[0], shard_of("b", "0:3", "D", "x")}),
                 "some of these runs differ in --controls, and some in --arms"));
  CHECK(contains(said({shard_of("a", "0:3", "D", "x"), shard_of("b", "0:3", "D", "")}),
                 "the run in 'b' has all that --arms chooses from"));
}

}  // namespace
}  // namespace layerwise::apps
