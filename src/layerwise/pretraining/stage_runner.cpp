#include "layerwise/pretraining/stage_runner.h"

#include <utility>
#include <vector>

#include "layerwise/torch_random.h"
#include "layerwise/train/check_stage.h"

namespace layerwise {

FitOptions FineTuning::applied_to(FitOptions options) const {
  options.epochs = epochs;
  set_learning_rate(options.optimizer, learning_rate);
  return options;
}

Block make_block(const BlockFactory& factory, int64_t stage, Random& random, torch::Device device) {
  auto generator = torch_generator(random.noise, static_cast<uint32_t>(stage), Draws::making);
  const WithGenerator drawing(generator);
  auto block = factory(stage, random.initialization);
  if (!device.is_cpu()) block.ptr()->to(device);
  return block;
}

Observer of_variant(const std::string& name, Observer observer) {
  Observer renaming;
  if (observer.on_progress) {
    renaming.on_progress = [name, tell = observer.on_progress](const auto& info, const auto& view) {
      return tell(of_variant(name, info), view);
    };
  }
  if (observer.on_stage) {
    renaming.on_stage = [name, tell = observer.on_stage](StageReport report) {
      report.info = of_variant(name, std::move(report.info));
      tell(report);
    };
  }
  renaming.on_checkpoint = std::move(observer.on_checkpoint);
  return renaming;
}

std::vector<Hook> progress_hooks(const Observer& observer, const StageInfo& info) {
  if (!observer.on_progress) return {};
  return {[tell = observer.on_progress, info](const FitView& view) { return tell(info, view); }};
}

StageRunner::StageRunner(GreedyNet& net_, const Split& data, const Observer& observer,
                         StageRunnerOptions options)
    : net(net_),
      inputs_(data.train.inputs),
      features_(data),
      observer_(observer),
      options_(std::move(options)) {}

void StageRunner::checkpoint(int64_t done, const Random& random) const {
  if (observer_.on_checkpoint) observer_.on_checkpoint(done, *net, random);
}

void StageRunner::keep(int64_t count, const CacheOptions& options) {
  if (!options_.augmentation) features_.of(net->blocks(0, count), options);
}

torch::Tensor StageRunner::output(const std::string& split, int64_t count, const Block& further) {
  auto blocks = net->blocks(0, count);
  blocks.push_back(further);
  return features_.output(blocks, split);
}

Problem StageRunner::problem(int64_t stage, const Objective& objective,
                             const NoiseKey& noise) const {
  return {.objective = objective,
          .noise = noise,
          .stage = static_cast<uint32_t>(stage),
          .augmentation = options_.augmentation};
}

void StageRunner::check(int64_t stage, const Split& data, const Objective& objective,
                        const FitOptions& options, std::vector<Block> blocks,
                        const Block& head) const {
  const auto newest = blocks.back();
  blocks.pop_back();
  check_stage({std::move(blocks), {newest, head}}, problem(stage, objective, {}), data,
              smallest_batch(data.train.size(), options));
}

StageResult StageRunner::fit(const StageInfo& info, const Split& data, const Objective& objective,
                             const FitOptions& options, Random& random,
                             const std::function<std::vector<Score>()>& further) {
  const bool trains_blocks = net->frozen_blocks() < net->layers() - 1;
  StageReport report{info,
                     fit_stage(net->stage(), problem(info.stage, objective, random.noise),
                               features_, data, options, random, progress_hooks(observer_, info)),
                     {}};
  if (trains_blocks) net->freeze_hidden();
  if (further) {
    const auto more = further();
    report.result.scores.insert(report.result.scores.end(), more.begin(), more.end());
  }
  if (trains_blocks && options_.code_statistics && inputs_.size(0) > 1 && observer_.on_stage)
    report.code = code_statistics(features_.output(net->blocks(), "train"), inputs_);
  if (observer_.on_stage) observer_.on_stage(report);
  return report.result;
}

}  // namespace layerwise
