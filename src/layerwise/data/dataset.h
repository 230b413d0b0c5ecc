#pragma once

#include <cstdint>

#include <torch/types.h>

namespace layerwise {

/// Samples and what is to be predicted from them, row by row.
struct Dataset {
  torch::Tensor inputs;   ///< [samples, ...], float32
  torch::Tensor targets;  ///< [samples] int64 class labels, or [samples, ...] float32 values

  int64_t size() const { return inputs.size(0); }
  Dataset to(torch::Device device) const { return {inputs.to(device), targets.to(device)}; }
};

/// What is learned from, and what is held out.
struct Split {
  Dataset train;
  Dataset test;

  Split to(torch::Device device) const { return {train.to(device), test.to(device)}; }
};

/// The first `train_rows` rows train, the rest tests.
/// @throws std::invalid_argument if that leaves either part without a row
Split split(const Dataset& dataset, int64_t train_rows);

/// The same inputs with themselves as targets: what an autoencoder learns from.
Split autoencoding(const Split& data);

}  // namespace layerwise
