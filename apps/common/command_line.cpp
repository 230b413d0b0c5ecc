#include "common/command_line.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <variant>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "layerwise/device.h"
#include "layerwise/file.h"
#include "layerwise/report/failure.h"

namespace layerwise::apps {

namespace {

/// Each option with its value, always as `--epochs 3`.
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

/// The pair with its value as the absolute path that a run keeps of a file.
std::string with_absolute_path(const std::string& pair) {
  const auto space = pair.find(' ');
  if (space == std::string::npos || space + 1 == pair.size()) return pair;
  const auto path = std::filesystem::absolute(pair.substr(space + 1));
  return pair.substr(0, space + 1) + path.string();
}

/// The run.json of the run of a program in a folder.
nlohmann::json description_of(const std::filesystem::path& folder, const std::string& program) {
  const auto path = folder / "run.json";
  const auto hint = "name the folder of a run of this program with --resume";
  std::string text;
  try {
    text = read_file(path);
  } catch (const FileError& error) {
    throw report::Failure(error.what(), hint);
  }
  auto json = nlohmann::json::parse(text, nullptr, false);
  const bool right = json.is_object() && json.contains("program") && json["program"] == program &&
                     json.contains("arguments");
  if (!right)
    throw report::Failure(fmt::format("'{}' describes no run of {}", path.string(), program), hint);
  const auto& arguments = json["arguments"];
  if (!arguments.is_array() || !std::all_of(arguments.begin(), arguments.end(),
                                            [](const auto& word) { return word.is_string(); }))
    throw report::Failure(fmt::format("'{}' has no list of arguments", path.string()), hint);
  return json;
}

/// A value without the quotes of JSON.
std::string plain_text(const nlohmann::json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

}  // namespace

void drop_option(std::vector<std::string>& arguments, const std::string& name) {
  for (size_t i = 0; i < arguments.size();) {
    const bool apart = arguments[i] == name;
    if (!apart && arguments[i].rfind(name + "=", 0) != 0) {
      ++i;
      continue;
    }
    const auto first = arguments.begin() + static_cast<std::ptrdiff_t>(i);
    arguments.erase(first, first + (apart && i + 1 < arguments.size() ? 2 : 1));
  }
}

void set_option(std::vector<std::string>& arguments, const std::string& name,
                const std::string& value) {
  drop_option(arguments, name);
  arguments.push_back(name);
  arguments.push_back(value);
}

void drop_place(std::vector<std::string>& arguments) {
  for (const auto* place : {"--out", "--resume"}) drop_option(arguments, place);
  std::erase_if(arguments, [](const std::string& word) {
    return word == "--force" || word == "--quiet" || word.rfind("--force=", 0) == 0 ||
           word.rfind("--quiet=", 0) == 0;
  });
}

std::string command_text(const std::vector<std::string>& words) {
  const auto quoted = [](const std::string& word) {
    const auto plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
    if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
    std::string result = "'";
    for (const char c : word) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return result + "'";
  };
  std::vector<std::string> all;
  for (const auto& word : words) all.push_back(quoted(word));
  return fmt::format("{}", fmt::join(all, " "));
}

CommandLine command_line(int argc, char** argv) {
  return {command_text({argv, argv + argc}), {argv + 1, argv + argc}, {}};
}

std::optional<std::string> value_on_command_line(const std::vector<std::string>& arguments,
                                                 const std::string& name) {
  std::optional<std::string> value;
  for (size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == name && i + 1 < arguments.size()) value = arguments[i + 1];
    if (arguments[i].rfind(name + "=", 0) == 0) value = arguments[i].substr(name.size() + 1);
  }
  return value;
}

bool flag_on_command_line(const std::vector<std::string>& arguments, const std::string& name) {
  return std::any_of(arguments.begin(), arguments.end(), [&](const std::string& word) {
    return word == name || word == name + "=true";
  });
}

CommandLine resumed(const CommandLine& given, const std::string& program) {
  const auto folder = value_on_command_line(given.arguments, "--resume");
  const auto asks = [&](const char* flag) {
    return std::find(given.arguments.begin(), given.arguments.end(), flag) != given.arguments.end();
  };
  if (!folder || asks("--help") || asks("-h") || asks("--version")) return given;
  if (folder->empty())
    throw UsageError("--resume: the name is empty", "name the folder of the run that is to go on");
  CommandLine command{given.text, description_of(*folder, program)["arguments"], *folder};
  auto& run = command.arguments;
  drop_place(run);

  auto others = given.arguments;
  drop_option(others, "--resume");
  const bool quiet = std::erase(others, "--quiet") > 0;
  if (const auto out = value_on_command_line(others, "--out")) {
    std::error_code error;
    if (std::filesystem::equivalent(*out, *folder, error)) drop_option(others, "--out");
  }
  const auto had = pairs_of(run);
  for (const auto& pair : pairs_of(others)) {
    const auto has = [&](const std::string& one) {
      return std::find(had.begin(), had.end(), one) != had.end();
    };
    if (has(pair) || has(with_absolute_path(pair))) continue;
    throw UsageError(
        fmt::format("--resume with an option that the run did not have: {}", pair),
        fmt::format("the run's own options are taken from its run.json: {} --resume {}", program,
                    *folder));
  }
  if (quiet) run.emplace_back("--quiet");
  return command;
}

void require_same_defaults(const CLI::App& app, const std::string& folder) {
  const auto run = description_of(folder, app.get_name());
  const auto had = run.value("options", nlohmann::json::object());
  // What the machine decides, and what a run that goes on is told anew.
  static const std::set<std::string> others{"threads", "out", "force", "quiet"};
  for (const auto& [name, value] : all_options(app)) {
    const bool given = app.get_option("--" + name)->count() > 0;
    if (given || others.count(name) > 0 || !had.contains(name)) continue;
    const auto now = std::visit([](const auto& typed) { return nlohmann::json(typed); }, value);
    if (had[name] == now) continue;
    throw report::Failure(
        fmt::format("the run in '{}' has --{} {}, by default then; by default now it is {}", folder,
                    name, plain_text(had[name]), plain_text(now)),
        fmt::format("go on with the program that began it (layerwise {}), or start anew in another "
                    "folder (--out)",
                    plain_text(run.value("version", nlohmann::json("?")))));
  }
}

study::Start start_of(const CommandLine& command, const RunOptions& options,
                      const std::vector<std::string>& without_effect) {
  const auto& app = options.app();
  auto arguments = command.arguments;
  for (const auto* option : app.get_options()) {
    const auto name = option->get_name();
    if (option->get_type_name() == type::path && option->count() > 0)
      set_option(arguments, name, std::filesystem::absolute(option->results().back()).string());
  }
  set_option(arguments, "--device", find_device(options.device_for_repeats()).str());
  if (value_on_command_line(arguments, "--config")) {  // what it said then, whatever it says later
    drop_option(arguments, "--config");
    for (const auto* option : app.get_options()) {
      const auto name = option->get_name();
      const bool given = std::any_of(arguments.begin(), arguments.end(), [&](const auto& word) {
        return word == name || word.rfind(name + "=", 0) == 0;
      });
      if (option->count() > 0 && option->get_configurable() && !given)
        arguments.push_back(name + "=" + fmt::format("{}", fmt::join(option->results(), ",")));
    }
  }
  auto recorded = all_options(app);
  std::erase_if(recorded, [&](const auto& option) {
    return std::find(without_effect.begin(), without_effect.end(), "--" + option.first) !=
           without_effect.end();
  });
  return {app.get_name(), command.text, arguments, command.resumed, app.get_name() + " --resume",
          recorded};
}

}  // namespace layerwise::apps
