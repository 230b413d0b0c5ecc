#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <torch/nn/modules/activation.h>
#include <torch/nn/modules/batchnorm.h>
#include <torch/nn/modules/dropout.h>
#include <torch/nn/modules/linear.h>
#include <torch/nn/modules/normalization.h>

#include "layerwise/layerwise.h"

#include "testing.h"

/// What must hold of every network, whatever was done with it before.
namespace layerwise {
namespace {

namespace nn = torch::nn;

constexpr int64_t units = 6;

Split three_classes() {
  BlobsOptions options;
  options.samples = 90;
  auto points = make_blobs(options);
  return hold_out(to_dataset(points), to_dataset(points), 30, ValidationFrom::last);
}

/// A block of one of several kinds, from `inputs` to six units.
Block any_block(RandomState& draw, int64_t inputs) {
  switch (draw.interval(4)) {
    case 0:
      return dense(inputs, units, draw);
    case 1:
      return block(nn::Linear(inputs, units), nn::BatchNorm1d(units), nn::ReLU());
    case 2:
      return block(nn::Linear(inputs, units), nn::Dropout(0.3), nn::Tanh());
    case 3:
      return block(nn::Linear(nn::LinearOptions(inputs, units).bias(false)),
                   block(nn::Linear(units, units), nn::Sigmoid()));
    default:
      return block(nn::Linear(inputs, units), nn::LayerNorm(nn::LayerNormOptions({units})));
  }
}

void train_a_little(GreedyNet& net, const Split& data, uint32_t seed) {
  FitOptions fit{1, 16, Adam{0.01}};
  fit.last_batch = LastBatch::drop;
  Random random(seed, 0);
  fit_stage(net->stage(), {classification()}, data, fit, random);
}

TEST_CASE(
    "Whatever is done to a chain, frozen blocks, parked heads and restored values keep bits") {
  const auto data = three_classes();
  for (uint32_t seed = 0; seed < 12; ++seed) {
    RandomState draw(seed);
    torch::manual_seed(seed);
    GreedyNet net(any_block(draw, 2), output(units, 3, draw));
    Block parked = output(units, 3, draw);
    for (int64_t i = 0; i < 12; ++i) {
      const auto action = draw.interval(5);
      INFO("seed " << seed << ", step " << i << ", action " << action);
      const auto blocks = net->blocks();
      const auto before = fingerprints(blocks);
      const auto head_before = fingerprint(*net->head);
      const auto parked_before = fingerprint(*parked.ptr());
      switch (action) {
        case 0:
          if (net->layers() < 7) net->deepen(any_block(draw, units));
          break;
        case 1: {
          parked = net->exchange_head(parked);
          REQUIRE(fingerprint(*parked.ptr()) != fingerprint(*net->head));
          auto own = net->exchange_head(parked);
          parked = own;
          REQUIRE(fingerprint(*parked.ptr()) == parked_before);
          break;
        }
        case 2:
          net->freeze_hidden();
          break;
        case 3:
          net->unfreeze();
          break;
        case 4: {
          const auto whole = fingerprint(*net);
          const Snapshot untouched(*net);
          train_a_little(net, data, seed);
          REQUIRE(fingerprint(*net) != whole);
          untouched.restore();
          REQUIRE(fingerprint(*net) == whole);
          break;
        }
        default: {
          const auto frozen = fingerprints(net->blocks(0, net->frozen_blocks()));
          train_a_little(net, data, seed);
          REQUIRE(fingerprints(net->blocks(0, net->frozen_blocks())) == frozen);
          REQUIRE(fingerprint(*net->head) != head_before);
          REQUIRE(fingerprint(*parked.ptr()) == parked_before);
          continue;  // what was trained has moved
        }
      }
      REQUIRE(fingerprints(blocks) == before);
      REQUIRE(fingerprint(*net->head) == head_before);
    }
    const auto copy = std::dynamic_pointer_cast<GreedyNetImpl>(net->clone());
    REQUIRE(fingerprint(*copy) == fingerprint(*net));
  }
}

TEST_CASE("Any module comes back from a checkpoint, bit for bit, buffers too") {
  const testing::TemporaryFolder folder;
  const auto path = folder.file("any.safetensors");
  const auto data = three_classes();
  for (uint32_t seed = 0; seed < 12; ++seed) {
    INFO("seed " << seed);
    const auto make = [&](uint32_t weights) {
      RandomState shape(seed);
      torch::manual_seed(weights);
      std::vector<Block> hidden{any_block(shape, 2)};
      for (uint32_t i = 0; i < seed % 4; ++i) hidden.push_back(any_block(shape, units));
      return GreedyNet(hidden, output(units, 3, shape));
    };
    auto net = make(1);
    train_a_little(net, data, seed);  // so that buffers have moved
    save_checkpoint(*net, path, {{"seed", std::to_string(seed)}});
    auto other = make(2);
    REQUIRE(fingerprint(*other) != fingerprint(*net));
    load_checkpoint(*other, path, {{"seed", std::to_string(seed)}});
    REQUIRE(fingerprint(*other) == fingerprint(*net));
  }
}

/// A stage's options: whole epochs; so many steps; ended early, nobody knows when.
std::array<FitOptions, 3> kinds_of_fit() {
  FitOptions plain{2, 16, Sgd{}};
  plain.schedule = cosine_schedule();
  plain.schedule.over_all_stages = true;
  auto counted = plain;
  counted.steps = 7;
  counted.sampling = Sampling::independent;
  auto stopping = plain;
  stopping.epochs = 60;
  stopping.hook_every = 1;
  stopping.early_stopping = EarlyStopping{.metric = "cross_entropy", .patience = 2};
  return {plain, counted, stopping};
}

struct Left {
  uint64_t net;
  std::string streams;
  std::vector<double> scores;

  bool operator==(const Left&) const = default;
};

/// What an algorithm leaves, made whole, and gone on with after `done` stages in a new process'
/// place: another network of the same shape, which gets values and streams of the checkpoint.
using Algorithm = std::function<void(GreedyNet&, Random&, const Observer&, int64_t done)>;
/// @param exits whether the heads of earlier stages are kept as exits
void require_equal_from_every_stage(const Algorithm& algorithm, const BlockFactory& next_block,
                                    int64_t outputs, int64_t stages, bool exits = false) {
  const auto make = [&](Random& random) {
    return GreedyNet(dense(2, units, random.initialization),
                     output(units, outputs, random.initialization));
  };
  const auto left_by = [&](GreedyNet net, Random random, int64_t done, Observer observer) {
    std::vector<double> scores;
    observer.on_stage = [&](const StageReport& report) {
      for (const auto& score : report.result.scores) scores.push_back(score.value);
    };
    algorithm(net, random, observer, done);
    return Left{fingerprint(*net), random.to_text(), scores};
  };
  for (int64_t done = 1; done <= stages; ++done) {
    INFO("stages done " << done);
    Random beginning(3, 1);
    auto net = make(beginning);
    GreedyNet kept{nullptr};
    std::string streams;
    Observer keeping;
    keeping.on_checkpoint = [&](int64_t stage, const nn::Module& module, const Random& random) {
      if (stage != done) return;
      Random other(4, 1);
      kept = make(other);
      for (int64_t k = 2; k <= done; ++k) {
        kept->deepen(next_block(k, other.initialization));
        if (exits) kept->keep_head_as_exit(output(units, outputs, other.initialization));
      }
      kept->freeze_hidden();
      copy_values(module, *kept);
      streams = random.to_text();
    };
    const auto whole = left_by(net, beginning, 0, keeping);
    REQUIRE(!streams.empty());
    Random going_on(3, 1);
    going_on.restore(streams);
    const auto rest = left_by(kept, going_on, done, {});
    REQUIRE(rest.net == whole.net);
    REQUIRE(rest.streams == whole.streams);
    REQUIRE(rest.scores.size() < whole.scores.size());
    REQUIRE(std::vector(whole.scores.end() - static_cast<std::ptrdiff_t>(rest.scores.size()),
                        whole.scores.end()) == rest.scores);
  }
}

TEST_CASE("Deepening that goes on after any stage ends with the same bits and scores") {
  const auto data = three_classes();
  const BlockFactory next = [](RandomState& draw) { return dense(units, units, draw); };
  for (const auto& fit : kinds_of_fit()) {
    INFO("steps " << fit.steps << ", early stopping " << fit.early_stopping.has_value());
    for (const auto& [fresh, earlier] :
         {std::pair(false, EarlierBlocks::frozen), std::pair(true, EarlierBlocks::frozen),
          std::pair(false, EarlierBlocks::trained), std::pair(false, EarlierBlocks::random)}) {
      SupervisedDeepeningOptions deepening{.layers = 5, .fit = fit};
      deepening.fine_tuning = FineTuning{2, 0.001};
      deepening.earlier_blocks = earlier;
      if (fresh) {
        deepening.head = HeadPolicy::fresh;
        deepening.ensemble = true;
        deepening.next_head = [](RandomState& draw) { return output(units, 3, draw); };
      }
      require_equal_from_every_stage(
          [&](GreedyNet& net, Random& random, const Observer& observer, int64_t done) {
            deepen_supervised(net, data, deepening, next, random, observer, done);
          },
          next, 3, 4, fresh);
    }
    if (fit.early_stopping) continue;  // one metric for both of its tasks there is not
    const AutoencoderDeepeningOptions deepening{4, fit, FineTuning{1, 1e-4}, FineTuning{1, 1e-4}};
    require_equal_from_every_stage(
        [&](GreedyNet& net, Random& random, const Observer& observer, int64_t done) {
          const auto classifier = [](RandomState& draw) { return output(units, 3, draw); };
          deepen_autoencoder(net, data, deepening, next, classifier, random, observer, done);
        },
        next, 2, 3);
  }
}

TEST_CASE(
    "Earlier blocks stay as they were fitted, are trained on, or get their first weights back") {
  const auto data = three_classes();
  for (const auto earlier :
       {EarlierBlocks::frozen, EarlierBlocks::trained, EarlierBlocks::random}) {
    INFO("earlier blocks " << static_cast<int>(earlier));
    std::vector<uint64_t> made(3);  // the weights with which each block began
    const BlockFactory next = [&](int64_t stage, RandomState& draw) {
      const auto block = dense(stage == 1 ? 2 : units, units, draw);
      made.at(static_cast<size_t>(stage - 1)) = fingerprint(*block.ptr());
      return block;
    };
    Random random(1, 0);
    GreedyNet net(make_block(next, 1, random), output(units, 3, random.initialization));
    std::vector<std::vector<uint64_t>> after;  // of every block, after each stage
    Observer observer;
    observer.on_stage = [&](const StageReport&) {
      after.emplace_back();
      for (const auto& block : net->blocks()) after.back().push_back(fingerprint(*block.ptr()));
    };
    deepen_supervised(net, data, {.layers = 4, .fit = {.epochs = 2}, .earlier_blocks = earlier},
                      next, random, observer);
    REQUIRE(after.size() == 3);
    for (size_t stage = 1; stage < after.size(); ++stage) {
      for (size_t block = 0; block < stage; ++block) {
        const auto now = after[stage][block];
        CHECK((now == after[stage - 1][block]) ==
              (earlier == EarlierBlocks::frozen ||
               (earlier == EarlierBlocks::random && block + 1 < stage)));
        CHECK((now == made[block]) == (earlier == EarlierBlocks::random));
      }
      CHECK(after[stage][stage] != made[stage]);
    }
  }
}

TEST_CASE("A head is kept from stage to stage, or where one is made, fresh") {
  const auto data = three_classes();
  const BlockFactory next = [](RandomState& draw) { return dense(units, units, draw); };
  for (const bool fresh : {false, true}) {
    SupervisedDeepeningOptions deepening{.layers = 4, .fit = {.epochs = 1}};
    std::set<int64_t> made;
    if (fresh) {
      deepening.head = HeadPolicy::fresh;
      deepening.next_head = [&](int64_t stage, RandomState& draw) {
        made.insert(stage);
        return output(units, 3, draw);
      };
    }
    Random random(1, 0);
    GreedyNet net(dense(2, units, random.initialization), output(units, 3, random.initialization));
    const auto* first = net->head->ptr(0).get();
    int64_t same = 0;
    Observer observer;
    observer.on_stage = [&](const StageReport&) { same += net->head->ptr(0).get() == first; };
    deepen_supervised(net, data, deepening, next, random, observer);
    REQUIRE(made == (fresh ? std::set<int64_t>{2, 3} : std::set<int64_t>{}));
    REQUIRE(same == (fresh ? 1 : 3));
  }
}

TEST_CASE("Statistics of codes are computed where they are asked for") {
  const auto data = three_classes();
  const BlockFactory next = [](RandomState& draw) { return dense(units, units, draw); };
  for (const bool asked : {false, true}) {
    const SupervisedDeepeningOptions deepening{
        .layers = 3, .fit = {.epochs = 1}, .code_statistics = asked};
    Random random(1, 0);
    GreedyNet net(dense(2, units, random.initialization), output(units, 3, random.initialization));
    Observer observer;
    observer.on_stage = [&](const StageReport& report) {
      REQUIRE(report.code.has_value() == asked);
    };
    for (const auto& fit : plan_of(deepening, data))
      REQUIRE(reports(fit, code_metric::effective_rank) == asked);
    deepen_supervised(net, data, deepening, next, random, observer);
  }
}

}  // namespace
}  // namespace layerwise
