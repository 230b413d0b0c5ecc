#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "layerwise/pretraining/plan.h"
#include "layerwise/report/statistics.h"
#include "layerwise/train/engine.h"

namespace layerwise::study {

/// Which fits of the plan a repeat has been through already, in the run that is resumed.
using Finished = std::vector<bool>;

/// What may go wrong in a fit.
enum class Trouble {
  none,
  diverged,     ///< some loss or score is not finite
  collapsed,    ///< too little of the input is left in the code: see `collapsed`
  not_reached,  ///< an earlier fit diverged
};
/// "diverged", "collapsed", "not reached"; nothing for none.
const char* name_of(Trouble trouble);

/// What became of a planned fit in one repeat.
struct Outcome {
  StageInfo info;
  std::vector<Score> scores;  ///< NaN throughout if the fit was not reached
  Trouble trouble = Trouble::none;
  std::string details = {};  ///< the trouble with what is known of it
};

/// What came out of a study: the outcomes of each repeat, in the order of the plan.
struct Results {
  std::vector<std::vector<Outcome>> repeats;
  bool comparable = true;                      ///< the settings are those of the published values
  std::vector<std::string> heavy_tailed = {};  ///< metrics of which one repeat may dominate a mean

  const Outcome& outcome(size_t repeat, const StageInfo& info) const;
  /// This fit was planned.
  bool has(const StageInfo& info) const;
  /// The values of one score over the repeats; NaN for those that have none.
  std::vector<double> values(const StageInfo& info, const std::string& split,
                             const std::string& metric) const;
  /// The value of a single repeat; of several, over the finite values, the mean and the standard
  /// deviation, or for heavy-tailed metrics the median and the range.
  std::string cell(const StageInfo& info, const std::string& split, const std::string& metric,
                   int digits = 3) const;
  /// As `cell`, or nothing if the fit has no such score.
  std::string cell_if(const StageInfo& info, const std::string& split, const std::string& metric,
                      int digits = 3) const;
  /// What a single repeat says of this fit, or how many repeats had which trouble.
  std::string note(const StageInfo& info) const;
  /// Repeats in which one of these fits had this trouble.
  int64_t count(const Plan& fits, Trouble trouble) const;
};

/// A value of a repeat's curves.
struct CurvePoint {
  StageInfo info;
  int64_t epoch;
  int64_t step;
  Score score;
};

/// The curves of each repeat; empty for those that are not kept.
using Curves = std::vector<std::vector<CurvePoint>>;

/// A point of the curves of all repeats: the mean over those that came so far.
struct MeanPoint {
  CurvePoint point;  ///< of the first repeat that has it
  report::Interval interval;
};
/// In the order of the plan, points as a repeat makes them.
std::vector<MeanPoint> mean_curves(const Plan& plan, const Curves& curves);

/// So many digits behind the point; numbers too large for that in powers of ten.
std::string with_digits(double value, int digits);
std::string three_digits(double value);

}  // namespace layerwise::study
