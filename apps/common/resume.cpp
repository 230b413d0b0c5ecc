#include "common/resume.h"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "layerwise/file.h"
#include "layerwise/report/failure.h"

namespace layerwise::apps {

namespace {

/// Each option with its value: `--epochs 3`, however it was written.
std::vector<std::string> pairs_of(const std::vector<std::string>& arguments) {
  std::vector<std::string> pairs;
  for (const auto& word : arguments) {
    const bool option = word.rfind("--", 0) == 0;
    const auto equals = word.find('=');
    if (option && equals != std::string::npos) {
      pairs.push_back(word.substr(0, equals) + " " + word.substr(equals + 1));
    } else if (option || pairs.empty()) {
      pairs.push_back(word);
    } else {
      pairs.back() += " " + word;
    }
  }
  return pairs;
}

/// The arguments that the run in a folder was started with.
std::vector<std::string> arguments_of(const std::filesystem::path& folder,
                                      const std::string& program) {
  const auto path = folder / "run.json";
  const auto hint = "name the folder of a run of this program with --resume";
  std::string text;
  try {
    text = read_file(path);
  } catch (const FileError& error) {
    throw report::Failure(error.what(), hint);
  }
  const auto json = nlohmann::json::parse(text, nullptr, false);
  const bool right = json.is_object() && json.contains("program") && json["program"] == program &&
                     json.contains("arguments");
  if (!right)
    throw report::Failure(fmt::format("'{}' describes no run of {}", path.string(), program), hint);
  try {
    return json["arguments"].get<std::vector<std::string>>();
  } catch (const nlohmann::json::exception&) {
    throw report::Failure(fmt::format("'{}' has no list of arguments", path.string()), hint);
  }
}

}  // namespace

CommandLine resumed(const CommandLine& given, const std::string& program) {
  const auto folder = value_on_command_line(given.arguments, "--resume");
  const auto asks = [&](const char* flag) {
    return std::find(given.arguments.begin(), given.arguments.end(), flag) != given.arguments.end();
  };
  if (!folder || asks("--help") || asks("-h") || asks("--version")) return given;
  if (folder->empty())
    throw UsageError("--resume: the name is empty", "name the folder of the run that is to go on");
  CommandLine command{given.text, arguments_of(*folder, program), *folder};
  auto& run = command.arguments;
  for (const auto* place : {"--out", "--resume"}) drop(run, place);
  std::erase_if(run, [](const std::string& word) {
    return word == "--force" || word == "--quiet" || word.rfind("--force=", 0) == 0 ||
           word.rfind("--quiet=", 0) == 0;
  });

  auto others = given.arguments;
  drop(others, "--resume");
  const bool quiet = std::erase(others, "--quiet") > 0;
  if (const auto out = value_on_command_line(others, "--out")) {
    std::error_code error;
    if (std::filesystem::equivalent(*out, *folder, error)) drop(others, "--out");
  }
  const auto had = pairs_of(run);
  for (const auto& pair : pairs_of(others)) {
    if (std::find(had.begin(), had.end(), pair) != had.end()) continue;
    throw UsageError(
        fmt::format("--resume with an option that the run did not have: {}", pair),
        fmt::format("the run's own options are taken from its run.json: {} --resume {}", program,
                    *folder));
  }
  if (quiet) run.emplace_back("--quiet");
  return command;
}

}  // namespace layerwise::apps
