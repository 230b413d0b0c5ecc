#include "layerwise/nn/stacked_autoencoder.h"

#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "layerwise/nn/dense.h"

namespace layerwise {

namespace {

torch::nn::Sequential numbered(const std::vector<Block>& blocks) {
  torch::nn::Sequential chain;
  for (const auto& block : blocks)
    chain->push_back(fmt::format("block{}", chain->size() + 1), block);
  return chain;
}

std::vector<Block> blocks_of(const torch::nn::Sequential& chain) {
  return {std::as_const(*chain).begin(), std::as_const(*chain).end()};
}

}  // namespace

StackedAutoencoderImpl::StackedAutoencoderImpl(const std::vector<Block>& encoder_blocks,
                                               const std::vector<Block>& decoder_blocks)
    : encoder(register_module("encoder", numbered(encoder_blocks))),
      decoder(register_module("decoder", numbered(decoder_blocks))) {
  if (encoder_blocks.empty() || encoder_blocks.size() != decoder_blocks.size()) {
    throw std::invalid_argument(fmt::format("StackedAutoencoder: {} blocks to encode, {} to decode",
                                            encoder_blocks.size(), decoder_blocks.size()));
  }
}

std::shared_ptr<torch::nn::Module> StackedAutoencoderImpl::clone(
    const torch::optional<torch::Device>& device) const {
  std::vector<Block> up;
  for (const auto& block : blocks_of(encoder)) up.push_back(block.clone(device));
  std::vector<Block> down;
  for (const auto& block : blocks_of(decoder)) {
    down.push_back(block.clone(device));
    const auto* tied = block.ptr()->as<TransposedDenseImpl>();
    for (size_t i = 0; tied != nullptr && i < up.size(); ++i) {
      if (blocks_of(encoder)[i].ptr() == tied->tied_to().ptr())
        down.back().ptr()->as<TransposedDenseImpl>()->tie_to(
            Dense(std::dynamic_pointer_cast<DenseImpl>(up[i].ptr())));
    }
  }
  auto copy = std::make_shared<StackedAutoencoderImpl>(up, down);
  copy->train(is_training());
  return copy;
}

torch::Tensor StackedAutoencoderImpl::forward(const torch::Tensor& x) {
  return decoder->forward(encoder->forward(x));
}

torch::Tensor StackedAutoencoderImpl::encode(const torch::Tensor& x) {
  return encoder->forward(x);
}

int64_t StackedAutoencoderImpl::depth() const {
  return static_cast<int64_t>(encoder->size());
}

StageView StackedAutoencoderImpl::phase(int64_t k) {
  if (k < 1 || k > depth()) throw std::invalid_argument(fmt::format("phase {} of {}", k, depth()));
  set_requires_grad(*this, false);
  StageView view;
  view.code = 0;
  const auto up = blocks_of(encoder);
  const auto down = blocks_of(decoder);
  for (int64_t i = 1; i <= depth(); ++i) {
    const auto& encoding = up[static_cast<size_t>(i - 1)];
    const auto& decoding = down[static_cast<size_t>(depth() - i)];
    if (i == k) view.trained = {encoding, decoding};
    if (i < k) view.frozen.push_back(encoding);
    if (i > k) view.idle.push_back(encoding);
    if (i != k) view.idle.push_back(decoding);
  }
  for (const auto& block : view.trained) set_requires_grad(*block.ptr(), true);
  return view;
}

StageView StackedAutoencoderImpl::whole() {
  set_requires_grad(*this, true);
  auto blocks = blocks_of(encoder);
  const auto down = blocks_of(decoder);
  blocks.insert(blocks.end(), down.begin(), down.end());
  return {{}, blocks, encoder->size() - 1};
}

StackedAutoencoder DenseAutoencoder::make(RandomState& initialization) const {
  if (units.size() < 2)
    throw std::invalid_argument("an autoencoder needs the input's units and a hidden layer's");
  std::vector<Dense> encoder;
  std::vector<Block> up;
  std::vector<Block> down;
  const auto layer = [&](int64_t inputs, int64_t outputs, Activation function) {
    return make_dense({inputs, outputs, function}, initializer, initialization);
  };
  for (size_t i = 1; i < units.size(); ++i) {
    encoder.push_back(layer(units[i - 1], units[i], activation));
    up.emplace_back(encoder.back());
  }
  for (size_t i = encoder.size(); i > 0; --i) {
    const auto function = i == 1 ? output : activation;
    if (tied) {
      down.emplace_back(TransposedDense(encoder[i - 1], function));
    } else {
      down.emplace_back(layer(units[i], units[i - 1], function));
    }
  }
  return StackedAutoencoder(up, down);
}

}  // namespace layerwise
