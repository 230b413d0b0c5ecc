#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <vector>

#include "layerwise/report/progress.h"
#include "layerwise/report/run_folder.h"

#include "support/blobs_program.h"

namespace layerwise::apps {

/// Watches the repeats of a program, several threads at once: draws progress, prints the lines of
/// repeat 0, and writes metrics.csv and curves.csv.
class Recorder {
 public:
  Recorder(const BlobsProgram& program, const RunOptions& run, const report::RunFolder& folder);

  Observer observer_of(int64_t repeat);
  void end_repeat(int64_t repeat);
  /// Makes every repeat end at its next epoch.
  void stop() { stopping_ = true; }
  /// Writes metrics.csv in the order of the repeats, whatever order they ended in, with NaN for
  /// what was not reached.
  void finish();

  const Study& study() const { return study_; }
  const std::vector<CurvePoint>& curves() const { return curves_; }

 private:
  Next on_epoch(int64_t repeat, const StageInfo& info, const FitView& view);
  void on_stage(int64_t repeat, const StageReport& report);
  size_t place_of(const StageInfo& info) const;
  std::string metric_rows(int64_t repeat, const Outcome& outcome) const;
  std::string curve_rows_since(size_t first) const;
  std::string progress_label(int64_t repeat, const StageInfo& info) const;

  const BlobsProgram& program_;
  const RunOptions& run_;
  report::Progress progress_;
  const std::filesystem::path metrics_path_;
  report::RowFile metrics_file_;
  report::RowFile curves_file_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  Study study_;
  std::vector<CurvePoint> curves_;
  size_t curves_written_ = 0;
  std::vector<double> epochs_done_;  // of each repeat
};

}  // namespace layerwise::apps
