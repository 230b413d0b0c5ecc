#include "layerwise/train/choose_engine.h"

#include <array>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "layerwise/train/autograd_engine.h"
#include "layerwise/train/dense_engine.h"
#include "layerwise/train/dense_stage.h"
#include "layerwise/train/tiny_engine.h"

namespace layerwise {

namespace {

constexpr std::array<std::pair<EngineKind, const char*>, 4> engines{
    {{EngineKind::automatic, "auto"},
     {EngineKind::autograd, "autograd"},
     {EngineKind::dense, "dense"},
     {EngineKind::tiny, "tiny"}}};
constexpr std::array<std::pair<Precision, const char*>, 2> precisions{
    {{Precision::fp32, "fp32"}, {Precision::bf16, "bf16"}}};

template <typename Names>
std::vector<std::string> all_of(const Names& names) {
  std::vector<std::string> all;
  for (const auto& [_, name] : names) all.emplace_back(name);
  return all;
}

template <typename Names>
auto named(const Names& names, const char* what, const std::string& wanted) {
  for (const auto& [value, name] : names) {
    if (wanted == name) return value;
  }
  throw std::invalid_argument(
      fmt::format("{} '{}' is none of {}", what, wanted, fmt::join(all_of(names), ", ")));
}

template <typename Names, typename Value>
const char* name_in(const Names& names, Value wanted) {
  for (const auto& [value, name] : names) {
    if (value == wanted) return name;
  }
  return "unknown";
}

/// An engine that says why it was taken.
template <typename Chosen>
class Explained : public Chosen {
 public:
  template <typename... Arguments>
  explicit Explained(std::string reason, Arguments&&... arguments)
      : Chosen(std::forward<Arguments>(arguments)...) {
    this->use_.reason = std::move(reason);
  }
};

}  // namespace

EngineKind engine_named(const std::string& name) {
  return named(engines, "engine", name);
}
std::vector<std::string> engine_names() {
  return all_of(engines);
}
const char* name_of(EngineKind kind) {
  return name_in(engines, kind);
}
Precision precision_named(const std::string& name) {
  return named(precisions, "precision", name);
}
std::vector<std::string> precision_names() {
  return all_of(precisions);
}
const char* name_of(Precision precision) {
  return name_in(precisions, precision);
}

std::unique_ptr<Engine> make_engine(const StageView& view, const Problem& problem,
                                    const Split& data, const FitOptions& options) {
  const bool bf16 = options.engine.precision == Precision::bf16;
  switch (options.engine.kind) {
    case EngineKind::tiny:
      return std::make_unique<TinyEngine>(view, problem, data, options);
    case EngineKind::dense:
      return std::make_unique<DenseEngine>(view, problem, data, options);
    case EngineKind::autograd:
      if (bf16)
        throw EngineUnavailable("the autograd engine cannot do this: it computes in fp32 only");
      return std::make_unique<AutogradEngine>(view, problem, data, options);
    case EngineKind::automatic:
      break;
  }
  const auto not_tiny =
      bf16 ? "it computes in fp32 only" : fault_of_tiny(view, problem, data, options);
  if (not_tiny.empty()) {
    return std::make_unique<Explained<TinyEngine>>(
        fmt::format("dense layers of at most {} units, on the CPU", tiny_engine_width), view,
        problem, data, options);
  }
  const auto not_dense = fault_of_dense(view, problem, data, options);
  if (not_dense.empty()) {
    return std::make_unique<Explained<DenseEngine>>(
        fmt::format("dense layers; not tiny: {}", not_tiny), view, problem, data, options);
  }
  if (bf16) throw EngineUnavailable("no engine can do this in bf16: " + not_dense);
  return std::make_unique<Explained<AutogradEngine>>(
      fmt::format("not tiny or dense: {}", not_dense), view, problem, data, options);
}

}  // namespace layerwise
