#include "layerwise/engines/engines.h"

#include <algorithm>
#include <iterator>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "layerwise/engines/autograd_engine.h"
#include "layerwise/engines/dense_engine.h"
#include "layerwise/engines/dense_stage.h"
#include "layerwise/engines/tiny_engine.h"
#include "layerwise/train/check_stage.h"

namespace layerwise {

namespace {

struct Entry {
  EngineKind kind;
  const char* name;
  /// The kind of stage that this engine is made for; empty if it is made for all.
  std::string merit;
  /// The reason why it cannot run a stage; empty if it can.
  std::string (*why_not)(const StageView&, const Problem&, const Split&, const FitOptions&);
  std::unique_ptr<Engine> (*make)(const StageView&, const Problem&, const Split&,
                                  const FitOptions&);
};

template <typename Kind>
std::unique_ptr<Engine> make(const StageView& view, const Problem& problem, const Split& data,
                             const FitOptions& options) {
  return std::make_unique<Kind>(view, problem, data, options);
}

/// All engines, the fastest first.
const std::vector<Entry>& engines() {
  static const std::vector<Entry> all{
      {EngineKind::tiny, "tiny",
       fmt::format("dense layers of at most {} units, on the CPU", tiny_engine_width), why_not_tiny,
       make<TinyEngine>},
      {EngineKind::dense, "dense", "dense layers", why_not_dense, make<DenseEngine>},
      {EngineKind::autograd, "autograd", "", why_not_autograd, make<AutogradEngine>}};
  return all;
}

constexpr auto automatic_name = "auto";

/// The reason why an engine was chosen.
/// @param passed_over engines that are faster
/// @param fault the reason why the last of those cannot run the stage
std::string reason_for(const Entry& entry, const std::vector<std::string>& passed_over,
                       const std::string& fault) {
  if (passed_over.empty()) return entry.merit;
  return fmt::format("{}{}not {}: {}", entry.merit, entry.merit.empty() ? "" : "; ",
                     fmt::join(passed_over, " or "), fault);
}

}  // namespace

std::vector<std::string> engine_names() {
  std::vector<std::string> names{automatic_name};
  std::transform(engines().rbegin(), engines().rend(), std::back_inserter(names),
                 [](const Entry& entry) { return entry.name; });
  return names;
}

EngineKind engine_named(const std::string& name) {
  if (name == automatic_name) return EngineKind::automatic;
  for (const auto& entry : engines()) {
    if (name == entry.name) return entry.kind;
  }
  throw std::invalid_argument(
      fmt::format("engine '{}' is none of {}", name, fmt::join(engine_names(), ", ")));
}

const char* name_of(EngineKind kind) {
  for (const auto& entry : engines()) {
    if (kind == entry.kind) return entry.name;
  }
  return automatic_name;
}

std::unique_ptr<Engine> make_engine(const StageView& view, const Problem& problem,
                                    const Split& data, const FitOptions& options) {
  check_stage(view, problem, data);
  if (options.make_engine) return options.make_engine(view, problem, data, options);
  if (problem.objective.terms.empty()) {
    throw std::invalid_argument(
        "the objective has no loss, so that FitOptions::make_engine must name its engine");
  }
  const auto kind = options.engine.kind;
  std::vector<std::string> passed_over;
  std::vector<std::string> faults;
  for (const auto& entry : engines()) {
    if (kind != EngineKind::automatic && kind != entry.kind) continue;
    const auto fault = entry.why_not(view, problem, data, options);
    if (fault.empty()) {
      auto engine = entry.make(view, problem, data, options);
      engine->explain(entry.name, kind == EngineKind::automatic
                                      ? reason_for(entry, passed_over,
                                                   faults.empty() ? std::string() : faults.back())
                                      : std::string());
      return engine;
    }
    if (kind == entry.kind)
      throw EngineUnavailable(fmt::format("the {} engine cannot do this: {}", entry.name, fault));
    passed_over.emplace_back(entry.name);
    faults.push_back(fault);
  }
  std::string all;
  for (size_t i = 0; i < faults.size(); ++i)
    all += fmt::format("{}{}: {}", i == 0 ? "" : "; ", passed_over[i], faults[i]);
  throw EngineUnavailable("no engine can do this: " + all);
}

}  // namespace layerwise
