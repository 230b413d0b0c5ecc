#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "layerwise/layerwise.h"
#include "layerwise/report/page.h"
#include "layerwise/report/plot.h"
#include "layerwise/report/table.h"

#include "support/program.h"
#include "support/study.h"

namespace layerwise::apps {

struct CaptionedFigure {
  report::Drawing drawing;
  std::string caption;
};

/// Which options a run's numbers depend on, and thus whether published ones can be set beside them.
struct Settings {
  std::vector<std::string> groups;     ///< of options that count
  std::vector<std::string> no_matter;  ///< but for these
  std::string name;  ///< whose published values those are: "the tutorial's settings"
};

/// One repeat that is to be made.
struct Repeat {
  int64_t number = 0;
  const Split& data;             ///< on the device
  std::filesystem::path folder;  ///< of the run
  Finished finished;             ///< what the run that is resumed has done of the plan
};

/// Calls `work` with 0, ..., `count` - 1, as many at once as `run` has threads, each prepared to
/// fit.
/// @param stop makes what is under way end soon, after one has failed
/// @throws what `work` threw first
void for_each_repeat(int64_t count, const RunOptions& run, const std::function<void(int64_t)>& work,
                     const std::function<void()>& stop);

/// What is particular to one program.
struct Experiment {
  std::string title;
  Split data;
  std::vector<PlannedFit> plan;
  std::vector<std::string> metrics;            ///< which ones metrics.csv gets, in this order
  std::vector<std::string> heavy_tailed = {};  ///< see `Study`
  std::vector<Published> published;
  Settings settings;
  std::string data_checksum = {};  ///< without which a run is not resumed; empty if none is kept
  std::function<void(const Repeat& repeat, Random& random, const Observer& observer)> algorithm;
  /// The document's own line for a fit that was made; empty if it has none.
  std::function<std::string(const Outcome&)> line;
  /// The document's own lines for an epoch, without a newline at the end; empty if it has none.
  std::function<std::string(const StageInfo&, const FitView&, const std::vector<Score>&)>
      epoch_line = {};
  /// What curves.csv gets at each call of the hooks.
  std::function<std::vector<Score>(const StageInfo&, const FitView&)> curve_scores;
  /// What progress calls a fit.
  std::function<std::string(const StageInfo&)> label;
  std::function<report::Table(const Study&, const Curves&)> table;
  /// What to say of the results below the table.
  std::function<std::vector<std::string>(const Study&)> notes;
  std::function<std::vector<CaptionedFigure>(const Study&, const Curves&)> figures;
  /// What is to be said below the notes, under headings of its own.
  std::function<std::vector<report::Section>(const Study&, const Curves&)> sections = {};
  /// The files that a run may write beside its tables and plots.
  std::vector<std::string> files = {};
  std::vector<std::string> figure_names;
  /// Which fits of a repeat the run in a folder has finished, what resuming needs.
  /// @throws report::Failure if what they left is damaged
  std::function<Finished(int64_t repeat, const std::filesystem::path& folder)> finished = {};
  /// What is done before the repeats.
  std::function<void(const Split& data, const std::filesystem::path& folder)> prepare = {};
};

/// Runs the repeats, prints the results and writes the run's folder.
void run_experiment(const Experiment& experiment, const CLI::App& app, const CommandLine& command,
                    const RunOptions& run);

}  // namespace layerwise::apps
