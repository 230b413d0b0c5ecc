#include "layerwise/pretraining/supervised_deepening.h"

#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "layerwise/names.h"

namespace layerwise {

namespace {

std::shared_ptr<torch::nn::Module> newest_block(const GreedyNet& net) {
  return net->blocks().back().ptr();
}

const Block& head_of(const GreedyNet& net) {
  return *std::as_const(*net->head).begin();
}

constexpr auto ensemble_metric = "ensemble_accuracy";

constexpr auto head_policies = std::to_array<std::pair<HeadPolicy, const char*>>(
    {{HeadPolicy::kept, "kept"}, {HeadPolicy::fresh, "fresh"}, {HeadPolicy::warm, "warm"}});

/// The mean of all heads' class probabilities on the rows that do not train.
class Ensemble {
 public:
  /// Takes up the heads of the stages that the network has completed.
  Ensemble(StageRunner& runner, const Split& data, int64_t done, const CacheOptions& options) {
    if (done == 0) return;
    const auto& net = runner.net;
    auto exit = std::as_const(*net->exits).begin();
    const auto behind = net->exits->named_children();
    int64_t kept = 0;
    int64_t count = 0;
    const auto add_head = [&](const Block& head) {
      runner.keep(std::exchange(kept, count), options);
      add(data, [&](const std::string& split) { return runner.output(split, count, head); });
    };
    for (const auto& name : net->hidden->named_children()) {
      ++count;
      if (behind.contains(name.key())) add_head(*exit++);
    }
    add_head(head_of(net));
  }

  /// Adds the head of a stage.
  /// @param logits_of its output for a split
  /// @returns the accuracy of the ensemble with it
  std::vector<Score> add(const Split& data,
                         const std::function<torch::Tensor(const std::string& split)>& logits_of) {
    std::vector<Score> scores;
    for (const auto& [split, part] : data.parts()) {
      if (split == "train") continue;
      const auto shares = torch::softmax(logits_of(split), 1);
      auto& sum = sums_[split];
      sum = sum.defined() ? sum + shares * weight_ : shares;
      Pass pass;
      pass.output = sum;
      pass.target = part.targets.to(sum.device());
      scores.push_back({split, ensemble_metric, accuracy_.mean(pass).item<double>()});
    }
    weight_ *= 2;
    return scores;
  }

 private:
  Metric accuracy_ = classification().metrics.front();
  std::map<std::string, torch::Tensor> sums_;
  double weight_ = 1;
};

/// The head of the next stage, which is not kept.
Block next_head(const GreedyNet& net, const Block& old, const SupervisedDeepeningOptions& options,
                int64_t stage, Random& random) {
  auto next = make_block(options.next_head, stage, random, net->device());
  if (options.head == HeadPolicy::warm && copy_matching_values(*old.ptr(), *next.ptr()) == 0)
    throw std::invalid_argument("deepen_supervised: the new head has no tensor of the old one");
  return next;
}

/// Gives the network the head of the next stage.
void exchange_head(GreedyNet& net, const SupervisedDeepeningOptions& options, int64_t stage,
                   Random& random) {
  if (options.head == HeadPolicy::kept) return;
  auto next = next_head(net, head_of(net), options, stage, random);
  if (options.ensemble) {
    net->keep_head_as_exit(std::move(next));
  } else {
    net->exchange_head(std::move(next));
  }
}

/// Checks that the data fit the network as it is and as each further stage will find it, with
/// blocks and heads that are made for this alone.
/// @param stage the last one that the network has the blocks of
void check_stages(const StageRunner& runner, const Split& data,
                  const SupervisedDeepeningOptions& options, const BlockFactory& next_block,
                  int64_t stage, Random random) {
  auto blocks = runner.net->blocks();
  auto head = head_of(runner.net);
  const auto check = [&] {
    runner.check(stage, data, classification(), options.fit, blocks, head);
  };
  check();
  while (static_cast<int64_t>(blocks.size()) + 1 < options.layers) {
    ++stage;
    blocks.push_back(make_block(next_block, stage, random, runner.net->device()));
    if (options.head != HeadPolicy::kept)
      head = next_head(runner.net, head, options, stage, random);
    check();
  }
}

}  // namespace

const char* name_of(HeadPolicy policy) {
  return names::of(head_policies, policy);
}
HeadPolicy head_policy_named(const std::string& name) {
  return names::value(head_policies, "head policy", name);
}
std::vector<std::string> head_policy_names() {
  return names::all(head_policies);
}

Plan plan_of(const SupervisedDeepeningOptions& options, const Split& data) {
  const auto scores = scores_of(names_of(data), {"accuracy", "cross_entropy"});
  auto of_stage = scores;
  if (options.ensemble) {
    for (const auto& split : names_of(data)) {
      if (split != "train") of_stage.emplace_back(split, ensemble_metric);
    }
  }
  Plan plan;
  for (int64_t layers = 2; layers <= options.layers; ++layers)
    plan.emplace_back(StageInfo{layers - 1, layers, "", Task::classification}, options.fit.epochs,
                      of_stage);
  if (options.fine_tuning) {
    plan.emplace_back(StageInfo{options.layers, options.layers, "fine_tuned", Task::classification},
                      options.fine_tuning->epochs, scores);
    plan.back().of_network = false;
  }
  if (options.code_statistics && data.train.size() > 1)
    std::for_each(plan.begin(), plan.end(), add_code_scores);
  return plan;
}

void deepen_supervised(GreedyNet& net, const Split& data, const SupervisedDeepeningOptions& options,
                       const BlockFactory& next_block, Random& random, const Observer& observer,
                       int64_t done) {
  if (options.layers < net->layers()) {
    throw std::invalid_argument(
        fmt::format("deepen_supervised: {} layers asked for, the network has {}", options.layers,
                    net->layers()));
  }
  if ((options.head == HeadPolicy::kept) == static_cast<bool>(options.next_head)) {
    throw std::invalid_argument(
        fmt::format("deepen_supervised: the head is {}, and `next_head` is "
                    "{}given",
                    name_of(options.head), options.next_head ? "" : "not "));
  }
  if (options.ensemble && options.head == HeadPolicy::kept)
    throw std::invalid_argument("deepen_supervised: a kept head is no ensemble");
  const int64_t stages = options.layers - net->layers() + std::max<int64_t>(done, 1);
  const auto fit_of_stage = [&](int64_t number) {
    auto fit = options.fit;
    fit.schedule = in_stage(fit.schedule, number, stages);
    return fit;
  };
  check(fit_of_stage(1), data.train.size());
  if (options.fine_tuning) check(options.fine_tuning->applied_to(options.fit), data.train.size());
  StageRunner runner(net, data, observer, {options.code_statistics, options.augmentation});
  check_stages(runner, data, options, next_block, std::max<int64_t>(done, 1), random);
  int64_t stage = done;
  std::optional<Ensemble> heads;
  if (options.ensemble) heads.emplace(runner, data, done, options.fit.engine.cache);
  const auto of_ensemble = [&] {
    return heads->add(data, [&](const auto& split) {
      return runner.output(split, net->layers() - 1, head_of(net));
    });
  };
  const auto fit = [&](const char* variant, const FitOptions& fit_options, bool ensemble) {
    ++stage;
    const StageInfo info{stage, net->layers(), variant, Task::classification};
    const auto further = ensemble ? of_ensemble : std::function<std::vector<Score>()>();
    return !runner.fit(info, data, classification(), fit_options, random, further).diverged();
  };

  const auto fit_newest = [&] {
    const Snapshot initial(*newest_block(net));
    if (!fit("", fit_of_stage(stage + 1), options.ensemble)) return false;
    if (options.earlier_blocks == EarlierBlocks::random && net->layers() < options.layers)
      initial.restore();
    runner.checkpoint(stage, random);
    return true;
  };
  bool finite = done > 0 || fit_newest();
  while (finite && net->layers() < options.layers) {
    net->deepen(make_block(next_block, stage + 1, random));
    if (options.earlier_blocks == EarlierBlocks::trained) net->unfreeze();
    exchange_head(net, options, stage + 1, random);
    finite = fit_newest();
  }

  if (finite && options.fine_tuning) {
    const Snapshot untouched(*net);
    net->unfreeze();
    fit("fine_tuned", options.fine_tuning->applied_to(options.fit), false);
    untouched.restore();
  }
}

}  // namespace layerwise
