#include "layerwise/train/choose_engine.h"

#include <array>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "layerwise/names.h"
#include "layerwise/train/autograd_engine.h"
#include "layerwise/train/check_stage.h"
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

std::unique_ptr<Engine> explained(std::unique_ptr<Engine> engine, const std::string& reason) {
  engine->explain(reason);
  return engine;
}

}  // namespace

EngineKind engine_named(const std::string& name) {
  return names::value(engines, "engine", name);
}
std::vector<std::string> engine_names() {
  return names::all(engines);
}
const char* name_of(EngineKind kind) {
  return names::of(engines, kind);
}
Precision precision_named(const std::string& name) {
  return names::value(precisions, "precision", name);
}
std::vector<std::string> precision_names() {
  return names::all(precisions);
}
const char* name_of(Precision precision) {
  return names::of(precisions, precision);
}

std::unique_ptr<Engine> make_engine(const StageView& view, const Problem& problem,
                                    const Split& data, const FitOptions& options) {
  check_stage(view, problem, data);
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
  const auto not_tiny = fault_of_tiny(view, problem, data, options);
  if (not_tiny.empty()) {
    return explained(
        std::make_unique<TinyEngine>(view, problem, data, options),
        fmt::format("dense layers of at most {} units, on the CPU", tiny_engine_width));
  }
  const auto not_dense = fault_of_dense(view, problem, data, options);
  if (not_dense.empty()) {
    return explained(std::make_unique<DenseEngine>(view, problem, data, options),
                     fmt::format("dense layers; not tiny: {}", not_tiny));
  }
  if (bf16) throw EngineUnavailable("no engine can do this in bf16: " + not_dense);
  return explained(std::make_unique<AutogradEngine>(view, problem, data, options),
                   fmt::format("not tiny or dense: {}", not_dense));
}

}  // namespace layerwise
