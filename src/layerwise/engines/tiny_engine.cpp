#include "layerwise/engines/tiny_engine.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>
#include <stdexcept>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <torch/utils.h>

#include "layerwise/engines/dense_stage.h"
#include "layerwise/engines/kernels.h"
#include "layerwise/engines/processor.h"
#include "layerwise/engines/step_factors.h"
#include "layerwise/engines/tiny_kernels.h"
#include "layerwise/train/check_stage.h"

namespace layerwise {

namespace {

static_assert(tiny_engine_width == tiny::max_width);

constexpr int64_t round_up(int64_t count, int64_t to) {
  return (count + to - 1) / to * to;
}

/// Memory filled with zeros that begins at a cache line, as the kernels require.
template <typename T>
class Zeros {
 public:
  Zeros() = default;
  explicit Zeros(int64_t count) {
    const auto bytes = static_cast<size_t>(round_up(count * static_cast<int64_t>(sizeof(T)), 64));
    data_.reset(static_cast<T*>(::operator new(bytes, alignment)));
    std::memset(data_.get(), 0, bytes);
  }
  T* get() const { return data_.get(); }

 private:
  static constexpr std::align_val_t alignment{64};
  struct Delete {
    void operator()(T* data) const { ::operator delete(data, alignment); }
  };
  std::unique_ptr<T, Delete> data_;
};

/// Rows of numbers, each padded to a multiple of four.
Zeros<float> padded_rows(const torch::Tensor& rows) {
  const auto values = rows.contiguous();
  const int64_t width = values.size(1);
  Zeros<float> copy(values.size(0) * tiny::padded(width));
  const auto* from = values.data_ptr<float>();
  for (int64_t row = 0; row < values.size(0); ++row)
    std::copy_n(from + row * width, width, copy.get() + row * tiny::padded(width));
  return copy;
}

Zeros<int32_t> labels_of(const torch::Tensor& labels, int64_t classes) {
  require_labels(labels, classes);
  const auto values = labels.contiguous();
  Zeros<int32_t> copy(values.size(0));
  std::copy_n(values.data_ptr<int64_t>(), values.size(0), copy.get());
  return copy;
}

/// One split in the layout that the kernels read.
struct Part {
  std::string name;
  int64_t rows;
  Zeros<float> inputs;
  Zeros<float> targets;
  Zeros<int32_t> labels;

  tiny::Samples samples() const { return {inputs.get(), targets.get(), labels.get()}; }
};

tiny::Loss loss_of(Formula loss) {
  switch (loss) {
    case Formula::cross_entropy:
      return tiny::Loss::cross_entropy;
    case Formula::squared_error:
      return tiny::Loss::squared_error;
    default:
      refuse_loss();
  }
}

tiny::Optimizer optimizer_of(const FitOptions& options) {
  if (const auto* adam = std::get_if<Adam>(&options.optimizer))
    return {*adam, options.l2, adam->steps_before};
  return {std::get<Sgd>(options.optimizer), options.l2, 0};
}

}  // namespace

class TinyEngine::Implementation {
 public:
  Implementation(const StageView& view, Problem problem, const Split& data,
                 const FitOptions& options)
      : layers_(dense_layers(view)),
        problem_(std::move(problem)),
        batch_size_(options.batch_size),
        optimizer_(optimizer_of(options)),
        learning_rate_(learning_rate_of(options.optimizer)) {
    lay_out();
    for (const auto& [name, part] : data.parts()) parts_.push_back(part_of(name, part));
    load();
  }

  double run(std::span<const int64_t> rows) {
    const FlushDenormals flush;
    const auto count = static_cast<int64_t>(rows.size());
    const auto samples = part("train").samples();
    const auto steps = static_cast<size_t>((count + batch_size_ - 1) / batch_size_);
    double sum = 0;
    for (size_t step = 0; step < steps;) {
      factors_.apply(step, [&](double factor) { set_learning_rate(factor); });
      const auto equal = factors_.equal(step, steps - step);
      const auto begin = static_cast<int64_t>(step) * batch_size_;
      const auto taken = std::min(static_cast<int64_t>(equal) * batch_size_, count - begin);
      sum += tiny::train(network_, optimizer_, samples, rows.data() + begin, taken, batch_size_);
      step += equal;
    }
    factors_.clear();
    if (count > 0) {
      const auto last = rows.last(static_cast<size_t>((count - 1) % batch_size_ + 1));
      last_batch_.assign(last.begin(), last.end());
    }
    store();
    return sum / static_cast<double>(count);
  }

  void scale_learning_rate(std::span<const double> factors) { factors_.set(factors); }

  void set_learning_rate(double factor) {
    std::visit([&](auto& rule) { rule.learning_rate = learning_rate_ * factor; }, optimizer_.rule);
  }

  std::vector<Score> evaluate(const std::string& split) {
    const auto& data = part(split);
    return scores(split, data, nullptr, data.rows);
  }

  std::vector<Score> evaluate_last_batch() {
    if (last_batch_.empty()) return {};
    return scores("last_batch", part("train"), last_batch_.data(),
                  static_cast<int64_t>(last_batch_.size()));
  }

  /// Copies the values of the blocks into the network.
  void load() {
    for_each_row(
        [](const float* theirs, float* ours, int64_t count) { std::copy_n(theirs, count, ours); });
  }

 private:
  /// Assigns a place in one block of memory to everything.
  void lay_out() {
    network_.loss = loss_of(problem_.objective.loss().formula);
    network_.tile = batch_size_ <= 32 ? 32 : 64;
    int64_t place = 0;
    for (const auto& layer : layers_) {
      const auto& [in, out, activation] = layer->options;
      network_.layers.push_back({in, out, activation, place, 0, nullptr});
      place += out * tiny::padded(in);
    }
    network_.weights = place = round_up(place, 16);
    for (auto& layer : network_.layers) {
      layer.bias = place;
      place += tiny::padded(layer.out);
    }
    network_.size = round_up(place, 16);

    const bool adam = std::holds_alternative<Adam>(optimizer_.rule);
    const int64_t tile = network_.tile;
    const int64_t inputs = tiny::padded(network_.layers.front().in) * tile;
    const bool own_targets =
        problem_.target == Target::given && network_.loss == tiny::Loss::squared_error;
    const int64_t targets = own_targets ? tiny::padded(network_.layers.back().out) * tile : 0;
    int64_t floats = network_.size * (adam ? 4 : 3) + inputs + targets + 2 * tiny::max_width * tile;
    for (const auto& layer : network_.layers) floats += tiny::padded(layer.out) * tile;
    memory_ = Zeros<float>(floats);
    label_ = Zeros<int32_t>(tile);
    float* next = memory_.get();
    const auto take = [&](int64_t count) { return std::exchange(next, next + count); };
    network_.value = take(network_.size);
    network_.gradient = take(network_.size);
    network_.first = take(network_.size);
    network_.second = adam ? take(network_.size) : nullptr;
    network_.input = take(inputs);
    network_.target = own_targets ? take(targets) : network_.input;
    network_.label = label_.get();
    for (auto& delta : network_.delta) delta = take(tiny::max_width * tile);
    for (auto& layer : network_.layers) layer.output = take(tiny::padded(layer.out) * tile);
  }

  Part part_of(const std::string& name, const Dataset& data) const {
    Part part{name, data.size(), padded_rows(values_of(data.inputs)), {}, {}};
    if (network_.loss == tiny::Loss::cross_entropy) {
      part.labels = labels_of(data.targets, network_.layers.back().out);
    } else if (problem_.target == Target::given) {
      part.targets = padded_rows(values_of(data.targets));
    }
    return part;
  }

  const Part& part(const std::string& name) const {
    for (const auto& part : parts_) {
      if (part.name == name) return part;
    }
    throw std::invalid_argument(fmt::format("evaluate: there is no split '{}'", name));
  }

  template <typename Copy>
  void for_each_row(Copy copy) {
    for (size_t l = 0; l < layers_.size(); ++l) {
      const auto& place = network_.layers[l];
      float* weight = layers_[l]->weight.data_ptr<float>();
      for (int64_t o = 0; o < place.out; ++o) {
        copy(weight + o * place.in, network_.value + place.weight + o * tiny::padded(place.in),
             place.in);
      }
      copy(layers_[l]->bias.data_ptr<float>(), network_.value + place.bias, place.out);
    }
  }
  void store() {
    for_each_row(
        [](float* theirs, const float* ours, int64_t count) { std::copy_n(ours, count, theirs); });
  }

  std::vector<Score> scores(const std::string& split, const Part& data, const int64_t* rows,
                            int64_t count) {
    const FlushDenormals flush;
    const auto sums = tiny::evaluate(network_, data.samples(), rows, count);
    std::vector<Score> scores;
    for (const auto& metric : problem_.objective.metrics) {
      const double sum = metric.formula == Formula::accuracy ? sums.hits : sums.loss;
      scores.push_back({split, metric.name, plain_nan(sum / static_cast<double>(count))});
    }
    return scores;
  }

  std::vector<Dense> layers_;
  Problem problem_;
  int64_t batch_size_;
  tiny::Optimizer optimizer_;
  double learning_rate_;  ///< without the factor of the schedule
  StepFactors factors_;
  tiny::Network network_{};
  Zeros<float> memory_;
  Zeros<int32_t> label_;
  std::vector<Part> parts_;
  std::vector<int64_t> last_batch_;
};

TinyEngine::TinyEngine(const StageView& view, Problem problem, const Split& data,
                       const FitOptions& options) {
  use_.details = processor_choices().simd;
  implementation_ = std::make_unique<Implementation>(view, std::move(problem), data, options);
}

TinyEngine::~TinyEngine() = default;

double TinyEngine::run(std::span<const int64_t> rows) {
  return implementation_->run(rows);
}

std::vector<Score> TinyEngine::evaluate(const std::string& split) {
  return implementation_->evaluate(split);
}

std::vector<Score> TinyEngine::evaluate_last_batch() {
  return implementation_->evaluate_last_batch();
}

void TinyEngine::weights_changed() {
  implementation_->load();
}

void TinyEngine::scale_learning_rate(std::span<const double> factors) {
  implementation_->scale_learning_rate(factors);
}

}  // namespace layerwise
