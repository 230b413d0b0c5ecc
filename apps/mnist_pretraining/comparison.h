#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "layerwise/data/subset.h"
#include "layerwise/study/claims.h"

#include "mnist_pretraining/pretraining.h"

namespace layerwise::apps {

/// The name of a fit of a variant: "frozen", or "frozen:tuned" with early stopping and a tuned
/// learning rate.
std::string name_of(const ClassifierVariant& variant, bool tuned);
StageInfo info_of(const ClassifierVariant& variant, int64_t labels, bool tuned, int64_t stage);
/// Whether the fit belongs to the training of an encoder.
bool is_encoder(const StageInfo& info);

/// Called with a newly trained autoencoder, before its last report.
using Saver = std::function<void(const StackedAutoencoder& net)>;

/// An autoencoder that needs no training: that of the checkpoint, or if there is none, one with
/// initial weights. The random streams are advanced as if it had been trained.
StackedAutoencoder given_encoder(const PretrainingOptions& options, const Split& data,
                                 Random& random);
/// Trains the autoencoder of a repeat; the result is empty if the training diverged.
/// @param data its labels and its test rows are not used
StackedAutoencoder pretrained(const PretrainingOptions& options, const Split& data, Random& random,
                              const Observer& observer, const Saver& save);

/// The parts from which the variants of a repeat are built.
/// @param encoder may be empty
ClassifierParts parts_of(const PretrainingOptions& options, const StackedAutoencoder& encoder,
                         const std::optional<Block>& components);

/// The labeled rows of one repeat.
class ClassifierLabels {
 public:
  /// @param first take the first rows, and draw nothing
  ClassifierLabels(const Split& data, bool first, Random& random);

  /// @param tuned limits the number of validation rows to the number of labels
  Split split(int64_t labels, bool tuned) const;

 private:
  const Split& data_;
  std::optional<StratifiedSubsets> train_;
  std::optional<StratifiedSubsets> validation_;
};

/// The expected duration of fits, in a unit of this program.
double work_of_encoder(const PretrainingOptions& options, int64_t phase, int64_t rows);
double work_of(const PretrainingOptions& options, const ClassifierVariant& variant, int64_t labels,
               bool tuned);
/// The fits of one repeat: those of its encoder, if it trains one, and one for every variant at
/// each number of labels (with budgets also a tuned one).
/// @param rows number of rows to train an encoder on
Plan plan_of(const PretrainingOptions& options, int64_t rows);
/// For each fit of a variant: its accuracy on the test rows against that without pretraining, with
/// as many labels and trained alike. The fits that are trained alike are one family.
/// @param margin the smallest difference of accuracies that matters
std::vector<Claim> claims_of(const Plan& plan, double margin);
/// The number of rows that a fit writes to curves.csv.
int64_t curve_rows_of(const PretrainingOptions& options, int64_t labels);

}  // namespace layerwise::apps
