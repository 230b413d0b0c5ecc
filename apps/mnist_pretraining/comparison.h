#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "layerwise/data/subset.h"
#include "layerwise/study/results.h"

#include "mnist_pretraining/pretraining.h"

namespace layerwise::apps {

/// How a fit of a variant is called where it is one of several: "frozen", or "frozen:tuned" with
/// early stopping and a tuned learning rate.
std::string name_of(const ClassifierVariant& variant, bool tuned);
StageInfo info_of(const ClassifierVariant& variant, int64_t labels, bool tuned, int64_t stage);
/// The fit belongs to the training of an encoder.
bool is_encoder(const StageInfo& info);

/// Whom a new autoencoder is shown to when it is trained, before its last report.
using Saver = std::function<void(const StackedAutoencoder& net)>;

/// An autoencoder that needs no training: the checkpoint's, or if there is none, first weights. The
/// random streams go on as if it had been trained.
StackedAutoencoder given_encoder(const PretrainingOptions& options, const Split& data,
                                 Random& random);
/// The autoencoder that a repeat trains; none if it diverged.
/// @param data its labels and its test rows are not looked at
StackedAutoencoder pretrained(const PretrainingOptions& options, const Split& data, Random& random,
                              const Observer& observer, const Saver& save);

/// What the variants of a repeat are made of.
/// @param encoder may be empty
ClassifierParts parts_of(const PretrainingOptions& options, const StackedAutoencoder& encoder,
                         const std::optional<Block>& components);

/// The labelled rows of one repeat.
class ClassifierLabels {
 public:
  /// @param first takes the first rows, and draws nothing
  ClassifierLabels(const Split& data, bool first, Random& random);

  /// @param tuned the validation rows are no more than the labels
  Split split(int64_t labels, bool tuned) const;

 private:
  const Split& data_;
  std::optional<StratifiedSubsets> train_;
  std::optional<StratifiedSubsets> validation_;
};

/// How long fits take, in a unit of this program's own.
double work_of_encoder(const PretrainingOptions& options, int64_t phase, int64_t rows);
double work_of(const PretrainingOptions& options, const ClassifierVariant& variant, int64_t labels,
               bool tuned);
/// Rows of curves.csv that a fit leaves.
int64_t curve_rows_of(const PretrainingOptions& options, int64_t labels);

}  // namespace layerwise::apps
