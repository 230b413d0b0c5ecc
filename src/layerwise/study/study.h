#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "layerwise/data/dataset.h"
#include "layerwise/pretraining/stage_runner.h"
#include "layerwise/random.h"
#include "layerwise/report/page.h"
#include "layerwise/report/plot.h"
#include "layerwise/report/table.h"
#include "layerwise/study/published.h"
#include "layerwise/study/results.h"
#include "layerwise/study/settings.h"
#include "layerwise/train/evaluate.h"

namespace layerwise::study {

/// One repeat that is to be made.
struct Repeat {
  int64_t number = 0;
  const Split& data;             ///< on the device
  const Plan& plan;              ///< of the study
  std::filesystem::path folder;  ///< of the run
  Finished finished;             ///< what the run that is resumed has done of the plan
  Random random;                 ///< this repeat's streams
  Observer observer;             ///< whom the algorithm tells what it does

  /// Keeps a network that is deepened in `net.safetensors` (`repeatN_net.safetensors`), with where
  /// the streams stand: afresh after every stage, when all its fits are made. In a run that is
  /// resumed, `net` and the streams become what they were at the last of them.
  /// @param net as at the beginning of the first stage; goes to the data's device
  /// @param next_block makes the blocks that the network has had since
  /// @returns the stages that are done, for the algorithm that goes on
  /// @throws report::Failure if the file is damaged or holds another network
  int64_t go_on_with(GreedyNet& net, const BlockFactory& next_block);
};

struct CaptionedFigure {
  report::Drawing drawing;
  std::string caption;
};

/// How a study's results are shown. Each function has a default that serves any plan; a program
/// puts others in their place.
class Report {
 public:
  /// @param splits the parts of the data whose curves are kept
  explicit Report(std::vector<std::string> splits = {"train", "test"})
      : splits_(std::move(splits)) {}
  virtual ~Report() = default;

  /// What curves.csv gets at each call of the hooks; by default every metric on `splits`.
  virtual std::vector<Score> curve_scores(const StageInfo& info, const FitView& view) const;
  /// What progress calls a fit.
  virtual std::string label(const StageInfo& info) const;
  /// The line for a fit that was made; empty for none.
  virtual std::string line(const Outcome& outcome) const;
  /// The lines for a call of the hooks, without a newline at the end; empty for none.
  virtual std::string epoch_line(const StageInfo&, const FitView&,
                                 const std::vector<Score>&) const {
    return {};
  }
  /// By default a row a fit.
  virtual report::Table table(const Plan& plan, const Results& results, const Curves& curves) const;
  /// What to say of the results below the table.
  virtual std::vector<std::string> notes(const Plan& plan, const Results& results) const;
  /// By default the metrics of the plan's stages against layers, and the curves of repeat 0.
  virtual std::vector<CaptionedFigure> figures(const Plan& plan, const Results& results,
                                               const Curves& curves) const;
  /// The names of all figures that this may draw: what a run that is written over may have left.
  virtual std::vector<std::string> figure_names() const { return {"metrics", "learning_curves"}; }
  /// What is to be said below the notes, under headings of its own.
  virtual std::vector<report::Section> sections(const Plan&, const Results&, const Curves&) const {
    return {};
  }

 private:
  std::vector<std::string> splits_;
};

/// Published values, and which settings they belong to.
struct Comparison {
  std::vector<Published> values = {};
  std::string settings = {};              ///< whose they are: "the tutorial's settings"
  std::vector<std::string> changed = {};  ///< what of this run differs from those
};

/// One experiment, made many times. What must be given is the constructor's; all else has a default
/// that works.
struct Study {
  using Algorithm = std::function<void(Repeat&)>;

  /// @param title_ of the page
  /// @param plan_ every fit that the algorithm will report, in order
  /// @param algorithm_ makes one repeat; called from several threads at once
  Study(std::string title_, Split data_, Plan plan_, Algorithm algorithm_);

  std::string title;
  Split data;
  Plan plan;
  Algorithm algorithm;
  std::shared_ptr<const Report> report;  ///< at first a `Report` of the parts that the data have
  std::vector<std::string> metrics;  ///< which ones metrics.csv gets, in this order; those planned
  std::vector<std::string> heavy_tailed = {};  ///< see `Results`
  Comparison published = {};
  /// What the data are known by: a run that learned from other data is not resumed. Without it, a
  /// hash of their bits; empty: not checked.
  std::optional<std::string> data_checksum = {};
  /// The files that a run may write beside its tables and plots.
  std::vector<std::string> files = {};
  /// Which fits of each repeat the run in a folder has finished. By default those of whole repeats,
  /// which are not made again, and those up to the last checkpoint of `Repeat::go_on_with`.
  /// @throws report::Failure if what they left is damaged
  std::function<std::vector<Finished>(const std::filesystem::path& folder, int64_t repeats)>
      finished = {};
  /// What is done before the repeats.
  std::function<void(const Split& data, const std::filesystem::path& folder)> prepare = {};
};

/// Runs the repeats, prints the results and writes the run's folder.
/// @throws Interrupted after a signal, with run.json saying so, if `note_interrupts` was called
/// @throws std::invalid_argument if a count of `settings` is not positive, or the plan is empty
/// @throws report::Failure, and what the algorithm throws
void run_study(const Study& study, const Settings& settings, const Start& start);

}  // namespace layerwise::study
