#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "layerwise/nn/initializers.h"
#include "layerwise/pretraining/supervised_deepening.h"
#include "layerwise/study/arms.h"
#include "layerwise/study/claims.h"

#include "common/images.h"
#include "common/optimizer_choice.h"

namespace layerwise::apps {

/// A convolutional network that is deepened, and its training, as options.
/// @see Belilovsky et al., "Greedy Layerwise Learning Can Scale to ImageNet", 2019, sections 3 and
/// 4
struct CnnOptions {
  ImageData data;
  int64_t train_rows = 10000;  ///< 0: all that do not validate
  enum class Network { convolutional, dense };
  Network network = Network::convolutional;
  std::vector<int64_t> widths = {16, 32, 32, 32};  ///< channels, or units, of each block
  std::vector<int64_t> head_layers = {1, 2};       ///< k of each greedy arm
  bool batch_norm = true;                          ///< of blocks and heads
  Initializer initializer = he_uniform_;           ///< of all layers but the last
  HeadPolicy head = HeadPolicy::fresh;
  int64_t epochs = 3;  ///< of a stage
  int64_t batch_size = 128;
  double l2 = 5e-4;
  int64_t crop = 0;    ///< border from which training images are cut out; 0: they are not
  bool flip = false;   ///< whether training images are mirrored at random
  double dropout = 0;  ///< behind each dense block
  OptimizerChoice optimizer;
  EarlyStop early_stop;

  CnnOptions();

  void add_to(CLI::App& app);
  /// @throws UsageError if options do not fit together
  void check(const RunOptions& run) const;
  /// @throws UsageError if these images cannot be halved as often as the blocks halve them
  void check_size(const LabelledImages& images) const;
  /// @throws UsageError if a stage cannot be fitted to so many rows
  void check_fit(int64_t rows) const;
  /// The images as [rows, channels, height, width], each channel shifted and scaled to mean 0 and
  /// standard deviation 1 in the training rows.
  Split split(const LabelledImages& images) const;

  /// Of the last, linear layer.
  Initializer output_initializer() const;
  int64_t depth() const { return static_cast<int64_t>(widths.size()); }
  /// Whether a block halves its images, by space to depth: where its width doubles.
  bool halves(int64_t block) const;
  FitOptions fit(const EngineOptions& engine) const;
  /// Whether training images are changed at random, so that their features cannot be kept.
  bool augments() const { return crop > 0 || flip; }
  /// @param inputs of the training rows
  std::optional<Augmentation> augmentation(const torch::Tensor& inputs) const;
};

/// The names of the arms.
std::string greedy_arm(int64_t k);
constexpr auto end_to_end_arm = "end_to_end";
constexpr auto end_to_end_cheap_arm = "end_to_end_cheap";
constexpr auto random_prefix_arm = "random_prefix";

/// Greedy deepening with a head of each k; with the first k also the same network trained end to
/// end, at every depth, and deepening on random blocks.
std::vector<Arm> cnn_arms(const CnnOptions& options, const EngineOptions& engine,
                          const Split& data);

/// Whether greedy training costs accuracy: each depth against the same network end to end. And as a
/// positive control, the last depth against random blocks below the newest.
/// @param margin smallest difference of accuracies that matters
std::vector<Claim> cnn_claims(const CnnOptions& options, double margin);

/// The fit of a stage in an arm's own plan.
StageInfo stage_of(int64_t depth);

}  // namespace layerwise::apps
