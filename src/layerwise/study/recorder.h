#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "layerwise/report/progress.h"
#include "layerwise/report/run_folder.h"
#include "layerwise/study/study.h"

namespace layerwise::study {

/// Whether a fit that diverged counts as finished, or is run again (and diverges again).
enum class Diverged { made_again, finished };

/// For each repeat, the fits of the plan that have a row of each of these metrics in the
/// metrics.csv of a run. Only finite values count; with `Diverged::finished`, also those of fits
/// that diverged according to troubles.csv.
/// @throws report::Failure if these files cannot be read
std::vector<Finished> fits_with_rows(const Plan& plan, const std::vector<std::string>& metrics,
                                     int64_t repeats, const std::filesystem::path& folder,
                                     Diverged diverged = Diverged::made_again);

/// Whether the curves.csv of a run holds means over the repeats, which replace the curves of each
/// repeat.
bool holds_mean_curves(const std::filesystem::path& folder);

/// Observes the repeats of a program, from several threads at once: draws progress, prints the
/// lines of repeat 0, and writes metrics.csv, curves.csv and troubles.csv.
class Recorder {
 public:
  /// @param finished for each repeat, the fits whose rows are already in metrics.csv and curves.csv
  /// @throws report::Failure if the rows are not there
  Recorder(const Study& study, const Settings& settings, const report::RunFolder& folder,
           const std::vector<Finished>& finished);

  Observer observer_of(int64_t repeat);
  void end_repeat(int64_t repeat);
  /// Makes every repeat end at the next call of its hooks.
  void stop() { stopping_ = true; }
  /// Writes metrics.csv in the order of the repeats, with NaN for fits that were not reached; and
  /// curves.csv and troubles.csv.
  void finish();
  /// Writes means and intervals to curves.csv, if the settings request them. This is the last
  /// action of a run, which cannot be resumed afterwards.
  void write_mean_curves();

  const Results& results() const { return results_; }
  /// The engines that took steps, in the order of their first use.
  const std::vector<EngineUse>& engines() const { return engines_; }
  const Curves& curves() const { return curves_; }

 private:
  Next on_progress(int64_t repeat, const StageInfo& info, const FitView& view);
  void on_stage(int64_t repeat, const StageReport& report);
  void take_metrics(const std::vector<Finished>& finished);
  void take_troubles(const std::vector<Finished>& finished);
  void take_curves(const std::vector<Finished>& finished);
  void note_engine(int64_t repeat, const EngineUse& use);
  bool keeps_curves(int64_t repeat) const;
  enum class Fits { all, reached };
  template <typename TextOf>
  std::string text_of_outcomes(TextOf text_of) const;
  std::string all_metric_rows(Fits which) const;
  size_t place_of(const StageInfo& info) const;
  std::string metric_rows(int64_t repeat, const Outcome& outcome) const;
  std::string trouble_row(int64_t repeat, const Outcome& outcome) const;
  std::string all_trouble_rows() const;
  std::string curve_rows(size_t repeat, size_t first) const;
  std::string all_curve_rows() const;
  std::string mean_curve_rows() const;
  std::string progress_label(int64_t repeat, const StageInfo& info) const;

  const Study& study_;
  const Settings& settings_;
  report::Progress progress_;
  const std::filesystem::path metrics_path_;
  const std::filesystem::path curves_path_;
  const std::filesystem::path troubles_path_;
  std::optional<report::RowFile> metrics_file_;
  std::optional<report::RowFile> curves_file_;
  std::optional<report::RowFile> troubles_file_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  Results results_;
  std::vector<EngineUse> engines_;
  Curves curves_;
  struct Done {
    double work = 0;            // of completed fits
    double of_fit = 0;          // of the current fit
    size_t curves_written = 0;  // of the repeat's points
  };
  std::vector<Done> done_;  // of each repeat
};

}  // namespace layerwise::study
