#include "layerwise/nn/rbm.h"

#include <ostream>
#include <stdexcept>

#include <fmt/format.h>
#include <torch/nn/functional/activation.h>
#include <torch/nn/functional/linear.h>
#include <torch/utils.h>

namespace layerwise {

namespace {

namespace F = torch::nn::functional;

Dense dense_of(const torch::Tensor& weight, const torch::Tensor& bias, Activation activation) {
  torch::NoGradGuard no_grad;
  Dense layer(DenseOptions{weight.size(1), weight.size(0), activation});
  layer->to(weight.device(), weight.scalar_type());
  layer->weight.copy_(weight);
  layer->bias.copy_(bias);
  return layer;
}

}  // namespace

RbmImpl::RbmImpl(const RbmOptions& options_) : options(options_) {
  if (options.visible < 1 || options.hidden < 1) {
    throw std::invalid_argument(
        fmt::format("Rbm: {} visible and {} hidden units", options.visible, options.hidden));
  }
  reset();
}

void RbmImpl::reset() {
  weight = register_parameter("weight", torch::zeros({options.hidden, options.visible}));
  hidden_bias = register_parameter("hidden_bias", torch::zeros({options.hidden}));
  visible_bias = register_parameter("visible_bias", torch::zeros({options.visible}));
}

void RbmImpl::pretty_print(std::ostream& stream) const {
  stream << fmt::format("Rbm({} visible, {} {} hidden)", options.visible, options.hidden,
                        options.hidden_units == HiddenUnits::bernoulli ? "Bernoulli" : "Gaussian");
}

torch::Tensor RbmImpl::hidden_means(const torch::Tensor& v) const {
  const auto sums = F::linear(v, weight, hidden_bias);
  return options.hidden_units == HiddenUnits::bernoulli ? torch::sigmoid(sums) : sums;
}

torch::Tensor RbmImpl::visible_means(const torch::Tensor& h) const {
  return torch::sigmoid(F::linear(h, weight.t(), visible_bias));
}

torch::Tensor RbmImpl::free_energy(const torch::Tensor& v) const {
  return free_energy_of(v, F::linear(v, weight, hidden_bias));
}

torch::Tensor RbmImpl::free_energy_of(const torch::Tensor& v, const torch::Tensor& sums) const {
  const auto of_hidden = options.hidden_units == HiddenUnits::bernoulli
                             ? F::softplus(sums, F::SoftplusFuncOptions().threshold(60))
                             : sums.square() / 2;
  return -v.matmul(visible_bias) - of_hidden.sum(1);
}

torch::Tensor RbmImpl::pseudo_log_likelihood(const torch::Tensor& v,
                                             const torch::Tensor& units) const {
  const auto place = units.unsqueeze(1);
  const auto flipped = v.scatter(1, place, 1 - v.gather(1, place));
  return static_cast<double>(options.visible) *
         F::logsigmoid(free_energy(flipped) - free_energy(v));
}

Dense RbmImpl::encoder_layer() const {
  return dense_of(
      weight, hidden_bias,
      options.hidden_units == HiddenUnits::bernoulli ? Activation::sigmoid : Activation::linear);
}

Dense RbmImpl::decoder_layer() const {
  return dense_of(weight.t(), visible_bias, Activation::sigmoid);
}

Rbm make_rbm(const RbmOptions& options, Initializer initializer, RandomState& initialization) {
  Rbm rbm(options);
  initializer(rbm->weight, initialization);
  return rbm;
}

}  // namespace layerwise
