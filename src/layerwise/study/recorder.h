#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "layerwise/report/progress.h"
#include "layerwise/report/run_folder.h"
#include "layerwise/study/run_description.h"
#include "layerwise/study/study.h"

namespace layerwise::study {

/// Whether a fit that diverged counts as finished, or is run again (and diverges again).
enum class Diverged { made_again, finished };

/// For each repeat of the settings, the fits of the plan that have a row of each of these metrics
/// in the metrics.csv of a run. Only finite values count; with `Diverged::finished`, also those of
/// fits that diverged according to troubles.csv, and of fits that were not reached for that reason.
/// @throws report::Failure if these files cannot be read
std::vector<Finished> fits_with_rows(const Plan& plan, const std::vector<std::string>& metrics,
                                     const Settings& settings, const std::filesystem::path& folder,
                                     Diverged diverged = Diverged::made_again);

/// For each repeat of the settings, the fits of the plan that diverged according to the
/// troubles.csv of a run.
/// @throws report::Failure if it cannot be read
std::vector<Finished> diverged_fits(const Plan& plan, const Settings& settings,
                                    const std::filesystem::path& folder);

/// Whether the curves.csv of a run holds means over the repeats, which replace the curves of each
/// repeat.
bool holds_mean_curves(const std::filesystem::path& folder);

/// Observes the repeats of a program, from several threads at once: draws progress, prints the
/// lines of the first repeat, and writes metrics.csv, curves.csv and troubles.csv.
class Recorder {
 public:
  /// @param finished for each repeat, the fits whose rows are already in metrics.csv and
  /// curves.csv;
  ///   must outlive the recorder
  /// @throws report::Failure if the rows are not there
  Recorder(const Study& study, const Settings& settings, const report::RunFolder& folder,
           const std::vector<Finished>& finished);

  /// The repeats begin now: the time before, and fits that are finished, say nothing about how long
  /// they take.
  /// @param description learns which engines take steps, and where features are kept; must outlive
  ///   the repeats
  void begin(RunDescription& description);
  /// @param repeat its number
  Observer observer_of(int64_t repeat);
  /// Adds the rows of fits that the repeat did not reach.
  void end_repeat(int64_t repeat);
  /// Makes every repeat end at the next call of its hooks.
  void stop() { stopping_ = true; }
  /// Writes metrics.csv in the order of the repeats and of the plan, with NaN for fits that were
  /// not reached; and curves.csv and troubles.csv.
  void finish();
  /// Writes means and intervals to curves.csv, if the settings request them. This is the last
  /// action of a run, which cannot be resumed afterwards.
  void write_mean_curves();

  const Results& results() const { return results_; }
  const Curves& curves() const { return curves_; }

 private:
  Next on_progress(int64_t repeat, const StageInfo& info, const FitView& view);
  void on_stage(int64_t repeat, const StageReport& report);
  void take_metrics();
  void take_troubles();
  void take_curves();
  void sort_curves();
  void note_engine(const EngineUse& use);
  void note_features(const StageInfo& info, const std::string& kept);
  void print_line(const std::string& line);
  bool keeps_curves(int64_t repeat) const;
  size_t index_of(int64_t repeat) const {
    return static_cast<size_t>(repeat - settings_.first_repeat);
  }
  size_t place_of(const StageInfo& info) const;
  /// Whether a fit has been completed, so that its rows are in metrics.csv.
  bool has_rows(size_t index, size_t place) const;
  std::string metric_rows(int64_t repeat, const Outcome& outcome) const;
  std::string trouble_row(int64_t repeat, const Outcome& outcome) const;
  std::string curve_rows(size_t index, size_t first) const;
  std::string mean_curve_rows() const;
  Pieces metrics_table(bool every_fit) const;
  Pieces troubles_table() const;
  Pieces curves_table() const;
  std::string progress_label(int64_t repeat, const StageInfo& info) const;

  const Study& study_;
  const Settings& settings_;
  const std::vector<Finished>& finished_;
  report::Progress progress_;
  const std::filesystem::path metrics_path_;
  const std::filesystem::path curves_path_;
  const std::filesystem::path troubles_path_;
  std::optional<report::RowFile> metrics_file_;
  std::optional<report::RowFile> curves_file_;
  std::optional<report::RowFile> troubles_file_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> lines_printed_ = false;
  std::mutex mutex_;
  Results results_;
  std::vector<EngineUse> engines_;  ///< that took steps, in the order of their first use
  RunDescription* description_ = nullptr;
  Curves curves_;
  struct Done {
    double work = 0;            // of completed fits
    double of_fit = 0;          // of the current fit
    size_t curves_written = 0;  // of the repeat's points
  };
  std::vector<Done> done_;  // of each repeat
};

}  // namespace layerwise::study
