#include "layerwise/nn/to_sequential.h"

#include <functional>
#include <map>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/conv.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/pixelshuffle.h>
#include <torch/nn/modules/pooling.h>
#include <torch/utils.h>

#include "layerwise/nn/convolution.h"
#include "layerwise/nn/dense.h"

namespace layerwise {

namespace {

namespace nn = torch::nn;

struct Source {
  std::string name;  ///< in the layer
  torch::Tensor tensor;
  bool transposed = false;
};

/// A layer of LibTorch, and the tensors that it has its values from.
struct Layer {
  std::function<Block()> module;
  std::string text;  ///< class and arguments as JSON; empty if it cannot be spelled
  std::vector<Source> sources = {};
};

/// Makes the module when it is asked to: LibTorch's layers draw initial values of their own, which
/// nobody who wants the text alone should wait for.
template <typename Holder, typename... Arguments>
std::function<Block()> made(Arguments... arguments) {
  return [=] { return Block(Holder(arguments...)); };
}

std::string spelled(const char* kind, const std::string& arguments = "") {
  return fmt::format("\"{}\", {{{}}}", kind, arguments);
}

/// All parameters and buffers of a module, by their names in it.
std::vector<Source> sources_of(const nn::Module& module) {
  std::vector<Source> sources;
  for (const auto& item : module.named_parameters()) sources.push_back({item.key(), item.value()});
  for (const auto& item : module.named_buffers()) sources.push_back({item.key(), item.value()});
  return sources;
}

std::string linear(int64_t inputs, int64_t outputs) {
  return spelled("Linear",
                 fmt::format("\"in_features\": {}, \"out_features\": {}", inputs, outputs));
}

template <typename Options>
std::string batch_norm(const char* kind, const Options& options) {
  return spelled(kind, fmt::format("\"num_features\": {}, \"eps\": {}, \"affine\": {}",
                                   options.num_features(), options.eps(), options.affine()));
}

class Layers {
 public:
  explicit Layers(const std::vector<Block>& blocks) {
    for (const auto& block : blocks) add(block);
  }

  std::vector<Layer> all;

 private:
  void add(Activation activation) {
    switch (activation) {
      case Activation::linear:
        return;
      case Activation::relu:
        return all.push_back({made<nn::ReLU>(), spelled("ReLU")});
      case Activation::leaky_relu:
        return all.push_back(
            {made<nn::LeakyReLU>(nn::LeakyReLUOptions().negative_slope(leaky_relu_slope)),
             spelled("LeakyReLU", fmt::format("\"negative_slope\": {}", leaky_relu_slope))});
      case Activation::elu:
        return all.push_back({made<nn::ELU>(), spelled("ELU")});
      case Activation::selu:
        return all.push_back({made<nn::SELU>(), spelled("SELU")});
      case Activation::tanh:
        return all.push_back({made<nn::Tanh>(), spelled("Tanh")});
      case Activation::sigmoid:
        return all.push_back({made<nn::Sigmoid>(), spelled("Sigmoid")});
    }
  }
  void add_linear(const std::vector<Source>& sources) {
    const auto& weight = sources.front();
    const auto outputs = weight.tensor.size(weight.transposed ? 1 : 0);
    const auto inputs = weight.tensor.size(weight.transposed ? 0 : 1);
    all.push_back({made<nn::Linear>(inputs, outputs), linear(inputs, outputs), sources});
  }
  void add(const nn::BatchNorm2d& norm) {
    if (norm) {
      all.push_back({made<nn::BatchNorm2d>(norm->options), batch_norm("BatchNorm2d", norm->options),
                     sources_of(*norm)});
    }
  }
  void add(const ConvolutionImpl& block) {
    const auto& o = block.options;
    if (o.space_to_depth > 1) {
      all.push_back(
          {made<nn::PixelUnshuffle>(o.space_to_depth),
           spelled("PixelUnshuffle", fmt::format("\"downscale_factor\": {}", o.space_to_depth))});
    }
    const auto in = block.weight.size(1);
    std::vector<Source> sources{{"weight", block.weight}};
    if (!o.batch_norm) sources.push_back({"bias", block.bias});
    all.push_back({made<nn::Conv2d>(nn::Conv2dOptions(in, o.out_channels, o.kernel_size)
                                        .padding(o.kernel_size / 2)
                                        .bias(!o.batch_norm)),
                   spelled("Conv2d", fmt::format("\"in_channels\": {}, \"out_channels\": {}, "
                                                 "\"kernel_size\": {}, \"padding\": {}, "
                                                 "\"bias\": {}",
                                                 in, o.out_channels, o.kernel_size,
                                                 o.kernel_size / 2, !o.batch_norm)),
                   sources});
    add(block.norm);
    add(o.activation);
  }
  void add(const PooledHeadImpl& head) {
    for (const auto& block : head.convolutions) add(*block);
    all.push_back(
        {made<nn::AdaptiveAvgPool2d>(head.options.pooled),
         spelled("AdaptiveAvgPool2d", fmt::format("\"output_size\": {}", head.options.pooled))});
    add(head.norm);
    all.push_back({made<nn::Flatten>(), spelled("Flatten")});
    add_linear({{"weight", head.weight}, {"bias", head.bias}});
  }
  /// LibTorch's own modules; the text of those that the programs' networks have.
  void add_own(const Block& block) {
    const auto& module = *block.ptr();
    std::string text;
    const auto plain = [&](const char* kind) { text = spelled(kind); };
    if (const auto* layer = module.as<nn::LinearImpl>()) {
      const auto& o = layer->options;
      text = o.bias() ? linear(o.in_features(), o.out_features())
                      : spelled("Linear", fmt::format("\"in_features\": {}, \"out_features\": {}, "
                                                      "\"bias\": false",
                                                      o.in_features(), o.out_features()));
    } else if (const auto* norm = module.as<nn::BatchNorm1dImpl>()) {
      text = batch_norm("BatchNorm1d", norm->options);
    } else if (const auto* norm2 = module.as<nn::BatchNorm2dImpl>()) {
      text = batch_norm("BatchNorm2d", norm2->options);
    } else if (module.as<nn::ReLUImpl>() != nullptr) {
      plain("ReLU");
    } else if (module.as<nn::TanhImpl>() != nullptr) {
      plain("Tanh");
    } else if (module.as<nn::SigmoidImpl>() != nullptr) {
      plain("Sigmoid");
    } else if (const auto* elu = module.as<nn::ELUImpl>()) {
      text = spelled("ELU", fmt::format("\"alpha\": {}", elu->options.alpha()));
    } else if (const auto* flatten = module.as<nn::FlattenImpl>()) {
      text =
          spelled("Flatten", fmt::format("\"start_dim\": {}, \"end_dim\": {}",
                                         flatten->options.start_dim(), flatten->options.end_dim()));
    } else if (module.as<nn::DropoutImpl>() != nullptr) {
      plain("Dropout");
    } else if (module.name().rfind("torch::", 0) != 0) {
      throw std::invalid_argument(
          fmt::format("to_sequential: {} is no chain of LibTorch's layers", module.name()));
    }
    all.push_back({[block] { return block.clone(); }, text, sources_of(module)});
  }
  void add(const Block& block) {
    const auto& module = *block.ptr();
    if (const auto* dense = module.as<DenseImpl>()) {
      add_linear({{"weight", dense->weight}, {"bias", dense->bias}});
      add(dense->options.activation);
    } else if (const auto* tied = module.as<TransposedDenseImpl>()) {
      add_linear({{"weight", tied->tied_to()->weight, true}, {"bias", tied->bias}});
      add(tied->activation);
    } else if (const auto* convolution = module.as<ConvolutionImpl>()) {
      add(*convolution);
    } else if (const auto* head = module.as<PooledHeadImpl>()) {
      add(*head);
    } else if (const auto* chain = module.as<SequentialBlockImpl>()) {
      const auto& layers = std::as_const(*chain->layers);
      for (const auto& layer : layers) add(layer);
    } else {
      add_own(block);
    }
  }
};

Block with_values(const Layer& layer) {
  torch::NoGradGuard no_grad;
  auto module = layer.module();
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& own : sources_of(*module.ptr())) tensors.emplace(own.name, own.tensor);
  for (const auto& [name, tensor, transposed] : layer.sources)
    tensors.at(name).set_data((transposed ? tensor.t() : tensor).detach().clone());
  return module;
}

std::vector<Block> blocks_of(const GreedyNetImpl& net) {
  auto blocks = net.blocks();
  blocks.push_back(*std::as_const(*net.head).begin());
  return blocks;
}
std::vector<Block> blocks_of(const StackedAutoencoderImpl& net) {
  std::vector<Block> blocks;
  for (const auto& half : {net.encoder, net.decoder}) {
    const auto& chain = std::as_const(*half);
    blocks.insert(blocks.end(), chain.begin(), chain.end());
  }
  return blocks;
}

std::string spelled_layers(const nn::Module& net, const std::vector<Block>& blocks) {
  std::map<const void*, std::string> names;
  for (const auto& saved : sources_of(net))
    names.emplace(saved.tensor.unsafeGetTensorImpl(), saved.name);
  std::vector<std::string> all;
  try {
    for (const auto& layer : Layers(blocks).all) {
      if (layer.text.empty()) return {};
      std::vector<std::string> tensors;
      for (const auto& [name, tensor, transposed] : layer.sources)
        tensors.push_back(fmt::format("\"{}\": \"{}{}\"", name,
                                      names.at(tensor.unsafeGetTensorImpl()),
                                      transposed ? "^T" : ""));
      all.push_back(fmt::format("[{}, {{{}}}]", layer.text, fmt::join(tensors, ", ")));
    }
  } catch (const std::exception&) {  // a block of one's own, or a tensor that is not saved
    return {};
  }
  return fmt::format("[{}]", fmt::join(all, ",\n"));
}

}  // namespace

torch::nn::Sequential to_sequential(const std::vector<Block>& blocks) {
  nn::Sequential plain;
  for (const auto& layer : Layers(blocks).all) plain->push_back(with_values(layer));
  plain->eval();
  return plain;
}

torch::nn::Sequential to_sequential(const GreedyNet& net) {
  return to_sequential(blocks_of(*net));
}
torch::nn::Sequential to_sequential(const StackedAutoencoder& net) {
  return to_sequential(blocks_of(*net));
}

std::string layers_json(const GreedyNetImpl& net) {
  return spelled_layers(net, blocks_of(net));
}
std::string layers_json(const StackedAutoencoderImpl& net) {
  return spelled_layers(net, blocks_of(net));
}

}  // namespace layerwise
