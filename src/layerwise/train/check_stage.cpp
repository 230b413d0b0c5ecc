#include "layerwise/train/check_stage.h"

#include <algorithm>
#include <optional>
#include <span>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <c10/util/Exception.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/utils.h>

#include "layerwise/nn/dense.h"

namespace layerwise {

namespace {

[[noreturn]] void refuse(const std::string& message) {
  throw std::invalid_argument(message);
}

std::string text_of(torch::ScalarType type) {
  std::ostringstream text;
  text << torch::toString(type);
  return text.str();
}

std::string text_of(torch::IntArrayRef sizes) {
  return fmt::format("[{}]", fmt::join(sizes.begin(), sizes.end(), ", "));
}

std::string text_of(const torch::Tensor& tensor) {
  return tensor.defined() ? text_of(tensor.sizes()) + " " + text_of(tensor.scalar_type())
                          : std::string("nothing");
}

std::string text_of(const Block& block) {
  std::ostringstream text;
  block.ptr()->pretty_print(text);
  const auto all = text.str();
  return all.substr(0, all.find('\n'));
}

std::string first_line(const c10::Error& error) {
  const std::string text = error.what_without_backtrace();
  return text.substr(0, text.find('\n'));
}

/// The data that pass through blocks: their shape, and the values if a block has to be run.
struct Sample {
  std::vector<int64_t> shape;
  torch::Tensor values;

  bool is_rows_of(int64_t width) const { return shape.size() == 2 && shape[1] == width; }
};

std::string giver_of(size_t number) {
  return number == 1 ? "the inputs" : fmt::format("what block {} puts out", number - 1);
}

[[noreturn]] void refuse_block(const Block& block, size_t number, const std::string& given,
                               const std::string& reason) {
  refuse(fmt::format("block {}, {}, does not take {}, {}: {}", number, text_of(block),
                     giver_of(number), given, reason));
}

/// @param number of the block, from 1
torch::Tensor run(Block block, size_t number, const torch::Tensor& given, bool training) {
  const bool trains = block.ptr()->is_training();
  std::optional<Snapshot> before;
  if (training) before.emplace(*block.ptr());
  const auto put_back = [&] {
    block.ptr()->train(trains);
    if (before) before->restore();
  };
  const auto explain = [&](const std::string& reason) {
    put_back();
    refuse_block(block, number, text_of(given),
                 reason + (training ? " (the last batch of an epoch has one row)" : ""));
  };
  block.ptr()->train(training);
  torch::Tensor output;
  try {
    output = block.forward(given.clone());
  } catch (const c10::Error& error) {
    explain(first_line(error));
  } catch (const std::invalid_argument& error) {
    explain(error.what());
  }
  put_back();
  if (!output.defined()) {
    refuse(fmt::format("block {}, {}, puts out nothing for {}, {}", number, text_of(block),
                       giver_of(number), text_of(given)));
  }
  return output;
}

bool all_dense(const std::vector<Block>& blocks) {
  return std::all_of(blocks.begin(), blocks.end(),
                     [](const Block& block) { return block.ptr()->as<DenseImpl>() != nullptr; });
}

/// @param before number of blocks that the sample has passed
Sample through(const std::vector<Block>& blocks, Sample sample, size_t before = 0,
               bool training = false) {
  for (size_t i = 0; i < blocks.size(); ++i) {
    const size_t number = before + i + 1;
    const auto* dense = blocks[i].ptr()->as<DenseImpl>();
    if (dense != nullptr && !sample.is_rows_of(dense->options.in_features)) {
      refuse_block(blocks[i], number, text_of(sample.shape),
                   fmt::format("it takes rows of {} numbers", dense->options.in_features));
    }
    if (sample.values.defined()) {
      sample.values = run(blocks[i], number, sample.values, training);
      sample.shape = sample.values.sizes().vec();
    } else {
      sample.shape = {sample.shape[0], dense->options.out_features};
    }
  }
  return sample;
}

/// Two rows, augmented as those of a batch are.
Sample augmented(const Augmentation& augmentation, const torch::Tensor& inputs) {
  constexpr int64_t numbers[] = {0, 1};
  const auto rows = static_cast<size_t>(inputs.size(0));
  torch::Tensor output;
  try {
    output = augmentation.apply(inputs, {{}, 1, 0, std::span(numbers).first(rows)});
  } catch (const c10::Error& error) {
    refuse(
        fmt::format("the augmentation does not take {}: {}", text_of(inputs), first_line(error)));
  }
  if (!output.defined() || output.sizes() != inputs.sizes() ||
      output.scalar_type() != inputs.scalar_type()) {
    refuse(fmt::format("the augmentation makes {} of {}", text_of(output), text_of(inputs)));
  }
  return {output.sizes().vec(), output};
}

void check_inputs(const std::string& split, const Dataset& part, const Dataset& train,
                  const torch::Tensor& parameter) {
  const auto& inputs = part.inputs;
  if (!inputs.defined() || inputs.dim() == 0 || inputs.size(0) == 0)
    refuse(fmt::format("the {} split has no rows", split));
  if (inputs.sizes().slice(1) != train.inputs.sizes().slice(1)) {
    refuse(fmt::format("the inputs of the {} split are {}, those of the train split {}", split,
                       text_of(inputs), text_of(train.inputs)));
  }
  const auto wanted = parameter.defined() ? parameter.scalar_type() : torch::kFloat32;
  const bool bytes = inputs.scalar_type() == torch::kUInt8;
  const bool halved = inputs.scalar_type() == torch::kBFloat16 && wanted == torch::kFloat32;
  if (!bytes && !halved && inputs.scalar_type() != wanted) {
    refuse(
        fmt::format("the inputs of the {} split are {}, the network takes {}, or Byte, which is "
                    "divided by 255",
                    split, text_of(inputs), text_of(wanted)));
  }
  if (parameter.defined() && !inputs.is_cpu() && inputs.device() != parameter.device()) {
    refuse(fmt::format("the inputs of the {} split are on {}, the network is on {}", split,
                       inputs.device().str(), parameter.device().str()));
  }
}

void check_labels(const std::string& split, const torch::Tensor& labels,
                  const std::vector<int64_t>& output) {
  if (labels.scalar_type() != torch::kInt64 || labels.dim() != 1) {
    refuse(fmt::format("the labels of the {} split are {}, cross-entropy takes [rows] Long", split,
                       text_of(labels)));
  }
  if (output.size() != 2) {
    refuse(fmt::format("the network puts out {}, cross-entropy takes [rows, classes]",
                       text_of(output)));
  }
  require_labels(labels, output[1]);
}

void check_targets(const std::string& split, const Dataset& part, const Problem& problem,
                   const std::vector<int64_t>& output, torch::ScalarType type) {
  const auto& targets = part.targets;
  if (!targets.defined()) refuse(fmt::format("the {} split has no targets", split));
  if (targets.dim() == 0 || targets.size(0) != part.size()) {
    refuse(fmt::format("the {} split has {} inputs and {} targets", split, part.size(),
                       targets.dim() == 0 ? 0 : targets.size(0)));
  }
  switch (problem.objective.loss().formula) {
    case Formula::cross_entropy:
      return check_labels(split, targets, output);
    case Formula::squared_error:
    case Formula::binary_cross_entropy:
      if (targets.sizes().slice(1) != torch::IntArrayRef(output).slice(1)) {
        refuse(fmt::format("the targets of the {} split are {}, the network puts out {}", split,
                           text_of(targets), text_of(output)));
      }
      if (targets.scalar_type() != torch::kUInt8 && targets.scalar_type() != type) {
        refuse(
            fmt::format("the targets of the {} split are {}, the network takes {}, or Byte, "
                        "which is divided by 255",
                        split, text_of(targets), text_of(type)));
      }
      return;
    default:  // what other losses take is theirs to know
      return;
  }
}

}  // namespace

void check_stage(const StageView& view, const Problem& problem, const Split& data,
                 int64_t smallest_batch) {
  torch::NoGradGuard no_grad;
  auto blocks = view.frozen;
  blocks.insert(blocks.end(), view.trained.begin(), view.trained.end());
  const auto parameter = first_parameter(*chain_of(blocks));
  for (const auto& [split, part] : data.parts()) check_inputs(split, part, data.train, parameter);

  const auto rows = data.train.inputs.narrow(0, 0, std::min<int64_t>(2, data.train.size()));
  Sample sample{rows.sizes().vec(), {}};
  if (!all_dense(blocks)) sample.values = values_for(parameter, rows);
  if (problem.augmentation) sample = augmented(*problem.augmentation, values_for(parameter, rows));
  const auto features = through(view.frozen, sample);
  const auto output = through(view.trained, features, view.frozen.size());
  if (smallest_batch == 1 && features.values.defined()) {
    const auto row = features.values.narrow(0, 0, 1);
    through(view.trained, {row.sizes().vec(), row}, view.frozen.size(), /*training=*/true);
  }

  if (problem.target == Target::features) {
    if (output.shape != features.shape) {
      refuse(fmt::format("the network puts out {}, but is to reconstruct {}", text_of(output.shape),
                         text_of(features.shape)));
    }
    return;
  }
  if (problem.target == Target::none) {
    if (!problem.objective.terms.empty())
      refuse(fmt::format("the loss {} needs targets", problem.objective.loss().name));
    return;
  }
  if (problem.objective.terms.empty())
    refuse("the objective has no loss to compare targets with; its target is Target::none");
  const auto type = parameter.defined() ? parameter.scalar_type() : torch::kFloat32;
  for (const auto& [split, part] : data.parts())
    check_targets(split, part, problem, output.shape, type);
}

torch::Tensor forward_or_explain(torch::nn::Sequential chain, const torch::Tensor& inputs) {
  try {
    return chain->forward(inputs);
  } catch (const c10::Error&) {
    torch::NoGradGuard no_grad;
    const auto rows = inputs.narrow(0, 0, std::min<int64_t>(2, inputs.size(0)));
    const std::vector<Block> blocks(std::as_const(*chain).begin(), std::as_const(*chain).end());
    through(blocks, {rows.sizes().vec(), rows});
    throw;  // another reason than shapes or types
  }
}

void require_labels(const torch::Tensor& labels, int64_t classes) {
  const auto values = labels.cpu().contiguous();
  const auto* label = values.data_ptr<int64_t>();
  for (int64_t row = 0; row < values.size(0); ++row) {
    if (label[row] >= 0 && label[row] < classes) continue;
    throw std::invalid_argument(fmt::format("label {} of row {}, and the network has {} outputs",
                                            label[row], row, classes));
  }
}

}  // namespace layerwise
