#include "cnn_supervised/cnn.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/utils.h>

#include "layerwise/data/dataset.h"
#include "layerwise/nn/convolution.h"
#include "layerwise/nn/dense.h"

namespace layerwise::apps {

namespace {

namespace nn = torch::nn;

constexpr int64_t kernel_size = 3;
constexpr auto network_group = "Network";
constexpr auto training_group = "Training";

/// Dense, batch normalization, ReLU, of images or of rows.
std::vector<Block> dense_layers(int64_t inputs, int64_t units, const CnnOptions& options,
                                RandomState& draw) {
  std::vector<Block> layers{
      Block(nn::Flatten()),
      Block(make_dense({inputs, units, Activation::linear}, options.initializer, draw))};
  if (options.batch_norm) layers.emplace_back(nn::BatchNorm1d(units));
  layers.emplace_back(nn::ReLU());
  if (options.dropout > 0) layers.emplace_back(nn::Dropout(options.dropout));
  return layers;
}

Block as_one(const std::vector<Block>& layers) {
  return Block(SequentialBlock(chain_of(layers)));
}

int64_t classes_of(const Split& data) {
  int64_t last = 0;
  for (const auto& [name, part] : data.parts())
    last = std::max(last, part.targets.max().item<int64_t>());
  return last + 1;
}

/// Makes the blocks and heads of one network, from the first up.
class Maker {
 public:
  /// @param data the images that the first block takes, and their classes
  Maker(const CnnOptions& options, const Split& data, int64_t k)
      : options_(options),
        channels_(data.train.inputs.size(1)),
        pixels_(data.train.inputs[0].numel()),
        classes_(classes_of(data)),
        k_(k) {}

  /// @param number of the block, from 1
  Block block(int64_t number, RandomState& draw) const {
    if (options_.network == CnnOptions::Network::dense) {
      const int64_t inputs = number > 1 ? width(number - 1) : pixels_;
      return as_one(dense_layers(inputs, width(number), options_, draw));
    }
    const int64_t inputs = number > 1 ? width(number - 1) : channels_;
    return Block(make_convolution({.in_channels = inputs,
                                   .out_channels = width(number),
                                   .kernel_size = kernel_size,
                                   .batch_norm = options_.batch_norm,
                                   .space_to_depth = options_.halves(number) ? 2 : 1},
                                  draw, options_.initializer));
  }
  /// The head behind a block.
  Block head(int64_t number, RandomState& draw) const {
    if (options_.network == CnnOptions::Network::dense) {
      std::vector<Block> layers;
      for (int64_t i = 1; i < k_; ++i) {
        const auto more = dense_layers(width(number), width(number), options_, draw);
        layers.insert(layers.end(), more.begin(), more.end());
      }
      layers.emplace_back(make_dense({width(number), classes_, Activation::linear},
                                     options_.output_initializer(), draw));
      return as_one(layers);
    }
    return Block(make_pooled_head({.channels = width(number),
                                   .classes = classes_,
                                   .convolutions = k_ - 1,
                                   .batch_norm = options_.batch_norm},
                                  draw, options_.initializer, options_.output_initializer()));
  }
  /// A network of so many blocks, drawn from the first up.
  GreedyNet net(int64_t depth, RandomState& draw) const {
    std::vector<Block> blocks;
    for (int64_t number = 1; number <= depth; ++number) blocks.push_back(block(number, draw));
    return GreedyNet(blocks, head(depth, draw));
  }

  /// The factories of a network that is deepened.
  BlockFactory next_block() const {
    return [this](int64_t stage, RandomState& draw) { return block(stage, draw); };
  }
  BlockFactory next_head(HeadPolicy policy) const {
    if (policy == HeadPolicy::kept) return {};
    return [this](int64_t stage, RandomState& draw) { return head(stage, draw); };
  }

 private:
  int64_t width(int64_t block) const { return options_.widths[static_cast<size_t>(block - 1)]; }

  const CnnOptions& options_;
  int64_t channels_;
  int64_t pixels_;  // of all channels
  int64_t classes_;
  int64_t k_;
};

Arm deepening_arm(const std::string& name, const std::string& description,
                  const CnnOptions& options, const EngineOptions& engine, int64_t k,
                  EarlierBlocks earlier, const Split& data) {
  SupervisedDeepeningOptions deepening{
      .layers = options.depth() + 1,
      .fit = options.fit(engine),
      .head = options.head,
      .ensemble = options.head != HeadPolicy::kept && earlier == EarlierBlocks::frozen,
      .augmentation = options.augmentation(data.train.inputs),
      .earlier_blocks = earlier};
  return {name, description, plan_of(deepening, data), [=](Repeat& repeat, const Split& split) {
            auto of_net = deepening;
            const Maker maker(options, split, k);
            auto net = maker.net(1, repeat.random.initialization);
            const auto next = maker.next_block();
            of_net.next_head = maker.next_head(options.head);
            const auto done = repeat.go_on_with(net, next, of_net.next_head, of_net.ensemble);
            deepen_supervised(net, split, of_net, next, repeat.random, repeat.observer, done);
          }};
}

/// The same networks, all blocks trained from random weights, at every depth.
/// @param length of the fit of each depth, as a multiple of a stage's
Arm end_to_end(const std::string& name, const std::string& description, const CnnOptions& options,
               const EngineOptions& engine, const std::function<double(int64_t depth)>& length,
               const Split& data) {
  const auto fit_of = [=, rows = data.train.size()](int64_t depth) {
    auto fit = options.fit(engine);
    const auto an_epoch = steps_per_epoch(rows, fit);
    fit.steps = std::llround(static_cast<double>(steps_of(rows, fit)) * length(depth));
    fit.epochs = (fit.steps + an_epoch - 1) / an_epoch;
    const auto stages = fit.schedule.over_all_stages ? options.depth() : 1;
    fit.schedule = stretched(fit.schedule, length(depth) / static_cast<double>(stages));
    fit.schedule.over_all_stages = false;
    return fit;
  };
  Plan plan;
  for (int64_t depth = 1; depth <= options.depth(); ++depth) {
    plan.emplace_back(stage_of(depth), fit_of(depth).epochs,
                      scores_of(names_of(data), {"accuracy", "cross_entropy"}));
    plan.back().work *= static_cast<double>(depth);
  }
  return {name, description, plan, [=](Repeat& repeat, const Split& split) {
            const auto start = repeat.random;
            const auto k = options.head_layers.front();
            const Maker maker(options, split, k);
            auto kept = maker.net(1, repeat.random.initialization);
            auto depth =
                repeat.go_on_with(kept, maker.next_block(), maker.next_head(HeadPolicy::fresh));
            while (++depth <= options.depth()) {
              auto random = start;
              auto net = maker.net(depth, random.initialization);
              net->to(repeat.device);
              StageRunner runner(net, split, repeat.observer,
                                 {.augmentation = options.augmentation(split.train.inputs)});
              if (runner.fit(stage_of(depth), split, classification(), fit_of(depth), random)
                      .diverged())
                return;
              runner.checkpoint(depth, random);
            }
          }};
}

}  // namespace

CnnOptions::CnnOptions() {
  data.dataset = "fashion-mnist";
  data.in_color = true;
  optimizer.learning_rate = 0.1;
  optimizer.schedule = cosine_schedule();
}

void CnnOptions::add_to(CLI::App& app) {
  data.add_to(app);
  add_count(app, "--train-rows", train_rows,
            "Train on at most the first so many rows of those that do not validate; 0 for all", 0)
      ->group("Data");
  add_choice(app, "--network", network,
             {{"convolutional", Network::convolutional}, {"dense", Network::dense}},
             "Blocks of convolutions, or fully connected ones on all pixels")
      ->group(network_group);
  add_value(
      app, "--widths", widths, list_of(whole_number(1, 4096)),
      "Channels of each block; where they double, the images are halved, by space to depth; or "
      "units of each dense block",
      "N[,N...]")
      ->group(network_group);
  add_value(
      app, "--k", head_layers, list_of(whole_number(1, 100)),
      "Layers of the head: k - 1 like the blocks', then a linear one; a greedy arm for each k",
      "K[,K...]")
      ->group(network_group);
  add_switch(app, "--batch-norm", batch_norm, "Normalize by batch in every block and head")
      ->group(network_group);
  add_choice(app, "--initializer", initializer,
             {{"he-uniform", he_uniform_}, {"fan-in-uniform", fan_in_uniform_}},
             "How first weights are drawn: he-uniform, with Glorot's bound for the last layer, or "
             "fan-in-uniform, within 1 / sqrt(fan-in) everywhere, as PyTorch; biases are 0")
      ->group(network_group);
  add_choice(app, "--head", head, with_values(head_policy_names(), head_policy_named),
             "A stage's head: the last one (for equal --widths), a new one, or a new one that "
             "starts from those of the last one's tensors that have its shapes (of another width, "
             "the biases)")
      ->group(network_group);
  add_count(app, "--epochs", epochs, "Epochs of every stage")->group(training_group);
  add_count(app, "--batch-size", batch_size, "Images of a step; a shorter last batch is kept")
      ->group(training_group);
  add_count(app, "--crop", crop,
            "Cut training images out of a border of so many black pixels, each at a random place; "
            "0 for never. The output of frozen blocks then is computed for every batch",
            0, 64)
      ->group(training_group);
  add_switch(app, "--flip", flip, "Mirror training images at random, likewise")
      ->group(training_group);
  add_number(app, "--dropout", dropout, "Share of the units of dense blocks that each step drops",
             0, false, 1)
      ->group(training_group);
  optimizer.add_to(app, training_group);
  add_l2(app, l2)->group(training_group);
  early_stop.add_to(app, training_group);
}

void CnnOptions::check(const RunOptions& run) const {
  optimizer.check(run);
  if (augments() && run.engine.cache.required()) {
    throw UsageError("--cache with --crop or --flip: features of images that change cannot be kept",
                     "leave out --cache, and they are computed for every batch");
  }
  run.refuse_if(network != Network::dense, "--dropout", "has no effect on convolutions",
                "leave it out, or add --network dense");
  auto distinct = head_layers;
  std::sort(distinct.begin(), distinct.end());
  if (std::adjacent_find(distinct.begin(), distinct.end()) != distinct.end())
    throw UsageError("--k lists a number twice", "name each once: an arm is named after its k");
  early_stop.check(data.validation);
  if (head == HeadPolicy::kept && std::any_of(widths.begin(), widths.end(),
                                              [&](int64_t width) { return width != widths[0]; })) {
    throw UsageError("--head kept with --widths that differ",
                     "the kept head takes one width; try --head fresh");
  }
}

void CnnOptions::check_size(const LabelledImages& images) const {
  int64_t factor = 1;
  for (int64_t block = 1; block <= depth(); ++block) factor *= halves(block) ? 2 : 1;
  if (images.height % factor == 0 && images.width % factor == 0) return;
  throw UsageError(
      fmt::format("--widths halve the images {} times, which takes sides that {} divides, "
                  "and they are {} x {} pixels",
                  std::lround(std::log2(factor)), factor, images.height, images.width),
      "let fewer widths double");
}

void CnnOptions::check_fit(int64_t rows) const {
  apps::check_fit(fit({}), rows, depth());
}

Split CnnOptions::split(const LabelledImages& images) const {
  auto parts = data.split(images);
  if (train_rows > 0 && train_rows < parts.train.size()) {
    parts.train = {parts.train.inputs.slice(0, 0, train_rows),
                   parts.train.targets.slice(0, 0, train_rows)};
  }
  const std::vector<int64_t> shape{-1, images.channels, images.height, images.width};
  auto pixels = values_of(parts.train.inputs).view(shape);
  const auto mean = pixels.mean({0, 2, 3}, /*keepdim=*/true);
  const auto deviation = pixels.std({0, 2, 3}, /*unbiased=*/false, /*keepdim=*/true);
  const auto scale = deviation.masked_fill(deviation == 0, 1);  // of a channel without content
  for (auto* part : {&parts.train, &parts.validation, &parts.test}) {
    if (part->inputs.defined()) part->inputs = (values_of(part->inputs).view(shape) - mean) / scale;
  }
  return parts;
}

Initializer CnnOptions::output_initializer() const {
  return initializer == he_uniform_ ? glorot_uniform_ : initializer;
}

bool CnnOptions::halves(int64_t block) const {
  const auto i = static_cast<size_t>(block - 1);
  return network == Network::convolutional && block > 1 && widths[i] == 2 * widths[i - 1];
}

FitOptions CnnOptions::fit(const EngineOptions& engine) const {
  FitOptions fit{.epochs = epochs, .batch_size = batch_size, .engine = engine};
  optimizer.apply_to(fit);
  fit.l2 = takes_l2(fit.optimizer) ? l2 : 0;
  fit.early_stopping = early_stop.make();
  return fit;
}

std::optional<Augmentation> CnnOptions::augmentation(const torch::Tensor& inputs) const {
  std::vector<Augmentation> both;
  if (crop > 0) both.push_back(random_crop(crop, inputs.amin({0, 2, 3})));
  if (flip) both.push_back(random_flip());
  return both.empty() ? std::nullopt : std::optional(compose(both));
}

std::string greedy_arm(int64_t k) {
  return fmt::format("greedy_k{}", k);
}

StageInfo stage_of(int64_t depth) {
  return {depth, depth + 1, "", Task::classification};
}

std::vector<Arm> cnn_arms(const CnnOptions& options, const EngineOptions& engine,
                          const Split& data) {
  std::vector<Arm> arms;
  for (const auto k : options.head_layers) {
    arms.push_back(
        deepening_arm(greedy_arm(k),
                      fmt::format("greedy: a block a stage, the others frozen; head of {} layer{}",
                                  k, k == 1 ? "" : "s"),
                      options, engine, k, EarlierBlocks::frozen, data));
  }
  const auto k = options.head_layers.front();
  // Of a block, a training step takes three times the multiplications of a forward pass. Greedy
  // training sends the data once more through each block below the last, to cache its output, or
  // without a cache, in every epoch of each later stage. Blocks count as equal, heads as nothing.
  const bool cached = !options.augments() && engine.cache.place != CachePlace::none;
  const auto equal_cost = [cached, epochs = options.epochs](int64_t depth) {
    const auto below = static_cast<double>(depth - 1);
    return 1 + (cached ? below / static_cast<double>(3 * epochs * depth) : below / 6);
  };
  arms.push_back(end_to_end(
      end_to_end_arm,
      fmt::format("all blocks at once, {}as many steps as all stages; k = {}",
                  options.early_stop.patience > 0 ? "at most " : "", k),
      options, engine, [](int64_t depth) { return static_cast<double>(depth); }, data));
  arms.push_back(end_to_end(end_to_end_cheap_arm,
                            fmt::format("all blocks at once, {}as many multiplications; k = {}",
                                        options.early_stop.patience > 0 ? "at most " : "", k),
                            options, engine, equal_cost, data));
  arms.push_back(deepening_arm(random_prefix_arm,
                               fmt::format("greedy on random blocks, frozen untrained; k = {}", k),
                               options, engine, k, EarlierBlocks::random, data));
  return arms;
}

std::vector<Claim> cnn_claims(const CnnOptions& options, double margin) {
  const auto test = [](const std::string& arm, int64_t depth) {
    return ScoreOf{of_variant(arm, stage_of(depth)), "test", "accuracy"};
  };
  std::vector<Claim> claims;
  for (const auto k : options.head_layers) {
    for (const auto* rival : {end_to_end_arm, end_to_end_cheap_arm}) {
      for (int64_t depth = 2; depth <= options.depth(); ++depth) {
        claims.push_back({fmt::format("{} blocks, greedy with k = {}, against {} with k = {}",
                                      depth, k, rival, options.head_layers.front()),
                          test(greedy_arm(k), depth), test(rival, depth), margin, true, rival});
      }
    }
  }
  const auto depth = options.depth();
  if (depth > 1) {
    claims.push_back({fmt::format("control: {} blocks, greedy, against random blocks below", depth),
                      test(greedy_arm(options.head_layers.front()), depth),
                      test(random_prefix_arm, depth), margin, true, "control"});
  }
  return claims;
}

}  // namespace layerwise::apps
