#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <torch/types.h>

#include "layerwise/random.h"

namespace layerwise {

/// Samples and their targets, row by row.
struct Dataset {
  torch::Tensor inputs;   ///< [samples, ...], float32, or uint8, which `values_of` scales
  torch::Tensor targets;  ///< [samples] int64 class labels, or [samples, ...] values as in `inputs`

  int64_t size() const { return inputs.defined() && inputs.dim() > 0 ? inputs.size(0) : 0; }
  Dataset to(torch::Device device) const;
};

/// The data to train on, to test with at the end, and to validate choices with.
struct Split {
  Dataset train;
  Dataset test;             ///< may be undefined
  Dataset validation = {};  ///< may be undefined

  Split to(torch::Device device) const;
  /// The defined parts with their names: "train", "validation", "test".
  std::vector<std::pair<std::string, Dataset>> parts() const;
};

/// Some rows, in this order; with targets if there are any.
/// @param device where to; see `upload`
Dataset rows_of(const Dataset& dataset, std::span<const int64_t> rows, torch::Device device);
/// The same where the data are.
Dataset rows_of(const Dataset& dataset, std::span<const int64_t> rows);

/// The first `train_rows` rows are for training, the rest for testing.
/// @throws std::invalid_argument if either part would have no row
Split split(const Dataset& dataset, int64_t train_rows);

/// The sizes of the parts of a split as shares of all rows; the remaining rows are for training.
struct Shares {
  double validation = 0;
  double test = 0.25;
};

/// A random split.
///
/// The rows are taken in the order of `order.permutation(rows)`. Of each class (with `stratified`;
/// else of all rows) the first round(share x rows) rows are for testing, the next for validation,
/// the others for training. In each part the rows keep the order of the permutation.
/// @param stratified keeps the proportions of the classes; needs targets [rows] int64 on the CPU
/// @throws std::invalid_argument if a share is not within [0, 1), a requested part or the training
///   part would have no row, or labels are missing
Split split(const Dataset& dataset, const Shares& shares, bool stratified, RandomState& order);

/// The same inputs with the inputs as targets, to train an autoencoder.
Split autoencoding(const Split& data);

/// Inputs or targets as a network takes them: bytes become float32 in [0, 1] (divided by 255);
/// other types stay as they are.
torch::Tensor values_of(const torch::Tensor& tensor);
/// The same on the device of `like`; floating-point numbers in its type. An undefined tensor
/// changes nothing.
torch::Tensor values_for(const torch::Tensor& like, const torch::Tensor& tensor);

}  // namespace layerwise
