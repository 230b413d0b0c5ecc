/// Contrastive divergence on the CPU, on the dense engine's products and passes.
///
///     positive   P1 = sigmoid(V1 W^T + c)         product, then one pass
///                H  ~ P1                          one pass: random numbers and comparison
///     negative   V2 = sigmoid(H W + b)            product, then one pass  } k times
///                P2 = sigmoid(V2 W^T + c)         product, then one pass  }
///     gradient   dW = [-P1 / n; P2 / n]^T [V1; V2]   one product for both statistics
///                W, b, c <- optimizer             one pass
///
/// V1 and V2, and P1 and P2, are the halves of one matrix each. Where chains persist, V2 does not
/// depend on P1, so that P1 and the last P2 are one product, which reads the weights once. On small
/// batches rbm_kernels.h computes the products, and the optimizer takes the gradient while it is in
/// registers; on larger ones, BLAS or oneDNN computes them.
#include <algorithm>
#include <map>
#include <numeric>
#include <vector>

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/utils.h>

#include "layerwise/engines/dense_kernels.h"
#include "layerwise/engines/processor.h"
#include "layerwise/engines/product.h"
#include "layerwise/engines/rbm_kernels.h"
#include "layerwise/engines/rbm_step.h"

namespace layerwise {

namespace {

/// The matrices for data batches of one size, and the products on them, if those are not left to
/// rbm_kernels.h.
struct RbmBuffers {
  bool small;
  torch::Tensor visible;         ///< [data rows, then chains; visible]
  torch::Tensor hidden;          ///< means, the same rows; then their share of the gradient
  torch::Tensor states;          ///< [chains, hidden]
  torch::Tensor reconstruction;  ///< [data rows, visible], only where chains persist
  std::unique_ptr<Product> up_data = {};
  std::unique_ptr<Product> up_chains = {};
  std::unique_ptr<Product> up_all = {};
  std::unique_ptr<Product> down_data = {};
  std::unique_ptr<Product> down_chains = {};
  std::unique_ptr<Product> gradient = {};
};

class CpuRbmStep : public RbmStep {
 public:
  CpuRbmStep(const Rbm& rbm, const ContrastiveDivergence& divergence, const FitOptions& options)
      : rbm_(rbm),
        divergence_(divergence),
        sgd_(std::get<Sgd>(options.optimizer)),
        learning_rate_(sgd_.learning_rate),
        l2_(options.l2),
        has_momentum_(sgd_.momentum > 0 || (divergence.first && divergence.first->momentum > 0)),
        weight_(rbm->weight.detach()),
        velocity_(torch::zeros_like(weight_)),
        gradient_(torch::empty_like(weight_)),
        hidden_velocity_(torch::zeros({rbm->options.hidden})),
        hidden_gradient_(torch::empty({rbm->options.hidden})),
        visible_velocity_(torch::zeros({rbm->options.visible})),
        visible_gradient_(torch::empty({rbm->options.visible})) {
    if (!divergence.persistent) return;
    chains_ = torch::zeros({options.batch_size, rbm->options.hidden});
    chain_rows_.resize(static_cast<size_t>(options.batch_size));
    std::iota(chain_rows_.begin(), chain_rows_.end(), 0);
  }

  void take(const torch::Tensor& data, const NoisePlace& place, bool last) override {
    torch::NoGradGuard no_grad;
    const auto rows = data.size(0);
    auto found = buffers_.find(rows);
    if (found == buffers_.end()) found = buffers_.emplace(rows, make_buffers(rows)).first;
    auto& buffers = found->second;
    copy_into(data, buffers.visible);
    auto of_chain = place;
    if (divergence_.persistent) of_chain.rows = chain_rows_;
    if (!divergence_.persistent) {
      up(buffers, buffers.up_data, 0, rows);
      sample_hidden(0, draw_place(place, 0), buffers);
    }
    for (int64_t i = 1; i <= divergence_.steps; ++i) gibbs_step(i, rows, of_chain, buffers);
    if (divergence_.persistent && last) reconstruct_data(rows, buffers);
    update(rows, buffers);
  }

  double take_error() override {
    return std::exchange(errors_, 0.0) / static_cast<double>(std::exchange(measured_, 0));
  }
  void scale_learning_rate(double factor) override { sgd_.learning_rate = learning_rate_ * factor; }
  void set_momentum(double momentum) override {
    if (sgd_.momentum == 0 && momentum > 0) {  // it begins now, as that of LibTorch's optimizer
      for (auto& velocity : {velocity_, hidden_velocity_, visible_velocity_}) velocity.zero_();
    }
    sgd_.momentum = momentum;
  }
  std::string details() const override {
    return fmt::format("fp32 on {}, {}", name_of(chosen_multiplier()), processor_choices().simd);
  }

 private:
  int64_t visible() const { return rbm_->options.visible; }
  int64_t hidden() const { return rbm_->options.hidden; }
  int64_t chains(int64_t rows) const { return divergence_.persistent ? chains_.size(0) : rows; }

  RbmBuffers make_buffers(int64_t rows) const {
    const auto count = chains(rows);
    RbmBuffers buffers{std::max(rows, count) <= rbm_kernels::most_rows,
                       torch::empty({rows + count, visible()}),
                       torch::empty({rows + count, hidden()}),
                       divergence_.persistent ? chains_ : torch::empty({count, hidden()}),
                       {}};
    if (divergence_.persistent) buffers.reconstruction = torch::empty({rows, visible()});
    if (buffers.small) return buffers;
    const auto product = [](const torch::Tensor& a, const torch::Tensor& b,
                            const torch::Tensor& c) {
      return make_product(a, b, c, chosen_multiplier());
    };
    const auto sampled = buffers.visible.narrow(0, rows, count);
    const auto of_data = buffers.hidden.narrow(0, 0, rows);
    buffers.up_data = product(buffers.visible.narrow(0, 0, rows), weight_.t(), of_data);
    buffers.up_chains = product(sampled, weight_.t(), buffers.hidden.narrow(0, rows, count));
    buffers.down_chains = product(buffers.states, weight_, sampled);
    buffers.gradient = product(buffers.hidden.t(), buffers.visible, gradient_);
    if (divergence_.persistent) {
      buffers.up_all = product(buffers.visible, weight_.t(), buffers.hidden);
      buffers.down_data = product(of_data, weight_, buffers.reconstruction);
    }
    return buffers;
  }

  rbm_kernels::Shape shape() const { return {hidden(), visible()}; }
  /// The means of the hidden units for rows of `visible`, the first of which is `begin`.
  void up(const RbmBuffers& buffers, const std::unique_ptr<Product>& product, int64_t begin,
          int64_t rows) const {
    if (buffers.small) {
      at::parallel_for(0, hidden(), hidden_at_least, [&](int64_t from, int64_t to) {
        rbm_kernels::up(buffers.visible.data_ptr<float>() + begin * visible(),
                        weight_.data_ptr<float>(), rows, shape(), from, to,
                        buffers.hidden.data_ptr<float>() + begin * hidden());
      });
    } else {
      product->run();
    }
    activate(buffers.hidden.data_ptr<float>() + begin * hidden(), rows, rbm_->hidden_bias,
             hidden_activation());
  }
  /// The means of the visible units for rows of hidden ones.
  void down(const RbmBuffers& buffers, const std::unique_ptr<Product>& product,
            const float* hidden_units, int64_t rows, float* means) const {
    if (buffers.small) {
      at::parallel_for(0, visible(), visible_at_least, [&](int64_t from, int64_t to) {
        rbm_kernels::down(hidden_units, weight_.data_ptr<float>(), rows, shape(), from, to, means);
      });
    } else {
      product->run();
    }
    activate(means, rows, rbm_->visible_bias, Activation::sigmoid);
  }

  static void copy_into(const torch::Tensor& data, const torch::Tensor& to) {
    const auto rows = data.size(0);
    if (data.scalar_type() == torch::kUInt8) {
      std::vector<int64_t> all(static_cast<size_t>(rows));
      std::iota(all.begin(), all.end(), 0);
      dense_kernels::gather_bytes(data.data_ptr<uint8_t>(), data.size(1), all.data(), rows,
                                  to.data_ptr<float>(), nullptr);
    } else {
      to.narrow(0, 0, rows).copy_(data);
    }
  }

  static void activate(float* sums, int64_t rows, const torch::Tensor& bias,
                       Activation activation) {
    dense_kernels::add_bias_and_activate(sums, bias.data_ptr<float>(), rows, bias.numel(),
                                         activation, nullptr);
  }
  Activation hidden_activation() const {
    return rbm_->options.hidden_units == HiddenUnits::bernoulli ? Activation::sigmoid
                                                                : Activation::linear;
  }

  static void sample(const float* means, int64_t columns, const NoisePlace& place, float* states) {
    dense_kernels::sample_bernoulli(
        means, static_cast<int64_t>(place.rows.size()), columns,
        {{place.key.seed, place.key.repeat}, place.step, place.stage, place.rows.data()}, states);
  }
  void sample_hidden(int64_t begin, const NoisePlace& place, RbmBuffers& buffers) const {
    const auto means = buffers.hidden.narrow(0, begin, static_cast<int64_t>(place.rows.size()));
    if (rbm_->options.hidden_units == HiddenUnits::gaussian) {
      buffers.states.copy_(means + normal_noise(place, hidden()).to(torch::kFloat32));
    } else {
      sample(means.data_ptr<float>(), hidden(), place, buffers.states.data_ptr<float>());
    }
  }

  void gibbs_step(int64_t number, int64_t rows, const NoisePlace& place, RbmBuffers& buffers) {
    const auto count = chains(rows);
    float* sampled = buffers.visible.data_ptr<float>() + rows * visible();
    down(buffers, buffers.down_chains, buffers.states.data_ptr<float>(), count, sampled);
    if (number == 1 && !divergence_.persistent) add_error(sampled, rows, buffers);
    if (divergence_.sample_visible)
      sample(sampled, visible(), draw_place(place, 2 * number - 1), sampled);
    if (divergence_.persistent && number == divergence_.steps) {
      up(buffers, buffers.up_all, 0, rows + count);
    } else {
      up(buffers, buffers.up_chains, rows, count);
    }
    if (number < divergence_.steps || divergence_.persistent)
      sample_hidden(rows, draw_place(place, 2 * number), buffers);
  }

  void reconstruct_data(int64_t rows, RbmBuffers& buffers) {
    auto* reconstruction = buffers.reconstruction.data_ptr<float>();
    down(buffers, buffers.down_data, buffers.hidden.data_ptr<float>(), rows, reconstruction);
    add_error(reconstruction, rows, buffers);
  }

  void add_error(const float* reconstruction, int64_t rows, const RbmBuffers& buffers) {
    measured_ += rows;
    errors_ += dense_kernels::squared_error(reconstruction, buffers.visible.data_ptr<float>(),
                                            rows * visible()) /
               static_cast<double>(visible());
  }

  void update(int64_t rows, RbmBuffers& buffers) {
    const auto count = chains(rows);
    const auto of_data = -1 / static_cast<float>(rows);
    const auto of_chain = 1 / static_cast<float>(count);
    add_scaled(buffers.hidden, rows, of_data, of_chain, hidden_gradient_);
    if (buffers.small) {
      at::parallel_for(0, hidden(), hidden_at_least, [&](int64_t from, int64_t to) {
        rbm_kernels::update(sgd_, l2_, buffers.hidden.data_ptr<float>(),
                            buffers.visible.data_ptr<float>(), rows + count, shape(), from, to,
                            weight_.data_ptr<float>(),
                            has_momentum_ ? velocity_.data_ptr<float>() : nullptr);
      });
    } else {
      buffers.gradient->run();
      constexpr int64_t worth_a_thread = 1 << 15;
      at::parallel_for(0, weight_.numel(), worth_a_thread, [&](int64_t from, int64_t to) {
        dense_kernels::update(sgd_, weight_.data_ptr<float>() + from,
                              gradient_.data_ptr<float>() + from,
                              velocity_.data_ptr<float>() + from, to - from, l2_, nullptr);
      });
    }
    add_scaled(buffers.visible, rows, of_data, of_chain, visible_gradient_);
    for (const auto& [bias, gradient, velocity] :
         {std::tuple(rbm_->hidden_bias, hidden_gradient_, hidden_velocity_),
          std::tuple(rbm_->visible_bias, visible_gradient_, visible_velocity_)}) {
      dense_kernels::update(sgd_, bias.data_ptr<float>(), gradient.data_ptr<float>(),
                            velocity.data_ptr<float>(), bias.numel(), 0, nullptr);
    }
  }

  /// Scales the rows of the data and those of the chains; `sums` become the sums of all.
  static void add_scaled(const torch::Tensor& m, int64_t rows, float of_data, float of_chain,
                         torch::Tensor& sums) {
    const auto columns = m.size(1);
    auto more = torch::empty_like(sums);
    auto* values = m.data_ptr<float>();
    dense_kernels::scale_and_sum(values, rows, columns, of_data, sums.data_ptr<float>());
    dense_kernels::scale_and_sum(values + rows * columns, m.size(0) - rows, columns, of_chain,
                                 more.data_ptr<float>());
    sums.add_(more);
  }

  static constexpr int64_t hidden_at_least = 64;  ///< units that are worth a thread
  static constexpr int64_t visible_at_least = 64;

  Rbm rbm_;
  ContrastiveDivergence divergence_;
  Sgd sgd_;
  double learning_rate_;  ///< without the factor of the schedule
  double l2_;
  bool has_momentum_;
  torch::Tensor weight_;
  torch::Tensor velocity_;
  torch::Tensor gradient_;
  torch::Tensor hidden_velocity_;
  torch::Tensor hidden_gradient_;
  torch::Tensor visible_velocity_;
  torch::Tensor visible_gradient_;
  torch::Tensor chains_;  ///< hidden units
  std::vector<int64_t> chain_rows_;
  std::map<int64_t, RbmBuffers> buffers_;
  double errors_ = 0;  ///< their sum over the `measured_` rows
  int64_t measured_ = 0;
};

}  // namespace

std::unique_ptr<RbmStep> make_cpu_rbm_step(const Rbm& rbm, const ContrastiveDivergence& divergence,
                                           const FitOptions& options) {
  return std::make_unique<CpuRbmStep>(rbm, divergence, options);
}

}  // namespace layerwise
