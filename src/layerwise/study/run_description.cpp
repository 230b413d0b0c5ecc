#include "layerwise/study/run_description.h"

#include <algorithm>
#include <ctime>
#include <fstream>
#include <stdexcept>
#include <variant>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "layerwise/device.h"
#include "layerwise/engines/processor.h"
#include "layerwise/file.h"
#include "layerwise/report/failure.h"

namespace layerwise::study {

namespace {

using nlohmann::ordered_json;

constexpr auto data_key = "data_checksum";

std::string processor_name() {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

std::string now() {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
}

/// The engines of a run.json in words, separated by semicolons.
std::string engines_text(const ordered_json& engines) {
  std::string text;
  for (const auto& engine : engines) {
    const auto details = engine.value("details", "");
    text += fmt::format("{}{} ({}{}{})", text.empty() ? "" : "; ", engine.value("name", ""),
                        engine.value("reason", ""), details.empty() ? "" : "; ", details);
  }
  return text;
}

/// The run.json of the run in a folder; an empty object if the file is not a JSON object.
ordered_json description_of_run(const report::RunFolder& folder) {
  const auto json = ordered_json::parse(read_file(folder.file("run.json")), nullptr, false);
  return json.is_object() ? json : ordered_json::object();
}

}  // namespace

RunDescription::RunDescription(const Start& start, const c10::Device& device,
                               const report::RunFolder& folder, const std::string& data_checksum)
    : path_(folder.file("run.json")) {
  const auto build = build_info();
  json_ = {{"program", start.program},
           {"version", build.layerwise},
           {"command", start.command},
           {"arguments", start.arguments},
           {"status", "running"}};
  if (!start.resumed.empty()) keep_beginning();
  for (const auto& [name, value] : start.options)
    std::visit([&, key = name](const auto& typed) { json_["options"][key] = typed; }, value);
  json_["random_streams"] =
      "RandomState([seed, repeat, purpose]), purpose 0 initialization, 1 sample order, 2 "
      "subsets; "
      "noise by Philox4x32-10, key (seed, repeat), counter (element / 4, row, step, stage)";
  json_["device"] = device.str();
  const auto choices = processor_choices();
  json_["engine_choices"] = {{"simd", choices.simd}, {"fp32_products", choices.multiplier}};
  json_["libtorch"] = {{"version", build.libtorch},
                       {"blas", build.blas},
                       {"cpu_capability", build.cpu_capability},
                       {"cuda", build.cuda}};
  json_["processor"] = processor_name();
  if (!data_checksum.empty()) json_[data_key] = data_checksum;
  if (!json_.contains("started")) json_["started"] = now();
  write();
}

report::Origin RunDescription::origin(const Settings& settings) const {
  const auto& torch = json_["libtorch"];
  const auto& choices = json_["engine_choices"];
  report::Facts facts{
      {"program", json_.value("program", "")},
      {"layerwise", json_.value("version", "")},
      {"LibTorch", torch.value("version", "")},
      {"BLAS", torch.value("blas", "")},
      {"CUDA", torch.value("cuda", "")},
      {"seed", fmt::format("{}", settings.seed)},
      {"repeats",
       settings.first_repeat == 0
           ? fmt::format("{}", settings.repeats)
           : fmt::format("{}, from number {} on", settings.repeats, settings.first_repeat)},
      {"threads inside an operation", fmt::format("{}", settings.math_threads)},
      {"device", json_.value("device", "")},
      {"processor", fmt::format("{}; LibTorch uses {}", json_.value("processor", ""),
                                torch.value("cpu_capability", ""))},
      {"engines", engines_text(json_.value("engines", ordered_json::array()))},
      {"engine choices", fmt::format("{}, float32 products by {}", choices.value("simd", ""),
                                     choices.value("fp32_products", ""))},
      {"data checksum", json_.value(data_key, "")},
      {"started", json_.value("started", "")}};
  facts.erase(std::remove_if(facts.begin(), facts.end(),
                             [](const auto& fact) { return fact.second.empty(); }),
              facts.end());
  return {json_.value("command", ""), facts};
}

void RunDescription::end(const std::string& status) {
  json_["status"] = status;
  json_["ended"] = now();
  write();
}

void RunDescription::try_to_end(const std::string& status) noexcept {
  try {
    end(status);
  } catch (...) {
  }
}

void RunDescription::note(const char* key, const ordered_json& value) {
  auto& known = json_[key];
  if (std::find(known.begin(), known.end(), value) != known.end()) return;
  known.push_back(value);
  write();
}

void RunDescription::note_engine(const EngineUse& use) {
  note("engines", {{"name", use.name}, {"reason", use.reason}, {"details", use.details}});
}

void RunDescription::note_features(const std::string& kept) {
  note("features", kept);
}

void RunDescription::add_results(const Results& results) {
  for (const auto trouble : {Trouble::diverged, Trouble::collapsed}) {
    const auto has_it = [&](const RepeatOutcomes& repeat) {
      return std::find(repeat.troubles.begin(), repeat.troubles.end(), trouble) !=
             repeat.troubles.end();
    };
    json_["repeats_with_trouble"][name_of(trouble)] =
        std::count_if(results.repeats.begin(), results.repeats.end(), has_it);
  }
}

void RunDescription::keep_beginning() {
  const auto before = ordered_json::parse(read_file(path_), nullptr, false);
  if (!before.is_object()) return;
  for (const auto* key : {"command", "started", "engines", "features", "shards"}) {
    if (before.contains(key)) json_[key] = before[key];
  }
  json_[before.value("status", "") == "joined" ? "joined" : "resumed"] = now();
}
void RunDescription::write() const {  // A folder's name may be no UTF-8.
  report::write_run_file(path_,
                         json_.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n");
}

void require_same_data(const report::RunFolder& folder, const std::string& checksum) {
  const auto had = description_of_run(folder).value(data_key, checksum);
  if (had == checksum) return;
  throw report::Failure(
      fmt::format("the run in '{}' learned from other data: {} is {}, expected {}",
                  folder.path().string(), data_key, checksum, had),
      "give it the data that it had, or start anew in another folder (out)");
}

void take_engine_choices(const report::RunFolder& folder) {
  const auto had = description_of_run(folder).value("engine_choices", ordered_json::object());
  const auto here = processor_choices();
  try {
    set_processor_choices(
        {had.value("simd", here.simd), had.value("fp32_products", here.multiplier)});
  } catch (const std::invalid_argument& error) {
    throw report::Failure(fmt::format("the run in '{}' cannot go on here with the same bits: {}",
                                      folder.path().string(), error.what()),
                          "go on where it began, or start anew in another folder (out)");
  }
}

}  // namespace layerwise::study
