#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <torch/types.h>

#include "layerwise/random.h"

namespace layerwise {

/// Samples and what is to be predicted from them, row by row.
struct Dataset {
  torch::Tensor inputs;   ///< [samples, ...], float32, or uint8 for what `values_of` scales
  torch::Tensor targets;  ///< [samples] int64 class labels, or [samples, ...] values as in `inputs`

  int64_t size() const { return inputs.defined() && inputs.dim() > 0 ? inputs.size(0) : 0; }
  Dataset to(torch::Device device) const;
};

/// What is learned from, what is held out for the end, and what choices are made by.
struct Split {
  Dataset train;
  Dataset test;             ///< may be undefined, as
  Dataset validation = {};  ///< this may

  Split to(torch::Device device) const;
  /// The parts that are defined, by name: "train", "validation", "test".
  std::vector<std::pair<std::string, Dataset>> parts() const;
};

/// The first `train_rows` rows train, the rest tests.
/// @throws std::invalid_argument if that leaves either part without a row
Split split(const Dataset& dataset, int64_t train_rows);

/// How large the parts of a split are, as shares of all rows; what rounding leaves over trains.
struct Shares {
  double validation = 0;
  double test = 0.25;
};

/// A random split.
///
/// `order.permutation(rows)` is walked through. Of each class (with `stratified`; else of all rows)
/// the first round(share x rows) test, the next validate, the others train; in each part rows stand
/// in the order of the walk.
/// @param stratified keeps the shares of the classes; needs targets [rows] int64 on the CPU
/// @throws std::invalid_argument if a share is not within [0, 1), or no row is left for a part that
///   is asked for, or for training, or if labels are missing
Split split(const Dataset& dataset, const Shares& shares, bool stratified, RandomState& order);

/// The same inputs with themselves as targets: what an autoencoder learns from.
Split autoencoding(const Split& data);

/// Inputs, or targets, as a network takes them: bytes become float32 in [0, 1], divided by 255;
/// what is float stays as it is.
torch::Tensor values_of(const torch::Tensor& tensor);

}  // namespace layerwise
