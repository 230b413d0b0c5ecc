#include "layerwise/engines/dense_stage.h"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <variant>

#include <fmt/format.h>
#include <torch/utils.h>

#include "layerwise/engines/dense_step.h"
#include "layerwise/engines/kernels.h"
#include "layerwise/engines/precision.h"
#include "layerwise/engines/tiny_engine.h"
#include "layerwise/nn/activation.h"

namespace layerwise {

namespace {

/// The name of a block's module, without its namespace: `Convolution` for
/// `layerwise::ConvolutionImpl`.
std::string kind_of(const Block& block) {
  auto name = block.ptr()->name();
  if (const auto colons = name.rfind(':'); colons != std::string::npos) name.erase(0, colons + 1);
  if (name.ends_with("Impl")) name.erase(name.size() - 4);
  return name;
}

std::string fault_of_block(const Block& block, int64_t number) {
  const auto* layer = block.ptr()->as<DenseImpl>();
  if (layer == nullptr) {
    const bool tied = block.ptr()->as<TransposedDenseImpl>() != nullptr;
    return tied ? std::string("weights are tied")
                : fmt::format("block {} is no Dense but {}", number, kind_of(block));
  }
  const auto activation = layer->options.activation;
  if (!has_kernel(activation))
    return fmt::format("there is no kernel for block {}'s activation, {}", number,
                       name_of(activation));
  for (const auto& tensor : {layer->weight, layer->bias}) {
    if (!tensor.requires_grad()) return fmt::format("block {} is partly frozen", number);
    if (tensor.scalar_type() != torch::kFloat32 || !tensor.is_contiguous())
      return fmt::format("the tensors of block {} are not contiguous float32", number);
  }
  return {};
}

std::string fault_of_objective(const Problem& problem, const Dense& last) {
  const auto& objective = problem.objective;
  if (objective.terms.size() != 1 || objective.terms[0].weight != 1)
    return "the objective has more than one term";
  const auto loss = objective.loss().formula;
  if (!has_kernel(loss)) return fmt::format("the loss is not plain {}", objective.loss().name);
  if (loss == Formula::binary_cross_entropy && last->options.activation != Activation::sigmoid)
    return "binary cross-entropy of an output that is no sigmoid";
  if (loss == Formula::cross_entropy && problem.target == Target::features)
    return "cross-entropy of what are no labels";
  return {};
}

std::string fault_of_inputs(const torch::Tensor& inputs, int64_t features) {
  if (inputs.dim() != 2 || inputs.size(1) != features)
    return "the inputs are not rows of as many numbers as the first block takes";
  const auto type = inputs.scalar_type();
  return type == torch::kFloat32 || type == torch::kUInt8 ? std::string()
                                                          : "the inputs are not float32";
}

std::string fault_of_targets(const Dataset& data, const Problem& problem, int64_t outputs) {
  if (problem.target == Target::features) {
    return data.inputs.size(1) == outputs ? std::string()
                                          : "the outputs are not as many as the inputs";
  }
  if (!data.targets.defined()) return "there are no targets";
  if (data.targets.device() != data.inputs.device())
    return "the targets are not on the inputs' device";
  if (problem.objective.loss().formula == Formula::cross_entropy) {
    return data.targets.dim() == 1 && data.targets.scalar_type() == torch::kInt64
               ? std::string()
               : "the labels are not a row of int64";
  }
  const auto type = data.targets.scalar_type();
  const bool values = data.targets.dim() == 2 && data.targets.size(1) == outputs &&
                      (type == torch::kFloat32 || type == torch::kUInt8);
  return values ? std::string() : "the targets are not float32 rows as wide as the output";
}

int64_t widest(const std::vector<Dense>& layers) {
  int64_t width = 0;
  for (const auto& layer : layers)
    width = std::max({width, layer->options.in_features, layer->options.out_features});
  return width;
}

}  // namespace

std::vector<Dense> dense_layers(const StageView& view) {
  std::vector<Dense> layers;
  for (const auto& block : view.trained)
    layers.emplace_back(std::dynamic_pointer_cast<DenseImpl>(block.ptr()));
  return layers;
}

std::string why_not_dense(const StageView& view, const Problem& problem, const Split& data,
                          const FitOptions& options) {
  if (!view.frozen.empty()) return "frozen blocks are run for every batch";
  if (problem.augmentation) return "the inputs are augmented";
  std::set<const torch::nn::Module*> seen;
  int64_t width = -1;
  for (size_t i = 0; i < view.trained.size(); ++i) {
    const auto& block = view.trained[i];
    const auto number = static_cast<int64_t>(i) + 1;
    if (auto fault = fault_of_block(block, number); !fault.empty()) return fault;
    if (!seen.insert(block.ptr().get()).second) return "a block occurs twice";
    const auto& shape = block.ptr()->as<DenseImpl>()->options;
    if (width >= 0 && shape.in_features != width)
      return fmt::format("block {} does not fit the one before it", number);
    width = shape.out_features;
  }
  const auto layers = dense_layers(view);
  if (layers.empty()) return "there is no block to train";
  if (auto fault = fault_of_objective(problem, layers.back()); !fault.empty()) return fault;
  for (const auto& [name, part] : data.parts()) {
    auto fault = fault_of_inputs(part.inputs, layers.front()->options.in_features);
    if (fault.empty()) fault = fault_of_targets(part, problem, width);
    if (!fault.empty()) return fault;
  }
  if (!std::visit(HasKernel(), options.optimizer)) return "there is no kernel for the optimizer";
  const auto device = data.train.inputs.device();
  if (device != layers.front()->weight.device()) return "the inputs are not on the blocks' device";
  const auto precision = options.engine.precision;
  if (!device.is_cpu() && !device.is_cuda()) return "it computes on the CPU and on CUDA only";
  return why_not_in(precision, device);
}

std::string why_not_tiny(const StageView& view, const Problem& problem, const Split& data,
                         const FitOptions& options) {
  if (options.engine.precision != Precision::fp32) return "it computes in fp32 only";
  auto fault = why_not_dense(view, problem, data, options);
  if (!fault.empty()) return fault;
  const auto width = widest(dense_layers(view));
  if (width > tiny_engine_width)
    return fmt::format("a layer has {} units, and it takes up to {}", width, tiny_engine_width);
  if (!data.train.inputs.device().is_cpu()) return "the data are not on the CPU";
  if (problem.corruption) return "the inputs are corrupted";
  const auto loss = problem.objective.loss().formula;
  if (!has_tiny_kernel(loss))
    return fmt::format("there is no kernel for {}", problem.objective.loss().name);
  for (const auto& metric : problem.objective.metrics) {
    const bool hits = loss == Formula::cross_entropy && metric.formula == Formula::accuracy;
    if (metric.formula != loss && !hits) return fmt::format("it does not compute {}", metric.name);
  }
  return {};
}

}  // namespace layerwise
