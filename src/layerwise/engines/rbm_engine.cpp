#include "layerwise/engines/rbm_engine.h"

#include <algorithm>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <torch/nn/functional/activation.h>
#include <torch/nn/functional/linear.h>
#include <torch/utils.h>

#include "layerwise/data/chunks.h"
#include "layerwise/engines/processor.h"
#include "layerwise/engines/rbm_step.h"
#include "layerwise/engines/stage_pass.h"
#include "layerwise/engines/step_factors.h"

namespace layerwise {

namespace {

constexpr uint32_t only_evaluates = uint32_t{1} << 31;

Rbm rbm_of(const StageView& view) {
  auto module = view.trained.size() == 1
                    ? std::dynamic_pointer_cast<RbmImpl>(view.trained.front().ptr())
                    : nullptr;
  if (!module)
    throw std::invalid_argument("contrastive divergence trains one block, which is an Rbm");
  return Rbm(module);
}

/// Why the step on the dense engine's kernels cannot be taken; empty if it can.
std::string why_not_kernels(const Rbm& rbm, const FitOptions& options) {
  if (!rbm->weight.is_cpu()) return "its kernels for an RBM compute on the CPU only";
  if (rbm->weight.scalar_type() != torch::kFloat32) return "the weights are not float32";
  if (!std::holds_alternative<Sgd>(options.optimizer))
    return "it has no kernel for an RBM with this optimizer";
  return {};
}

class RbmEngine : public Engine {
 public:
  RbmEngine(const StageView& view, const Problem& problem, const Split& data,
            const FitOptions& options, const ContrastiveDivergence& divergence)
      : rbm_(rbm_of(view)),
        pass_(view, problem, data, Precision::fp32),
        batch_size_(options.batch_size),
        first_(divergence.first),
        steps_per_epoch_(steps_per_epoch(data.train.size(), options)),
        own_inputs_(view.frozen.empty()) {
    require_shares(data.train.inputs);
    if (problem.corruption || problem.augmentation)
      throw std::invalid_argument("contrastive divergence has no corruption and no augmentation");
    if (const auto* sgd = std::get_if<Sgd>(&options.optimizer)) momentum_ = sgd->momentum;
    if (first_ && !std::holds_alternative<Sgd>(options.optimizer))
      throw std::invalid_argument("contrastive divergence: only sgd has a momentum to begin with");
    make_step(divergence, options);
  }

  double run(std::span<const int64_t> rows) override {
    const FlushDenormals flush;
    size_t number = 0;
    for (size_t begin = 0; begin < rows.size(); begin += static_cast<size_t>(batch_size_)) {
      const auto size = std::min(static_cast<size_t>(batch_size_), rows.size() - begin);
      const auto batch = rows.subspan(begin, size);
      if (first_)
        step_->set_momentum(steps_ < first_->epochs * steps_per_epoch_ ? first_->momentum
                                                                       : momentum_);
      factors_.apply(number++, [&](double factor) { step_->scale_learning_rate(factor); });
      step_->take(features_of(pass_.data().train.inputs, batch), pass_.place_of(batch, steps_),
                  begin + size == rows.size());
      ++steps_;
      last_batch_.assign(batch.begin(), batch.end());
    }
    factors_.clear();
    return step_->take_error();
  }

  std::vector<Score> evaluate(const std::string& split) override {
    return scores_of(pass_.part(split).inputs, split);
  }

  std::vector<Score> evaluate_last_batch() override {
    if (last_batch_.empty()) return {};
    return scores_of(rows_of({pass_.data().train.inputs, {}}, last_batch_).inputs, "last_batch");
  }

  void scale_learning_rate(std::span<const double> factors) override { factors_.set(factors); }

 private:
  void make_step(const ContrastiveDivergence& divergence, const FitOptions& options) {
    const auto kind = options.engine.kind;
    if (options.engine.precision != Precision::fp32)
      throw EngineUnavailable("an RBM is trained in fp32 only");
    if (kind == EngineKind::tiny)
      throw EngineUnavailable("the tiny engine cannot do this: it has no kernel for an RBM");
    const auto fault =
        kind == EngineKind::autograd ? std::string() : why_not_kernels(rbm_, options);
    if (kind == EngineKind::dense && !fault.empty())
      throw EngineUnavailable("the dense engine cannot do this: " + fault);
    const bool kernels = kind != EngineKind::autograd && fault.empty();
    step_ = kernels ? make_cpu_rbm_step(rbm_, divergence, options)
                    : make_reference_rbm_step(rbm_, divergence, options);
    use_.details = step_->details();
    std::string reason;
    if (kind == EngineKind::automatic) reason = kernels ? "an RBM" : "not dense: " + fault;
    explain(kernels ? "dense" : "autograd", reason);
  }

  /// The visible units are Bernoulli.
  void require_shares(const torch::Tensor& inputs) const {
    if (!own_inputs_ || inputs.scalar_type() == torch::kUInt8) return;
    const auto least = inputs.min().item<double>();
    const auto most = inputs.max().item<double>();
    if (least >= 0 && most <= 1) return;
    throw std::invalid_argument(
        fmt::format("the visible units of an RBM take values in [0, 1], and the inputs lie in "
                    "[{:.3g}, {:.3g}]",
                    least, most));
  }

  torch::Tensor features_of(const torch::Tensor& inputs, std::span<const int64_t> rows) {
    const auto given = rows_of({inputs, {}}, rows, rbm_->weight.device()).inputs;
    return own_inputs_ ? given : pass_.chain().features(values_for(rbm_->weight, given));
  }

  /// In chunks of a fixed size, so that the bits of a row do not depend on the caller.
  std::vector<Score> scores_of(const torch::Tensor& inputs, const std::string& split) {
    torch::NoGradGuard no_grad;
    constexpr int64_t at_once = 1024;
    auto sums = torch::zeros({3}, torch::dtype(torch::kFloat64).device(rbm_->weight.device()));
    for_each_chunk(inputs.size(0), at_once, [&](int64_t begin, int64_t rows) {
      const auto chunk = values_for(rbm_->weight, inputs.narrow(0, begin, rows));
      sums += sums_over(pass_.chain().features(chunk), begin);
    });
    const auto means = (sums / static_cast<double>(inputs.size(0))).cpu();
    std::vector<Score> scores;
    for (const auto& metric : rbm_objective().metrics) {
      const auto value = means[static_cast<int64_t>(scores.size())].item<double>();
      scores.push_back({split, metric.name, plain_nan(value)});
    }
    return scores;
  }

  /// The sums over rows of the three metrics. Flipping one visible unit changes the sums of the
  /// hidden units by one row of the weights, which saves a product.
  /// @param begin the number of the first row
  torch::Tensor sums_over(const torch::Tensor& v, int64_t begin) const {
    const auto sums = torch::nn::functional::linear(v, rbm_->weight, rbm_->hidden_bias);
    const bool bernoulli = rbm_->options.hidden_units == HiddenUnits::bernoulli;
    const auto means = bernoulli ? torch::sigmoid(sums) : sums;
    const auto error = (rbm_->visible_means(means) - v).square().mean(1);
    const auto energy = rbm_->free_energy_of(v, sums);
    const auto units = flipped_units(begin, v.size(0));
    const auto place = units.unsqueeze(1);
    const auto change = 1 - 2 * v.gather(1, place);
    const auto flipped = v.scatter(1, place, v.gather(1, place) + change);
    const auto flipped_sums = sums + change * rbm_->weight.t().index_select(0, units);
    const auto difference = rbm_->free_energy_of(flipped, flipped_sums) - energy;
    const auto likelihood =
        static_cast<double>(rbm_->options.visible) * torch::nn::functional::logsigmoid(difference);
    return torch::stack(
        {error.sum(torch::kFloat64), energy.sum(torch::kFloat64), likelihood.sum(torch::kFloat64)});
  }

  /// The visible unit of each row that the pseudo-likelihood asks about: the same every time.
  torch::Tensor flipped_units(int64_t begin, int64_t rows) const {
    std::vector<int64_t> numbers(static_cast<size_t>(rows));
    std::iota(numbers.begin(), numbers.end(), begin);
    auto place = pass_.place_of(numbers, 0);
    place.stage += only_evaluates;
    const auto u = uniform_noise(place, 1, rbm_->weight.device()).select(1, 0);
    return u.mul(static_cast<double>(rbm_->options.visible)).floor().to(torch::kInt64);
  }

  Rbm rbm_;
  StagePass pass_;
  int64_t batch_size_;
  std::optional<ContrastiveDivergence::FirstEpochs> first_;
  int64_t steps_per_epoch_;
  bool own_inputs_;  ///< whether the inputs are those of the RBM itself
  double momentum_ = 0;
  std::unique_ptr<RbmStep> step_;
  int64_t steps_ = 0;
  StepFactors factors_;
  std::vector<int64_t> last_batch_;
};

}  // namespace

EngineFactory contrastive_divergence(const ContrastiveDivergence& divergence) {
  check(divergence);
  return [=](const StageView& view, const Problem& problem, const Split& data,
             const FitOptions& options) -> std::unique_ptr<Engine> {
    return std::make_unique<RbmEngine>(view, problem, data, options, divergence);
  };
}

}  // namespace layerwise
