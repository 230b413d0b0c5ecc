#pragma once

#include <string>
#include <vector>

#include <torch/nn/modules/container/sequential.h>

#include "layerwise/nn/chain.h"
#include "layerwise/nn/greedy_net.h"
#include "layerwise/nn/stacked_autoencoder.h"

namespace layerwise {

/// A network as layers of LibTorch alone, which know nothing of this library: an independent copy
/// of the values, on the same device, in evaluation mode. Blocks become `Linear`, `Conv2d`,
/// `BatchNorm2d`, `ReLU` and so on; LibTorch's own modules in a block are cloned. Exits are left
/// out.
/// @throws std::invalid_argument naming the block, if it is none of this library's that are chains
///   of such layers, and no module of LibTorch
torch::nn::Sequential to_sequential(const GreedyNet& net);
torch::nn::Sequential to_sequential(const StackedAutoencoder& net);
torch::nn::Sequential to_sequential(const std::vector<Block>& blocks);

/// The same layers as JSON, for another program to rebuild the network from its checkpoint: a list
/// of [class in torch.nn, arguments, {tensor of the layer: name in the checkpoint}], where a name
/// that ends in `^T` stands for the transposed tensor.
/// @returns an empty text, if a layer is one that this cannot spell
std::string layers_json(const GreedyNetImpl& net);
std::string layers_json(const StackedAutoencoderImpl& net);

}  // namespace layerwise
