#include "layerwise/engines/autograd_engine.h"

#include <algorithm>
#include <string>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <torch/cuda.h>
#include <torch/utils.h>

#include "layerwise/engines/precision.h"
#include "layerwise/engines/torch_optimizer.h"
#include "layerwise/nn/chain.h"
#include "layerwise/nn/dense.h"
#include "layerwise/torch_random.h"

namespace layerwise {

namespace {

/// Whether a block may draw random numbers: all may, except this library's own.
bool may_draw(const Block& block) {
  return block.ptr()->as<DenseImpl>() == nullptr &&
         block.ptr()->as<TransposedDenseImpl>() == nullptr;
}

/// Batches are gathered several at a time: as many complete ones as this many bytes of inputs hold.
/// On the CPU they stay in its cache; elsewhere each gathering uploads row numbers, which the
/// device waits for.
int64_t gathered_bytes(torch::Device device) {
  return int64_t{1} << (device.is_cpu() ? 18 : 26);
}

}  // namespace

std::string why_not_autograd(const StageView& view, const Problem&, const Split&,
                             const FitOptions& options) {
  const auto precision = options.engine.precision;
  if (precision == Precision::fp32) return {};
  const auto parameter = first_parameter(*chain_of(view.trained));
  if (!parameter.defined() || parameter.scalar_type() != torch::kFloat32)
    return fmt::format("{} needs float32 weights to round", name_of(precision));
  return why_not_in(precision, parameter.device());
}

AutogradEngine::AutogradEngine(const StageView& view, Problem problem, Split data,
                               const FitOptions& options)
    : pass_(view, std::move(problem), std::move(data), options.engine.precision),
      batch_size_(options.batch_size),
      optimizer_(trainable_parameters(*pass_.chain().trained()), options) {
  if (std::none_of(view.trained.begin(), view.trained.end(), may_draw)) return;
  const auto& [noise, stage] = std::tie(pass_.problem().noise, pass_.problem().stage);
  if (pass_.chain().parameter().is_cuda()) {  // where repeats run one after another
    torch::cuda::manual_seed_all(torch_seed(noise, stage));
  } else {
    generator_ = torch_generator(noise, stage);
  }
}

double AutogradEngine::run(std::span<const int64_t> rows) {
  pass_.chain().train(true);
  std::optional<WithGenerator> drawing;
  if (generator_) drawing.emplace(*generator_);
  const auto& problem = pass_.problem();
  const auto& inputs = pass_.data().train.inputs;
  const auto device = pass_.chain().parameter().device();
  const auto row_bytes =
      static_cast<int64_t>(inputs.nbytes()) / std::max<int64_t>(1, inputs.size(0));
  const int64_t batches_at_once =
      std::max<int64_t>(1, gathered_bytes(device) / std::max<int64_t>(1, row_bytes * batch_size_));
  const auto stride = static_cast<size_t>(batches_at_once * batch_size_);
  auto sum = torch::zeros({}, torch::dtype(torch::kFloat64).device(device));
  size_t step = 0;
  for (size_t begin = 0; begin < rows.size(); begin += stride) {
    const auto some_rows = rows.subspan(begin, std::min(stride, rows.size() - begin));
    const auto some = pass_.batch_of(some_rows);
    const auto count = static_cast<int64_t>(some_rows.size());
    for (int64_t first = 0; first < count; first += batch_size_) {
      const int64_t size = std::min(batch_size_, count - first);
      const auto batch = some_rows.subspan(static_cast<size_t>(first), static_cast<size_t>(size));
      torch::Tensor reported;
      const auto evaluate = [&] {
        optimizer_.zero_grad();
        const auto pass = pass_.forward(
            some.inputs.narrow(0, first, size),
            some.targets.defined() ? some.targets.narrow(0, first, size) : some.targets,
            pass_.place_of(batch, steps_), problem.corruption.has_value(),
            problem.augmentation.has_value());
        const auto& terms = problem.objective.terms;
        const auto value = terms.front().metric.mean(pass);
        auto loss = terms.front().weight == 1 ? value : value * terms.front().weight;
        for (size_t i = 1; i < terms.size(); ++i)
          loss = loss + terms[i].metric.mean(pass) * terms[i].weight;
        loss.backward();
        if (!reported.defined()) reported = value.detach();
        return loss;
      };
      // Before the step, since an optimizer of one's own need not evaluate anything itself.
      const auto loss = evaluate();
      bool known = true;
      factors_.apply(step++, [&](double factor) { optimizer_.scale_learning_rate(factor); });
      optimizer_.step([&] { return std::exchange(known, false) ? loss : evaluate(); });
      sum.add_(reported, static_cast<double>(size));
      ++steps_;
      if (begin + static_cast<size_t>(first + size) == rows.size())
        last_batch_.assign(batch.begin(), batch.end());
    }
  }
  factors_.clear();
  return sum.item<double>() / static_cast<double>(rows.size());
}

std::vector<Score> AutogradEngine::evaluate(const std::string& split) {
  return pass_.evaluate(split);
}

void AutogradEngine::scale_learning_rate(std::span<const double> factors) {
  factors_.set(factors);
}

std::vector<Score> AutogradEngine::evaluate_last_batch() {
  return pass_.evaluate_batch(last_batch_, steps_ - 1);
}

}  // namespace layerwise
