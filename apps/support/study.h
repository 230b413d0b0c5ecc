#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "layerwise/pretraining/stage_runner.h"
#include "layerwise/report/statistics.h"

namespace layerwise::apps {

/// One fit that every repeat makes.
struct PlannedFit {
  StageInfo info;
  int64_t epochs;
  std::vector<std::pair<std::string, std::string>> scores;  ///< (split, metric) of each
  double work = static_cast<double>(epochs);  ///< how long it takes, in a unit of the program's own
  int64_t curve_rows = 0;                     ///< that it leaves in curves.csv; what resuming needs
};

/// Which fits of the plan a repeat has been through already, in the run that is resumed.
using Finished = std::vector<bool>;

/// Every pair of these.
std::vector<std::pair<std::string, std::string>> scores_of(const std::vector<std::string>& splits,
                                                           const std::vector<std::string>& metrics);

/// What became of it in one repeat.
struct Outcome {
  StageInfo info;
  std::vector<Score> scores;  ///< NaN throughout if the fit was not reached
  std::string trouble;        ///< its kind: empty, "diverged", "collapsed" or "not reached"
  std::string details;        ///< the kind with what is known of it
};

/// All that one program did: the outcomes of each repeat, in the order of the plan.
struct Study {
  std::vector<std::vector<Outcome>> repeats;
  bool comparable = true;                      ///< the settings are those of the published values
  std::vector<std::string> heavy_tailed = {};  ///< metrics of which one repeat may dominate a mean

  const Outcome& outcome(size_t repeat, const StageInfo& info) const;
  /// This fit was planned.
  bool has(const StageInfo& info) const;
  /// The values of one score over the repeats; NaN for those that have none.
  std::vector<double> values(const StageInfo& info, const std::string& split,
                             const std::string& metric) const;
  /// The value of a single repeat; of several, over the finite values, `mean +- standard
  /// deviation`, or for heavy-tailed metrics `median [minimum .. maximum]`.
  std::string cell(const StageInfo& info, const std::string& split, const std::string& metric,
                   int digits = 3) const;
  /// As `cell`, or nothing if the fit has no such score.
  std::string cell_if(const StageInfo& info, const std::string& split, const std::string& metric,
                      int digits = 3) const;
  /// What a single repeat says of this fit, or how many repeats had which trouble.
  std::string note(const StageInfo& info) const;
  /// Repeats in which one of these fits had this trouble.
  int64_t count(const std::vector<PlannedFit>& fits, const std::string& trouble) const;
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
std::vector<MeanPoint> mean_curves(const std::vector<PlannedFit>& plan, const Curves& curves);

/// A value that a document prints: `0.816`, or where it prints several, `0.012 .. 0.025`.
struct Published {
  Published(StageInfo info_, std::string split_, std::string metric_, std::string text_);

  StageInfo info;
  std::string split;
  std::string metric;
  std::string text;
  double low;   ///< what would print as the (lower) value begins here
  double high;  ///< and what would print as the (upper) value ends here
};

/// A published value as it was printed, or nothing.
std::string published_cell(const std::vector<Published>& published, const StageInfo& info,
                           const std::string& split, const std::string& metric);

/// So many digits behind the point; numbers too large for that in powers of ten.
std::string with_digits(double value, int digits);
std::string three_digits(double value);

}  // namespace layerwise::apps
