#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <c10/core/Device.h>

#include "layerwise/data/dataset.h"
#include "layerwise/pretraining/stage_runner.h"
#include "layerwise/random.h"
#include "layerwise/report/page.h"
#include "layerwise/report/plot.h"
#include "layerwise/report/table.h"
#include "layerwise/study/claims.h"
#include "layerwise/study/published.h"
#include "layerwise/study/results.h"
#include "layerwise/study/settings.h"
#include "layerwise/train/evaluate.h"

namespace layerwise::study {

/// One repeat to run.
struct Repeat {
  Repeat(int64_t number_, const Split& data_, c10::Device device_, const Plan& plan_,
         std::filesystem::path folder_, Finished finished_, Random random_, Observer observer_);

  int64_t number;
  const Split& data;             ///< on the device, or in the CPU's memory if it has no room and
                                 ///< `Settings::engine.device` is given
  c10::Device device;            ///< where networks go
  const Plan& plan;              ///< of the study
  std::filesystem::path folder;  ///< of the run
  Finished finished;             ///< the fits of the plan that the resumed run has completed
  Random random;                 ///< this repeat's streams
  Observer observer;             ///< callbacks that receive the algorithm's progress
  std::string variant = {};      ///< the network, where the study compares several

  /// This repeat for one of the networks that the study compares. Their streams begin alike, so
  /// that differences between them are paired. The plan has their fits by `of_variant`.
  /// @throws std::invalid_argument as `of_variant`, and if the plan has no fit of this name
  Repeat of_variant(const std::string& name) const;

  /// Keeps a network that is deepened in `net.safetensors` (with the variant's name and the number
  /// of a later repeat before it), together with the state of the random streams. The file is
  /// written again after every stage, when all fits of the stage are complete. In a resumed run,
  /// `net` and the streams are restored from the last such file; without this, a repeat that was
  /// not complete begins anew. For one network: of several, each has its `of_variant`.
  /// @param net as at the beginning of the first stage; is moved to the device
  /// @param next_block creates the blocks that the stages have added since
  /// @param next_head creates its heads, if the stages have replaced them
  /// @param exits whether the stages have kept the replaced heads as exits
  /// @returns the number of completed stages, for the algorithm that continues
  /// @throws std::logic_error if the repeat, or its variant, keeps a network already
  /// @throws report::Failure if the file is damaged or holds another network
  int64_t go_on_with(GreedyNet& net, const BlockFactory& next_block,
                     const BlockFactory& next_head = {}, bool exits = false);
  /// The same for a network that does not grow.
  int64_t go_on_with(torch::nn::Module& net);

  /// For a network that is trained as a whole or not at all: keeps it when `observer.on_checkpoint`
  /// is called, which is to happen once, when all fits are complete.
  /// @returns whether that has happened in the run that is resumed, so that nothing is left to do
  /// @throws std::logic_error as `go_on_with`
  bool keep_whole();

 private:
  /// @returns the number of completed stages
  int64_t keep();
  std::filesystem::path net_path() const;

  /// The files of the networks that this repeat keeps; shared by its variants.
  std::shared_ptr<std::set<std::string>> nets_ = std::make_shared<std::set<std::string>>();
};

struct CaptionedFigure {
  report::Drawing drawing;
  std::string caption;
};

/// One line of what a run comes to: a quantity, its published value and its value here.
struct SummaryLine {
  std::string what;
  std::string published;  ///< empty if there is none
  std::string here;
};

/// How to show the results of a study. Each function has a default that works for any plan; a
/// program overrides those it wants to change.
class Report {
 public:
  /// @param splits the splits whose curves are kept
  explicit Report(std::vector<std::string> splits = {"train", "test"})
      : splits_(std::move(splits)) {}
  virtual ~Report() = default;

  /// The scores that curves.csv gets at each call of the hooks; by default every metric on
  /// `splits`.
  virtual std::vector<Score> curve_scores(const StageInfo& info, const FitView& view) const;
  /// The name of a fit in the progress display.
  virtual std::string label(const StageInfo& info) const;
  /// The line to print for a completed fit; empty for none.
  virtual std::string line(const Outcome& outcome) const;
  /// The lines to print at a call of the hooks, without a newline at the end; empty for none.
  virtual std::string epoch_line(const StageInfo&, const FitView&,
                                 const std::vector<Score>&) const {
    return {};
  }
  /// The table of the results; by default one row per fit.
  virtual report::Table table(const Plan& plan, const Results& results, const Curves& curves) const;
  /// How to read the table of several repeats, below it.
  virtual std::string reading(const Results& results) const;
  /// Sentences that sum up the run: below the table, and at the top of the page; by default none.
  virtual std::vector<std::string> lead(const Plan&, const Results&) const { return {}; }
  /// What went wrong, and what that means: below the table, and on the page under "Warnings".
  virtual std::vector<std::string> notes(const Plan& plan, const Results& results) const;
  /// The results in a few lines, for an overview of several runs; by default the published values
  /// of the last stage that has some, or else the test scores of the last fit.
  virtual std::vector<SummaryLine> summary(const Plan& plan, const Results& results,
                                           const Comparison& published) const;
  /// The figures; by default the metrics of the plan's stages against the number of layers, and the
  /// learning curves of the first repeat, where they are kept.
  virtual std::vector<CaptionedFigure> figures(const Plan& plan, const Results& results,
                                               const Curves& curves) const;
  /// The names of all figures that this report may draw. A run that is overwritten may have left
  /// their files.
  virtual std::vector<std::string> figure_names() const { return {"metrics", "learning_curves"}; }
  /// Further sections below the notes, with their own headings.
  virtual std::vector<report::Section> sections(const Plan&, const Results&, const Curves&) const {
    return {};
  }

 private:
  std::vector<std::string> splits_;
};

/// One experiment, repeated many times. The constructor takes what is required; everything else has
/// a default that works.
struct Study {
  using Algorithm = std::function<void(Repeat&)>;

  /// @param title_ title of the report page
  /// @param plan_ every fit that the algorithm will report, in order
  /// @param algorithm_ runs one repeat; called from several threads at once
  Study(std::string title_, Split data_, Plan plan_, Algorithm algorithm_);

  std::string title;
  Split data;
  Plan plan;
  Algorithm algorithm;
  std::shared_ptr<const Report> report;  ///< initially a `Report` of the splits in the data
  /// The metrics to write to metrics.csv, in this order; initially those in the plan.
  std::vector<std::string> metrics;
  std::vector<std::string> heavy_tailed = {};  ///< see `Results`
  Comparison published = {};
  std::vector<Claim> claims = {};  ///< judged once all repeats are done, if there are several
  /// Identifies the data: a run that used other data is not resumed. If not set, a hash of the bits
  /// of the data is used; if empty, the data are not checked.
  std::optional<std::string> data_checksum = {};
  /// The files that a run may write in addition to its tables and plots.
  std::vector<std::string> files = {};
  /// The fits of each repeat of the settings that the run in a folder has completed. By default:
  /// all fits of complete repeats, which are not run again; and for other repeats, the fits up to
  /// the last checkpoint of `Repeat::go_on_with`.
  /// @throws report::Failure if the files of these fits are damaged
  std::function<std::vector<Finished>(const std::filesystem::path& folder,
                                      const Settings& settings)>
      finished = {};
  /// Called before the repeats.
  std::function<void(const Split& data, const std::filesystem::path& folder)> prepare = {};
};

/// Runs the repeats, prints the results and writes the folder of the run.
/// @throws Interrupted after a signal, if `note_interrupts` was called; run.json then says so
/// @throws std::invalid_argument if a count in `settings` is not positive, the seed is not a 32-bit
///   number, or the plan is empty
/// @throws report::Failure, and what the algorithm throws
void run_study(const Study& study, const Settings& settings, const Start& start);

}  // namespace layerwise::study
