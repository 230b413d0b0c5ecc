#pragma once

#include <string>
#include <vector>

#include "layerwise/study/results.h"
#include "layerwise/study/statistics.h"

namespace layerwise::study {

/// One score of a fit.
struct ScoreOf {
  StageInfo info;
  std::string split;
  std::string metric;
};

/// Its mean over the repeats with the 95% interval, to three digits; empty if it was not planned.
std::string mean_text(const Results& results, const ScoreOf& score);

/// With fewer pairs of values nothing is decided.
inline constexpr int fewest_pairs = 5;

/// A statement about two scores of the same repeat, to be judged by the mean of their paired
/// differences, `score` - `reference`. Everything in it is fixed before the study runs.
struct Claim {
  std::string statement;
  ScoreOf score;
  ScoreOf reference;
  /// The smallest difference that matters, in the unit of the metric; above 0.
  double margin = 0.005;
  bool higher_is_better = true;
  /// Claims of one family are read together: their p-values are corrected by Holm's method.
  std::string family = {};
};

/// What the repeats say about a claim, at a level of 5% in its family.
enum class Verdict {
  better,      ///< `score` is better than `reference`
  worse,       ///< `score` is worse than `reference`
  equivalent,  ///< they differ by less than the margin, whatever the sign
  undecided,   ///< none of these can be said; also with fewer than `fewest_pairs`
};
const char* name_of(Verdict verdict);

struct JudgedClaim {
  Claim claim;
  PairedTest test;  ///< with p-values corrected in the family
  size_t family_size = 1;
  Verdict verdict = Verdict::undecided;

  /// The score and the mean difference with its interval.
  std::string difference() const;
  /// The same with the names of the estimators, the number of pairs and the p-value.
  std::string evidence() const;
};

/// Judges each claim. A claim whose fits were not planned is left out.
/// @throws std::invalid_argument if a margin is not above 0
std::vector<JudgedClaim> judge(const std::vector<Claim>& claims, const Results& results);

}  // namespace layerwise::study
