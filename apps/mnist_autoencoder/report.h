#pragma once

#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "layerwise/nn/stacked_autoencoder.h"
#include "layerwise/study/study.h"

#include "mnist_autoencoder/conditions.h"

namespace layerwise::apps {

/// A run of this program: its options, its data, and the network of repeat 0 at its end.
struct AutoencoderRun {
  AutoencoderRun(const AutoencoderOptions& options_, const Condition& condition_,
                 LabelledImages images_)
      : options(options_), condition(condition_), images(std::move(images_)) {}

  const AutoencoderOptions& options;
  const Condition& condition;
  LabelledImages images;
  std::mutex mutex;
  StackedAutoencoder first{nullptr};  ///< empty if repeat 0 is not among those of the run
};

/// The name of a stage in tables and file names.
std::string title_of(const StageInfo& info, const AutoencoderOptions& options);

/// Shows the results: errors beside the condition's published ones, learning curves,
/// reconstructions and filters.
class AutoencoderReport : public study::Report {
 public:
  explicit AutoencoderReport(AutoencoderRun& run) : run_(run) {}

  std::vector<Score> curve_scores(const StageInfo& info, const FitView& view) const override;
  std::string label(const StageInfo& info) const override;
  std::string line(const study::Outcome& outcome) const override;
  std::string epoch_line(const StageInfo& info, const FitView& view,
                         const std::vector<Score>& scores) const override;
  /// One row per stage and metric; a published value is shown with its split.
  report::Table table(const Plan& plan, const study::Results& results,
                      const study::Curves& curves) const override;
  std::vector<std::string> notes(const Plan& plan, const study::Results& results) const override;
  /// How the values of this run, or their means, compare with the published ones.
  std::vector<std::string> lead(const Plan& plan, const study::Results& results) const override;
  std::vector<study::CaptionedFigure> figures(const Plan& plan, const study::Results& results,
                                              const study::Curves& curves) const override;
  std::vector<std::string> figure_names() const override;

 private:
  const AutoencoderOptions& options() const { return run_.options; }

  AutoencoderRun& run_;
};

}  // namespace layerwise::apps
