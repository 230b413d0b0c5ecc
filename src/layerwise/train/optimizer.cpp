#include "layerwise/train/optimizer.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace layerwise {

namespace {

void require_option(bool condition, const std::string& message) {
  if (!condition) throw std::invalid_argument("fit: " + message);
}

void require_share(const char* name, double value) {
  require_option(value >= 0 && value < 1, fmt::format("{} is {}", name, value));
}

void require_positive(const char* name, double value) {
  require_option(value > 0 && std::isfinite(value), fmt::format("{} is {}", name, value));
}

void check_betas(double beta1, double beta2, double epsilon) {
  require_share("beta1", beta1);
  require_share("beta2", beta2);
  require_positive("epsilon", epsilon);
}

/// A visitor: what is its own of each optimizer.
struct Check {
  void operator()(const Sgd& sgd) const {
    require_share("momentum", sgd.momentum);
    require_option(!sgd.nesterov || sgd.momentum > 0, "nesterov without momentum");
  }
  void operator()(const Adam& adam) const {
    check_betas(adam.beta1, adam.beta2, adam.epsilon);
    require_option(adam.steps_before >= 0, fmt::format("steps_before is {}", adam.steps_before));
  }
  void operator()(const AdamW& adam) const {
    check_betas(adam.beta1, adam.beta2, adam.epsilon);
    require_option(adam.weight_decay >= 0 && std::isfinite(adam.weight_decay),
                   fmt::format("weight_decay is {}", adam.weight_decay));
  }
  void operator()(const RmsProp& rms) const {
    require_share("alpha", rms.alpha);
    require_positive("epsilon", rms.epsilon);
    require_share("momentum", rms.momentum);
  }
  void operator()(const OwnOptimizer& own) const {
    require_option(static_cast<bool>(own.make), "the optimizer of one's own has no `make`");
  }
};

/// In the order of the variant.
constexpr std::array optimizers{"sgd", "adam", "adamw", "rmsprop", "own"};
static_assert(optimizers.size() == std::variant_size_v<Optimizer>);

}  // namespace

double learning_rate_of(const Optimizer& optimizer) {
  return std::visit([](const auto& kind) { return kind.learning_rate; }, optimizer);
}

void set_learning_rate(Optimizer& optimizer, double learning_rate) {
  std::visit([&](auto& kind) { kind.learning_rate = learning_rate; }, optimizer);
}

bool takes_l2(const Optimizer& optimizer) {
  return !std::holds_alternative<AdamW>(optimizer) &&
         !std::holds_alternative<OwnOptimizer>(optimizer);
}

void check(const Optimizer& optimizer) {
  require_positive("learning_rate", learning_rate_of(optimizer));
  std::visit(Check(), optimizer);
}

Optimizer optimizer_named(const std::string& name) {
  if (name == name_of(Sgd())) return Sgd();
  if (name == name_of(Adam())) return Adam();
  if (name == name_of(AdamW())) return AdamW();
  if (name == name_of(RmsProp())) return RmsProp();
  throw std::invalid_argument(
      fmt::format("optimizer '{}' is none of {}", name, fmt::join(optimizer_names(), ", ")));
}

const char* name_of(const Optimizer& optimizer) {
  return optimizers.at(optimizer.index());
}

std::vector<std::string> optimizer_names() {
  return {optimizers.begin(), std::prev(optimizers.end())};
}

}  // namespace layerwise
