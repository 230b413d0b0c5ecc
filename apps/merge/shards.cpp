#include "merge/shards.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <map>
#include <set>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "layerwise/file.h"
#include "layerwise/report/failure.h"
#include "layerwise/report/run_folder.h"
#include "layerwise/study/recorder.h"
#include "layerwise/study/rows.h"

#include "common/command_line.h"

namespace layerwise::apps {

namespace fs = std::filesystem;

namespace {

using nlohmann::ordered_json;
using report::Failure;

constexpr auto name_runs = "name folders of finished runs of one program";
constexpr auto run_alike = "join runs that differ in --repeats, or in which arms they have";

/// The learning rates that were tried for each arm, by every shard that has it.
constexpr auto trials_file = "rates.csv";

/// The options that choose arms, of which a shard may have some: of the studies that have them.
constexpr std::array<const char*, 2> choosing_options{"controls", "arms"};

/// The tables with rows of repeats, and their first lines.
constexpr std::array<std::pair<const char*, const char*>, 3> tables{
    {{"metrics.csv", study::metrics_header},
     {"curves.csv", study::curves_header},
     {"troubles.csv", study::troubles_header}}};

std::string text_of(const ordered_json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump();
}

bool is_list_of_texts(const ordered_json& value) {
  return value.is_array() && std::all_of(value.begin(), value.end(),
                                         [](const ordered_json& item) { return item.is_string(); });
}

/// The repeats of a run: 20 for 0:20, or 5:10.
std::pair<int64_t, int64_t> repeats_of(const ordered_json& options) {
  const auto value = options.value("repeats", ordered_json());
  if (value.is_number_integer()) return {0, value.get<int64_t>()};
  const auto text = value.is_string() ? value.get<std::string>() : std::string();
  const auto* last = text.data() + text.size();
  int64_t first = 0;
  int64_t end = 0;
  const auto colon = std::from_chars(text.data(), last, first).ptr;
  if (colon != last) std::from_chars(colon + 1, last, end);
  return {first, end};
}

std::string repeats_text(int64_t first, int64_t end) {
  return end - first == 1 ? fmt::format("repeat {}", first)
                          : fmt::format("repeats {} to {}", first, end - 1);
}

/// What all shards of a study have in common, by name.
std::map<std::string, std::string> identity_of(const Shard& shard) {
  static const std::set<std::string> may_differ{
      "repeats", "threads", "out", "quiet", "force", "export-data", "device", "controls", "arms"};
  std::map<std::string, std::string> identity;
  for (const auto* key : {"program", "version", "data_checksum"})
    identity[key] = text_of(shard.run.value(key, ordered_json("none")));
  for (const auto* key : {"engine_choices", "libtorch"}) {
    const auto part = shard.run.value(key, ordered_json::object());
    for (const auto& [name, value] : part.items())
      identity[fmt::format("{}.{}", key, name)] = text_of(value);
  }
  const auto device = shard.run.value("device", std::string());
  identity["device"] = device.substr(0, device.find(':'));
  const auto arguments = shard.run["arguments"].get<std::vector<std::string>>();
  for (const auto& [name, value] : shard.run["options"].items()) {
    if (may_differ.count(name) > 0) continue;
    const auto option = "--" + name;
    const auto given = value_on_command_line(arguments, option);  // where paths are absolute
    identity[option] = given && value.is_string() ? *given : text_of(value);
  }
  return identity;
}

/// The names that an option of a run lists, in alphabetical order.
std::vector<std::string> names_in(const Shard& shard, const std::string& option) {
  const auto value = shard.run["options"].value(option, ordered_json(""));
  if (!value.is_string() || value == "") return {};
  auto names = study::cut_at_commas(value.get<std::string>());
  std::sort(names.begin(), names.end());
  return names;
}

/// Which arms a run has, as its options say it.
std::vector<std::vector<std::string>> choice_of(const Shard& shard) {
  std::vector<std::vector<std::string>> choice;
  for (const auto* option : choosing_options) choice.push_back(names_in(shard, option));
  return choice;
}

/// @throws Failure if two shards differ. An option that one of them lacks has no effect on its
/// arms.
void require_alike(const Shard& one, const Shard& other) {
  auto here = identity_of(one);
  auto there = identity_of(other);
  const auto add_missing = [&](auto& to, const auto& from) {
    const bool other_arms = choice_of(one) != choice_of(other);
    for (const auto& [name, value] : from)
      to.try_emplace(name, other_arms && name.rfind("--", 0) == 0 ? value : "not there");
  };
  add_missing(here, there);
  add_missing(there, here);
  for (const auto& [name, value] : here) {
    if (there[name] == value) continue;
    throw Failure(fmt::format("{} is {} in '{}', but {} in '{}'", name, value, one.folder.string(),
                              there[name], other.folder.string()),
                  run_alike);
  }
}

/// Compares the first shard of each choice of arms with all others.
void require_all_alike(const std::vector<Shard>& shards) {
  std::map<std::vector<std::vector<std::string>>, const Shard*> firsts;
  for (const auto& shard : shards) {
    firsts.try_emplace(choice_of(shard), &shard);
    for (const auto& [choice, first] : firsts) require_alike(*first, shard);
  }
}

/// The option in which shards with different arms differ; null if all have the same.
/// @throws Failure if they differ in more than one, or have arms in common
const char* option_between(const std::vector<Shard>& shards) {
  const char* between = nullptr;
  for (const auto* option : choosing_options) {
    std::map<std::string, const Shard*> owners;
    const auto& front = shards.front();
    const auto other = std::find_if(shards.begin(), shards.end(), [&](const Shard& shard) {
      return names_in(shard, option) != names_in(front, option);
    });
    if (other == shards.end()) continue;
    if (between != nullptr) {
      throw Failure(
          fmt::format("some of these runs differ in --{}, and some in --{}", between, option),
          "join runs that differ in one of them");
    }
    between = option;
    for (const auto& shard : shards) {
      const auto names = names_in(shard, option);
      if (names.empty()) {
        throw Failure(fmt::format("the run in '{}' has all that --{} chooses from",
                                  shard.folder.string(), option),
                      "name shards that have some each");
      }
      for (const auto& name : names) {
        const auto* owner = owners.try_emplace(name, &shard).first->second;
        if (names_in(*owner, option) == names) continue;
        throw Failure(
            fmt::format("--{} {} is in '{}' and in '{}'", option, name, owner->folder.string(),
                        shard.folder.string()),
            fmt::format("name shards without a common one, or with the same --{}", option));
      }
    }
  }
  return between;
}

bool same_content(const fs::path& one, const fs::path& other) {
  return fs::file_size(one) == fs::file_size(other) && read_file(one) == read_file(other);
}

/// What the shards list together.
std::vector<std::string> names_in_all(const std::vector<Shard>& shards, const std::string& option) {
  std::set<std::string> all;
  for (const auto& shard : shards) {
    const auto names = names_in(shard, option);
    all.insert(names.begin(), names.end());
  }
  return {all.begin(), all.end()};
}

std::string_view text_of_row(const study::Fields& row) {
  const auto* begin = row.front().data();
  return {begin, static_cast<size_t>(row.back().data() + row.back().size() - begin)};
}

/// Joins the rows of a table. The program that goes on with them puts them in order.
void join_tables(const std::vector<fs::path>& sources, const char* header, const fs::path& target,
                 const std::function<void(size_t source, const study::Fields&)>& check) {
  report::write_run_file(target, [&](const auto& add) {
    add(fmt::format("{}\n", header));
    for (size_t i = 0; i < sources.size(); ++i) {
      study::for_each_row(sources[i], header, study::LastRow::whole, [&](const study::Fields& row) {
        check(i, row);
        add(text_of_row(row));
        add("\n");
      });
    }
  });
}

/// @throws Failure if a row of `source` has none of the repeats of `shard`
void check_repeat(const study::Fields& row, const fs::path& source, const Shard& shard) {
  int64_t repeat = -1;
  std::from_chars(row[0].data(), row[0].data() + row[0].size(), repeat);
  if (repeat >= shard.first && repeat < shard.end) return;
  throw Failure(fmt::format("'{}' has a row of repeat '{}', and its run {}", source.string(),
                            row[0], repeats_text(shard.first, shard.end)),
                "run that shard again");
}

/// One more than the last repeat of a study.
int64_t end_of(const std::vector<Shard>& shards) {
  return std::max_element(shards.begin(), shards.end(),
                          [](const Shard& a, const Shard& b) { return a.end < b.end; })
      ->end;
}

/// @param shards those with the same arms, in the order of their repeats
/// @param arms what to say of which arms these are
/// @throws Failure naming the repeats that are missing or there twice
void require_every_repeat(const std::vector<Shard>& shards, int64_t all, const std::string& arms) {
  const auto require_none_between = [&](int64_t next, int64_t first) {
    if (first <= next) return;
    throw Failure(fmt::format("{}{} {} missing", repeats_text(next, first), arms,
                              first - next == 1 ? "is" : "are"),
                  fmt::format("run it with --repeats {}:{}, and name its folder too", next, first));
  };
  int64_t next = 0;
  for (size_t i = 0; i < shards.size(); ++i) {
    const auto& [folder, run, first, end] = shards[i];
    if (first < next) {
      throw Failure(
          fmt::format("{} {} in '{}' and in '{}'", repeats_text(first, std::min(next, end)),
                      std::min(next, end) - first == 1 ? "is" : "are",
                      shards[i - 1].folder.string(), folder.string()),
          "name shards without a common repeat");
    }
    require_none_between(next, first);
    next = end;
  }
  require_none_between(next, all);
}

}  // namespace

Shard read_shard(const fs::path& folder) {
  ordered_json run;
  try {
    run = ordered_json::parse(read_file(folder / "run.json"), nullptr, false);
  } catch (const FileError& error) {
    throw Failure(error.what(), name_runs);
  }
  const bool described = run.is_object() && run.contains("program") && run["program"].is_string() &&
                         run.contains("options") && run["options"].is_object() &&
                         run.contains("arguments") && is_list_of_texts(run["arguments"]);
  if (!described)
    throw Failure(fmt::format("'{}' describes no run", (folder / "run.json").string()), name_runs);
  const auto program = run["program"].get<std::string>();
  const auto status = run.value("status", std::string("unknown"));
  if (status != "finished") {
    throw Failure(
        fmt::format("the run in '{}' is not finished: its status is '{}'", folder.string(), status),
        fmt::format("go on with it: {} --resume {}", program, folder.string()));
  }
  const auto [first, end] = repeats_of(run["options"]);
  if (first < 0 || end <= first) {
    throw Failure(
        fmt::format("'{}' does not say which repeats it has", (folder / "run.json").string()),
        name_runs);
  }
  const bool shard = run["options"]["repeats"].is_string();
  if (!shard && (end == 1 || study::holds_mean_curves(folder))) {
    throw Failure(fmt::format("the run in '{}' is a study of its own, which {}", folder.string(),
                              end == 1 ? "has one repeat" : "keeps means of its curves alone"),
                  fmt::format("run it as a part: --repeats 0:{}", end));
  }
  return {folder, std::move(run), first, end};
}

std::vector<Shard> in_order(std::vector<Shard> shards) {
  require_all_alike(shards);
  std::stable_sort(shards.begin(), shards.end(), [](const Shard& a, const Shard& b) {
    return std::pair(choice_of(a), a.first) < std::pair(choice_of(b), b.first);
  });
  const auto* option = option_between(shards);
  const auto end = end_of(shards);
  for (auto part = shards.begin(); part != shards.end();) {
    const auto next = std::find_if(part, shards.end(), [&](const Shard& shard) {
      return choice_of(shard) != choice_of(*part);
    });
    const auto arms = option == nullptr ? std::string()
                                        : fmt::format(" of --{} {}", option,
                                                      fmt::join(names_in(*part, option), ","));
    require_every_repeat({part, next}, end, arms);
    part = next;
  }
  return shards;
}

std::vector<JoinedFile> files_of(const std::vector<Shard>& shards) {
  std::vector<JoinedFile> files;
  for (const auto& [name, header] : tables) {
    files.push_back({name, {}});
    for (const auto& shard : shards) files.back().sources.push_back(shard.folder / name);
  }
  struct Source {
    const Shard* shard;
    fs::path path;
  };
  std::map<std::string, std::vector<Source>> others;
  for (const auto& shard : shards) {
    for (const auto& entry : fs::directory_iterator(shard.folder)) {
      const auto name = entry.path().filename().string();
      const auto ending = entry.path().extension();
      const bool table = std::any_of(tables.begin(), tables.end(),
                                     [&](const auto& known) { return name == known.first; });
      if (table || (ending != ".csv" && ending != ".safetensors")) continue;
      auto& sources = others[name];
      const auto there = std::find_if(sources.begin(), sources.end(), [&](const Source& source) {
        return name != trials_file || choice_of(*source.shard) == choice_of(shard);
      });
      if (there == sources.end()) {
        sources.push_back({&shard, entry.path()});
      } else if (!same_content(there->path, entry.path())) {
        throw Failure(
            fmt::format("'{}' and '{}' differ", there->path.string(), entry.path().string()),
            "run these shards again, on one kind of processor");
      }
    }
  }
  for (const auto& [name, sources] : others) {
    files.push_back({name, {}});
    for (const auto& source : sources) files.back().sources.push_back(source.path);
  }
  return files;
}

void write_joined(const JoinedFile& file, const std::vector<Shard>& shards,
                  const fs::path& folder) {
  const auto target = folder / file.name;
  for (const auto& [name, header] : tables) {
    if (file.name != name) continue;
    return join_tables(file.sources, header, target, [&](size_t i, const study::Fields& row) {
      check_repeat(row, file.sources[i], shards[i]);
    });
  }
  if (file.sources.size() > 1)
    return join_tables(file.sources, study::rates_header, target, [](auto, const auto&) {});
  std::error_code error;
  fs::copy_file(file.sources.front(), target, error);
  if (!error) return;
  throw Failure(fmt::format("cannot write '{}': {}", target.string(), error.message()),
                "free some space, or choose another place (out)");
}

ordered_json joined_run(const std::vector<Shard>& shards) {
  auto run = shards.front().run;
  const auto count = end_of(shards);
  auto arguments = run["arguments"].get<std::vector<std::string>>();
  drop_place(arguments);
  drop_option(arguments, "--threads");
  set_option(arguments, "--repeats", fmt::format("{}", count));
  if (const auto* option = option_between(shards)) {
    const auto names = fmt::format("{}", fmt::join(names_in_all(shards, option), ","));
    set_option(arguments, fmt::format("--{}", option), names);
    run["options"][option] = names;
  }
  for (const auto& shard : shards) {
    const auto its = shard.run["arguments"].get<std::vector<std::string>>();
    for (const auto& [name, value] : shard.run["options"].items()) {
      if (run["options"].contains(name)) continue;
      run["options"][name] = value;
      const auto option = "--" + name;
      if (const auto given = value_on_command_line(its, option))
        set_option(arguments, option, *given);
    }
  }
  auto words = arguments;
  words.insert(words.begin(), run["program"].get<std::string>());
  run["command"] = command_text(words);
  run["arguments"] = arguments;
  run["status"] = "joined";
  run["options"]["repeats"] = count;
  for (const auto* key : {"ended", "resumed", "repeats_with_trouble"}) run.erase(key);
  for (const auto& shard : shards) {
    const auto started = shard.run.value("started", std::string());
    run["started"] = std::min(run.value("started", started), started);
    for (const auto& engine : shard.run.value("engines", ordered_json::array())) {
      auto& known = run["engines"];
      if (std::find(known.begin(), known.end(), engine) == known.end()) known.push_back(engine);
    }
    ordered_json part;
    for (const auto* key : {"command", "processor", "started", "ended"})
      if (shard.run.contains(key)) part[key] = shard.run[key];
    run["shards"].push_back(part);
  }
  return run;
}

}  // namespace layerwise::apps
