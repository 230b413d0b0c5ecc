#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "layerwise/pretraining/plan.h"
#include "layerwise/study/statistics.h"
#include "layerwise/train/engine.h"

namespace layerwise::study {

/// Which fits of the plan a repeat had already completed in the run that is resumed.
using Finished = std::vector<bool>;
/// Whether these are all fits.
bool all_of(const Finished& finished);

/// The problems that a fit may have.
enum class Trouble : uint8_t {
  none,
  diverged,     ///< some loss or score is not finite
  collapsed,    ///< too little of the input is left in the code: see `collapsed`
  not_reached,  ///< an earlier fit diverged
};
/// "diverged", "collapsed", "not reached"; empty for none.
const char* name_of(Trouble trouble);

/// Whether larger values of a metric are better: by its name, true for accuracies and ranks.
bool higher_is_better(const std::string& metric);

/// What a stage has left in a code.
enum class Kind {
  alive,          ///< it keeps two directions or more
  one_direction,  ///< its rank is 1
  dead,           ///< its rank is 0: it is the same for every row
  diverged,       ///< some value is not finite, here or in an earlier stage
};
inline constexpr std::array kinds{Kind::alive, Kind::one_direction, Kind::dead, Kind::diverged};
/// "alive", "one direction", "dead", "diverged".
const char* name_of(Kind kind);

/// The outcome of a planned fit in one repeat.
struct Outcome {
  StageInfo info;
  std::vector<Score> scores;  ///< all NaN if the fit was not reached
  Trouble trouble = Trouble::none;
  std::string details = {};  ///< a description of the trouble
};

/// The outcomes of one repeat, in the order of the plan.
struct RepeatOutcomes {
  std::vector<double> values;     ///< of every score of every fit
  std::vector<Trouble> troubles;  ///< of every fit
  std::vector<uint32_t>
      details;  ///< of every fit, the number of the text that describes its trouble
};

/// The results of a study: the outcomes of each repeat. They are kept as numbers, so that the
/// memory holds tens of thousands of repeats.
struct Results {
  Results() = default;
  /// Repeats that have reached no fit of the plan.
  Results(const Plan& plan, size_t count);

  std::vector<RepeatOutcomes> repeats;
  int64_t first_repeat = 0;  ///< the number of the first of them
  bool comparable = true;    ///< whether the settings are those of the published values
  std::vector<std::string> heavy_tailed = {};  ///< metrics for which one repeat may dominate a mean

  /// Takes the outcome of a fit; scores that the plan does not have are left out.
  /// @throws std::out_of_range if the fit was not planned
  void set(size_t repeat, const Outcome& outcome);
  /// @throws std::out_of_range if the fit was not planned
  Outcome outcome(size_t repeat, const StageInfo& info) const;
  /// The outcomes of every fit, in the order of the plan.
  std::vector<Outcome> outcomes(size_t repeat) const;
  /// @throws std::out_of_range if the fit was not planned
  Trouble trouble(size_t repeat, const StageInfo& info) const;
  /// Whether this fit was planned.
  bool has(const StageInfo& info) const;
  /// Whether this fit was planned, with this score.
  bool has(const StageInfo& info, const std::string& split, const std::string& metric) const;
  /// The values of one score over the repeats; NaN for those that have none.
  std::vector<double> values(const StageInfo& info, const std::string& split,
                             const std::string& metric) const;
  /// For a single repeat, its value. For several repeats, over the finite values: the mean and the
  /// standard deviation, or for heavy-tailed metrics the median and the range.
  std::string cell(const StageInfo& info, const std::string& split, const std::string& metric,
                   int digits = 3) const;
  /// As `cell`; empty if the fit has no such score.
  std::string cell_if(const StageInfo& info, const std::string& split, const std::string& metric,
                      int digits = 3) const;
  /// For a single repeat, the details of this fit; for several, how many had which trouble.
  std::string note(const StageInfo& info) const;
  /// What the stage of this fit has left in the code: its own, or that of another fit of this stage
  /// and variant. None if no such fit reports the statistics of a code.
  std::optional<Kind> kind(size_t repeat, const StageInfo& info) const;
  /// The number of repeats of this kind.
  int64_t count(const StageInfo& info, Kind kind) const;
  /// The number of repeats in which at least one of these fits had this trouble.
  int64_t count(const Plan& fits, Trouble trouble) const;

 private:
  /// A planned fit, and where its values begin in those of a repeat.
  struct Fit {
    StageInfo info;
    PlannedFit::Scores scores;
    size_t first_value;
  };
  const Fit* find(const StageInfo& info) const;
  size_t place_of(const StageInfo& info) const;
  /// The index of a score among the values of a repeat.
  static std::optional<size_t> index_of(const Fit& fit, const std::string& split,
                                        const std::string& metric);
  /// The index of the rank of the code that the stage of a fit has left, if it is a score.
  std::optional<size_t> index_of_rank(const StageInfo& info) const;
  Outcome outcome_at(size_t repeat, size_t place) const;

  std::vector<Fit> fits_;
  /// The texts that describe troubles, each once, by their numbers; the first is empty.
  std::vector<std::string> details_ = {""};
};

/// One value in the learning curves of a repeat.
struct CurvePoint {
  StageInfo info;
  int64_t epoch;
  int64_t step;
  Score score;
};

/// The learning curves of each repeat; empty for repeats whose curves are not kept.
using Curves = std::vector<std::vector<CurvePoint>>;

/// A point of the mean curves: the mean over the repeats that reached it.
struct MeanPoint {
  CurvePoint point;  ///< of the first repeat that has it
  Interval interval;
};
/// The mean curves, in the order of the plan; the points of a fit are in the order in which the
/// repeats make them.
std::vector<MeanPoint> mean_curves(const Plan& plan, const Curves& curves);

/// The value with this number of decimal places; numbers from 1e6 on in scientific notation.
std::string with_digits(double value, int digits);
std::string three_digits(double value);

}  // namespace layerwise::study
