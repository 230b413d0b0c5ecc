#include "index/index.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "layerwise/file.h"
#include "layerwise/report/failure.h"

#include "common/command_line.h"

namespace layerwise::apps {

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr size_t width = 80;

[[noreturn]] void fail(const std::string& what) {
  throw report::Failure(what, "name the folders of finished runs (--out of the programs)");
}

/// The JSON object in a file of a run.
json object_in(const fs::path& path) {
  std::string text;
  try {
    text = read_file(path);
  } catch (const FileError& error) {
    fail(error.what());
  }
  auto object = json::parse(text, nullptr, false);
  if (!object.is_object()) fail(fmt::format("'{}' is no JSON object", path.string()));
  return object;
}

/// What `read` gets from a file of a run.
/// @throws report::Failure if a value is missing or of another type
template <typename Read>
auto value_in(const fs::path& path, const Read& read) {
  try {
    return read(object_in(path));
  } catch (const json::exception&) {
    fail(fmt::format("'{}' lacks what a run writes into it", path.string()));
  }
}

bool begins_character(char byte) {
  return (static_cast<unsigned char>(byte) & 0xc0) != 0x80;  // of UTF-8
}

size_t length(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

/// A text of at most so many characters.
std::string shortened(std::string text, size_t most) {
  if (length(text) <= most) return text;
  while (length(text) > most - 3) {
    while (!begins_character(text.back())) text.pop_back();
    text.pop_back();
  }
  return text + "...";
}

}  // namespace

report::IndexEntry entry_of(const fs::path& folder, const fs::path& index) {
  report::IndexEntry entry;
  const auto [program, status] = value_in(folder / "run.json", [&](const json& run) {
    return std::pair(run.at("program").get<std::string>(), run.at("status").get<std::string>());
  });
  if (status != "finished") {
    entry.title = fmt::format("{} in {}: not finished", program, folder.string());
    entry.origin = fmt::format("{}; to go on: {}", status,
                               command_text({program, "--resume", folder.string()}));
    return entry;
  }
  return value_in(folder / "results.json", [&](const json& results) {
    entry.title = results.at("title").get<std::string>();
    const auto repeats = results.at("repeats").get<int64_t>();
    entry.origin = fmt::format("{}, seed {}, {} repeat{}", program,
                               results.at("seed").get<int64_t>(), repeats, repeats == 1 ? "" : "s");
    for (const auto& value : results.value("summary", json::array()))
      entry.values.push_back({value.at("what"), value.at("published"), value.at("here")});
    for (const auto& claim : results.value("verdicts", json::array()))
      entry.verdicts.push_back({claim.at("claim"), claim.at("verdict"), claim.at("evidence")});
    const auto page = folder / "report.html";
    if (!fs::exists(page)) fail(fmt::format("'{}' is missing", page.string()));
    const auto from = fs::absolute(index).parent_path();
    entry.link = fs::absolute(page).lexically_relative(from).generic_string();
    return entry;
  });
}

std::string summary_of(const std::vector<report::IndexEntry>& entries) {
  constexpr size_t most_values = 3;
  constexpr size_t widest = 24;  // of a published value, or of one of this run
  size_t published = length("published");
  size_t here = length("here");
  for (const auto& entry : entries) {
    for (size_t i = 0; i < std::min(entry.values.size(), most_values); ++i) {
      published = std::max(published, std::min(length(entry.values[i].published), widest));
      here = std::max(here, std::min(length(entry.values[i].here), widest));
    }
  }
  const auto line = [&](const report::ReproducedValue& value) {
    const auto what = width - published - here - 6;
    return fmt::format(" {:<{}}  {:>{}} | {:>{}}\n", shortened(value.what, what), what,
                       shortened(value.published, published), published,
                       shortened(value.here, here), here);
  };
  std::string text = line({"", "published", "here"});
  for (const auto& [title, link, origin, values, verdicts] : entries) {
    if (link.empty()) {
      text += shortened(title, width) + "\n";
      continue;
    }
    const auto shown = std::min(values.size(), most_values);
    const auto part = shown < values.size()
                          ? fmt::format(" (first {} of {} values)", shown, values.size())
                          : std::string();
    text += shortened(title, width - part.size()) + part + "\n";
    for (size_t i = 0; i < shown; ++i) text += line(values[i]);
    if (!verdicts.empty())
      text += shortened(" claims: " + report::verdict_counts(verdicts), width) + "\n";
  }
  return text;
}

}  // namespace layerwise::apps
