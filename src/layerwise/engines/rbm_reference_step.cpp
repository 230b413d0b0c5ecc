#include <numeric>
#include <vector>

#include <fmt/format.h>
#include <torch/utils.h>

#include "layerwise/data/dataset.h"
#include "layerwise/engines/rbm_step.h"
#include "layerwise/engines/torch_optimizer.h"
#include "layerwise/nn/chain.h"

namespace layerwise {

namespace {

torch::Tensor bernoulli(const torch::Tensor& means, const NoisePlace& place) {
  const auto u = uniform_noise(place, means.size(1), means.device());
  return u.lt(means.to(torch::kFloat64)).to(means.scalar_type());
}

class ReferenceStep : public RbmStep {
 public:
  ReferenceStep(const Rbm& rbm, const ContrastiveDivergence& divergence, const FitOptions& options)
      : rbm_(rbm),
        divergence_(divergence),
        optimizer_(trainable_parameters(*rbm), options),
        errors_(torch::zeros({}, rbm->weight.detach().options().dtype(torch::kFloat64))) {
    if (!divergence.persistent) return;
    chain_rows_.resize(static_cast<size_t>(options.batch_size));
    std::iota(chain_rows_.begin(), chain_rows_.end(), 0);
    chains_ =
        torch::zeros({options.batch_size, rbm->options.hidden}, rbm->weight.detach().options());
  }

  void take(const torch::Tensor& data, const NoisePlace& place, bool last) override {
    const auto v = values_for(rbm_->weight, data);
    auto of_chain = place;
    if (divergence_.persistent) of_chain.rows = chain_rows_;
    const auto sampled = run_chain(v, of_chain, last);
    optimizer_.zero_grad();
    (rbm_->free_energy(v).mean() - rbm_->free_energy(sampled).mean()).backward();
    optimizer_.step();
  }

  double take_error() override {
    const double mean = errors_.item<double>() / static_cast<double>(rows_);
    errors_.zero_();
    rows_ = 0;
    return mean;
  }
  void scale_learning_rate(double factor) override { optimizer_.scale_learning_rate(factor); }
  void set_momentum(double momentum) override { optimizer_.set_momentum(momentum); }
  std::string details() const override { return "LibTorch"; }

 private:
  /// The visible units at the end of the chain. Persistent chains move on.
  torch::Tensor run_chain(const torch::Tensor& v, const NoisePlace& place, bool last) {
    torch::NoGradGuard no_grad;
    const auto means = rbm_->hidden_means(v);
    auto h = divergence_.persistent ? chains_ : sample_hidden(means, draw_place(place, 0));
    if (last || !divergence_.persistent)
      add_error(rbm_->visible_means(divergence_.persistent ? means : h), v);
    torch::Tensor visible;
    for (int64_t i = 1; i <= divergence_.steps; ++i) {
      visible = rbm_->visible_means(h);
      if (divergence_.sample_visible) visible = bernoulli(visible, draw_place(place, 2 * i - 1));
      if (i < divergence_.steps || divergence_.persistent)
        h = sample_hidden(rbm_->hidden_means(visible), draw_place(place, 2 * i));
    }
    if (divergence_.persistent) chains_ = h;
    return visible;
  }

  torch::Tensor sample_hidden(const torch::Tensor& means, const NoisePlace& place) const {
    return rbm_->options.hidden_units == HiddenUnits::bernoulli
               ? bernoulli(means, place)
               : means + normal_noise(place, means.size(1), means.device()).to(means.scalar_type());
  }

  void add_error(const torch::Tensor& reconstruction, const torch::Tensor& v) {
    errors_ += (reconstruction - v).square().mean(1).sum();
    rows_ += v.size(0);
  }

  Rbm rbm_;
  ContrastiveDivergence divergence_;
  TorchOptimizer optimizer_;
  std::vector<int64_t> chain_rows_;
  torch::Tensor chains_;  ///< hidden units
  torch::Tensor errors_;  ///< their sum over `rows_`, on the device, which nobody waits for
  int64_t rows_ = 0;
};

}  // namespace

std::unique_ptr<RbmStep> make_reference_rbm_step(const Rbm& rbm,
                                                 const ContrastiveDivergence& divergence,
                                                 const FitOptions& options) {
  return std::make_unique<ReferenceStep>(rbm, divergence, options);
}

}  // namespace layerwise
