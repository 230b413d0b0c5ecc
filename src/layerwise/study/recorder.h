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

/// Whether a fit that diverged is finished, or to be made again (and to diverge again).
enum class Diverged { made_again, finished };

/// The fits of the plan that have a row of each of these metrics in the metrics.csv of a run,
/// repeat by repeat: finite, or of a fit that troubles.csv says has diverged.
/// @throws report::Failure if these cannot be read
std::vector<Finished> fits_with_rows(const Plan& plan, const std::vector<std::string>& metrics,
                                     int64_t repeats, const std::filesystem::path& folder,
                                     Diverged diverged = Diverged::made_again);

/// The curves.csv of a run holds means over the repeats: what each repeat did is gone.
bool holds_mean_curves(const std::filesystem::path& folder);

/// Watches the repeats of a program, several threads at once: draws progress, prints the lines of
/// repeat 0, and writes metrics.csv, curves.csv and
/// troubles.csv.
class Recorder {
 public:
  /// @param finished for each repeat the fits whose rows metrics.csv and curves.csv hold already
  /// @throws report::Failure if they do not
  Recorder(const Study& study, const Settings& settings, const report::RunFolder& folder,
           const std::vector<Finished>& finished);

  Observer observer_of(int64_t repeat);
  void end_repeat(int64_t repeat);
  /// Makes every repeat end when its hooks are called next.
  void stop() { stopping_ = true; }
  /// Writes metrics.csv in the order of the repeats, whatever order they ended in, with NaN for
  /// what was not reached; and curves.csv.
  void finish();
  /// Puts means and intervals into curves.csv, if it is to have those: the last thing of a run,
  /// which cannot be resumed any more.
  void write_mean_curves();

  const Results& results() const { return results_; }
  /// The engines that took steps, in the order in which they first did.
  const std::vector<EngineUse>& engines() const { return engines_; }
  const Curves& curves() const { return curves_; }

 private:
  Next on_epoch(int64_t repeat, const StageInfo& info, const FitView& view);
  void on_stage(int64_t repeat, const StageReport& report);
  void take_metrics(const std::vector<Finished>& finished);
  void take_troubles(const std::vector<Finished>& finished);
  void take_curves(const std::vector<Finished>& finished);
  void note_engine(int64_t repeat, const EngineUse& use);
  bool keeps_curves(int64_t repeat) const;
  std::string all_metric_rows() const;
  std::string reached_rows() const;
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
    double work = 0;            // of fits that ended
    double of_fit = 0;          // of the one under way
    size_t curves_written = 0;  // of the repeat's points
  };
  std::vector<Done> done_;  // of each repeat
};

}  // namespace layerwise::study
