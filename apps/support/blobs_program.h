#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "layerwise/layerwise.h"
#include "layerwise/report/plot.h"
#include "layerwise/report/table.h"

#include "support/program.h"

namespace layerwise::apps {

/// The tutorial's data, as options: `make_blobs` with the first half to train on.
struct BlobsData {
  int64_t samples = 1000;
  int64_t centers = 3;
  int64_t features = 2;
  std::string cluster_std = "2";  ///< one number, or one for each center, between commas
  int64_t random_state = 2;
  std::string export_file;

  void add_to(CLI::App& app);
  /// @throws UsageError if options do not fit together
  LabelledPoints make() const;
  /// Writes the data to `export_file`, if one was named. @throws report::Failure
  void export_to_file(const LabelledPoints& blobs) const;
  int64_t train_rows() const { return samples / 2; }
};

/// The tutorial's network and its fits, as options.
struct Training {
  explicit Training(int64_t layers_) : layers(layers_) {}

  int64_t layers;
  int64_t units = 10;
  FitOptions fit;

  void add_to(CLI::App& app);
  /// The network of the first stage; its block is drawn before its head.
  GreedyNet net(int64_t inputs, int64_t outputs, Random& random) const;
  BlockFactory next_block() const;
};

/// One fit that every repeat makes.
struct PlannedFit {
  StageInfo info;
  int64_t epochs;
};

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
  bool comparable = true;  ///< the settings are those of the published values

  const Outcome& outcome(size_t repeat, const StageInfo& info) const;
  /// This fit was planned.
  bool has(const StageInfo& info) const;
  /// The values of one score over the repeats.
  std::vector<double> values(const StageInfo& info, const std::string& split,
                             const std::string& metric) const;
  /// The value of a single repeat; of several, over the finite values, `mean +- standard
  /// deviation`, or for a mean squared error, which one collapsed repeat would dominate, `median
  /// [minimum .. maximum]`.
  std::string cell(const StageInfo& info, const std::string& split,
                   const std::string& metric) const;
  /// What a single repeat says of this fit, or how many repeats had which trouble.
  std::string note(const StageInfo& info) const;
  /// Repeats in which one of these fits had this trouble.
  int64_t count(const std::vector<PlannedFit>& fits, const std::string& trouble) const;
};

/// A value of the curves of repeat 0.
struct CurvePoint {
  StageInfo info;
  int64_t epoch;
  int64_t step;
  Score score;
};

/// A value that the tutorial prints.
struct Published {
  StageInfo info;
  std::string split;
  std::string metric;
  double value;
};

struct CaptionedFigure {
  report::Figure figure;
  std::string caption;
};

/// What is particular to one program on the blobs.
struct BlobsProgram {
  std::string title;
  std::vector<PlannedFit> plan;
  std::vector<std::string> metrics;  ///< which ones metrics.csv gets
  std::vector<Published> published;
  /// One repeat.
  std::function<void(const Split& data, Random& random, const Observer& observer)> algorithm;
  /// The tutorial's own line for a fit.
  std::function<std::string(const Outcome&)> line;
  std::function<report::Table(const Study&)> table;
  /// What to say of the results below the table.
  std::function<std::vector<std::string>(const Study&)> notes;
  std::function<std::vector<CaptionedFigure>(const Study&, const std::vector<CurvePoint>&)> figures;
};

/// Makes the data, runs the repeats, prints the results and writes the run's folder.
void run_blobs(const BlobsProgram& program, const CLI::App& app, const std::string& command,
               const RunOptions& run, const BlobsData& data);

/// The value that the tutorial prints, with three digits, or nothing.
std::string published_cell(const std::vector<Published>& published, const StageInfo& info,
                           const std::string& split, const std::string& metric);

/// What a person whose run diverged or collapsed should know and may try.
std::vector<std::string> trouble_notes(const Study& study, const std::vector<PlannedFit>& plan);

/// The tutorial's three digits; numbers too large for that in powers of ten.
std::string three_digits(double value);

/// Published and measured values of both splits against layers.
report::Panel against_layers(const Study& study, const std::vector<Published>& published,
                             const std::vector<PlannedFit>& plan, const std::string& metric,
                             const std::string& label);
/// The learning curves of every stage of one task, stage after stage on one axis.
report::Panel learning_curves(const std::vector<CurvePoint>& curves,
                              const std::vector<PlannedFit>& plan, const std::string& task,
                              const std::string& metric, const std::string& label);
/// The points coloured by class.
CaptionedFigure data_figure(const LabelledPoints& blobs, int64_t train_rows);

}  // namespace layerwise::apps
