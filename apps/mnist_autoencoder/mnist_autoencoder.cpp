/// A stacked autoencoder on MNIST, trained phase by phase: the first half of the question.
///
///     mnist_autoencoder                             784-300-150-300-784 in two phases
///     mnist_autoencoder --reproduce joint           another condition that has published numbers
///     mnist_autoencoder --units 784,500,250,30 --noise masking:0.25 --fine-tune 10
///     mnist_autoencoder --resume runs/mnist_autoencoder-1-...
///
/// Prints `0 Train MSE: ...` after every epoch, of its last batch after that batch's step, and the
/// test error of the whole chain at the end.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <memory>
#include <mutex>
#include <regex>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/utils.h>

#include "layerwise/nn/dense.h"
#include "layerwise/report/statistics.h"
#include "layerwise/study/checkpoints.h"
#include "layerwise/study/figures.h"
#include "layerwise/study/study.h"

#include "common/resume.h"
#include "mnist_autoencoder/autoencoder.h"

namespace layerwise::apps {
namespace {

constexpr auto program = "mnist_autoencoder";

/// What one stage is called in tables and file names.
std::string title_of(const StageInfo& info, const AutoencoderOptions& options) {
  if (info.variant == "whole") return "whole chain";
  if (info.variant == "fine_tuned") return "fine-tuned";
  return options.joint ? "all layers" : fmt::format("phase {}", info.stage);
}

std::string checkpoint_name(const StageInfo& info, const AutoencoderOptions& options,
                            int64_t repeat) {
  auto name = title_of(info, options);
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c == ' ' || c == '-'; }, '_');
  return fmt::format("{}{}.safetensors", repeat > 0 ? fmt::format("repeat{}_", repeat) : "", name);
}

std::vector<std::string> names_of(const std::vector<Metric>& metrics) {
  std::vector<std::string> names;
  for (const auto& metric : metrics) names.push_back(metric.name);
  return names;
}

/// @param rows to train on
Plan plan_of(const AutoencoderOptions& options, int64_t rows) {
  const auto training = options.training();
  std::vector<std::string> splits{"train"};
  if (options.data.validation > 0) splits.emplace_back("validation");
  splits.emplace_back("test");
  const auto stages = stages_of(training, options.phases(), rows);
  Plan plan;
  for (const auto& [info, phase, fit] : stages) {
    const auto& objective = phase > 1 ? training.codes : training.pixels;
    auto last_batch = names_of(objective.metrics);
    for (size_t i = 1; i < objective.terms.size(); ++i)
      last_batch.push_back(objective.terms[i].metric.name);
    auto scores = scores_of({"last_batch"}, last_batch);
    const auto others = scores_of(splits, names_of(objective.metrics));
    scores.insert(scores.end(), others.begin(), others.end());
    PlannedFit planned{info, fit.epochs, scores};
    const auto of_validation = options.data.validation > 0 ? objective.metrics.size() : 0;
    planned.curve_rows = fit.epochs * static_cast<int64_t>(last_batch.size() + of_validation) +
                         static_cast<int64_t>(of_validation);
    plan.push_back(planned);
  }
  plan.push_back({whole_chain(stages), 0, scores_of(splits, names_of(training.pixels.metrics))});
  return plan;
}

/// `0 Train MSE: 0.0192`, with a heading before a stage's first.
std::string epoch_line(const StageInfo& info, const FitView& view, const std::vector<Score>& scores,
                       const AutoencoderOptions& options) {
  if (view.epoch == 0) {
    if (info.variant == "fine_tuned") return "Fine-tuning all layers";
    return options.joint ? "Training all layers" : fmt::format("Training phase #{}", info.stage);
  }
  auto line =
      fmt::format("{} Train MSE: {:.4f}", view.epoch - 1, value_of(scores, "last_batch", "mse"));
  for (const auto& score : scores) {
    if (score.split != "last_batch") continue;
    if (score.metric == "bce") line += fmt::format("  cross-entropy: {:.4f}", score.value);
    if (score.metric == "sparsity") line += fmt::format("  sparsity loss: {:.4f}", score.value);
  }
  return line;
}

/// What is measured after every epoch; all training rows would cost a third of an epoch.
std::vector<Score> curve_scores(const FitView& view, bool has_validation) {
  auto scores = view.engine.evaluate_last_batch();
  if (!has_validation) return scores;
  const auto validation = view.engine.evaluate("validation");
  scores.insert(scores.end(), validation.begin(), validation.end());
  return scores;
}

/// The learning curves of every stage in one panel: the last batch's error and the validation
/// set's.
report::Panel error_curves(const Plan& plan, const std::vector<CurvePoint>& curves,
                           const std::string& metric, const std::string& label,
                           const AutoencoderOptions& options) {
  report::Panel panel;
  panel.x_label = "epoch, stage after stage";
  panel.y_label = label;
  panel.log_y = true;
  const Look looks[] = {{"last_batch", "#1f4e79", 1, 7, 6}, {"validation", "#e07b00", 2, 5, 4}};
  for (const auto& look : looks) {
    const bool batch = look.split == std::string_view("last_batch");
    report::Series series{
        batch ? "last batch of the epoch" : "validation",
        {},
        {},
        {report::Style::Kind::line_and_points, look.color, look.filled, look.dash, 0.7}};
    double begin = 0;
    for (const auto& fit : plan) {
      for (const auto& point : curves) {
        if (point.info != fit.info || point.score.split != look.split ||
            point.score.metric != metric)
          continue;
        series.x.push_back(begin + static_cast<double>(point.epoch));
        series.y.push_back(point.score.value);
      }
      series.x.push_back(begin);
      series.y.push_back(std::numeric_limits<double>::quiet_NaN());  // a gap between stages
      begin += static_cast<double>(fit.epochs);
    }
    panel.series.push_back(series);
  }
  double begin = 0;
  panel.top_label = "stage";
  for (const auto& fit : plan) {
    if (fit.epochs == 0) continue;
    const auto epochs = static_cast<double>(fit.epochs);
    panel.top_tics.emplace_back(begin + epochs / 2, title_of(fit.info, options));
    begin += epochs;
    panel.boundaries.push_back(begin);
  }
  if (!panel.boundaries.empty()) panel.boundaries.pop_back();
  return panel;
}

std::vector<float> values_in(const torch::Tensor& tensor) {
  const auto flat = tensor.to(torch::kCPU, torch::kFloat32).contiguous();
  return {flat.data_ptr<float>(), flat.data_ptr<float>() + flat.numel()};
}

/// The first test image of each class above what the network makes of it.
report::Mosaic reconstructions(StackedAutoencoder& net, const LabelledImages& images) {
  torch::NoGradGuard no_grad;
  net->eval();
  report::Mosaic mosaic{"reconstructions", images.width, images.height, {}, 0, 1, false};
  mosaic.rows = {{"test image", {}}, {"reconstruction", {}}};
  const auto device = net->parameters().front().device();
  for (int64_t label = 0; label < 10; ++label) {
    const auto rows = images.test.targets.eq(label).nonzero();
    if (rows.size(0) == 0) continue;
    const auto row = rows[0].item<int64_t>();
    const auto image = values_of(images.test.inputs.narrow(0, row, 1)).to(device);
    mosaic.rows[0].tiles.push_back(values_in(image));
    mosaic.rows[1].tiles.push_back(values_in(net->forward(image.clone()).clamp(0, 1)));
  }
  return mosaic;
}

/// The weights into the first-layer units with the largest norms, each scaled to its largest
/// weight.
report::Mosaic filters(StackedAutoencoder& net, const LabelledImages& images) {
  torch::NoGradGuard no_grad;
  constexpr int64_t rows = 3;
  constexpr int64_t columns = 10;
  const auto weight = net->encoder->ptr(0)->as<DenseImpl>()->weight.detach();
  const auto order = weight.norm(2, 1).argsort(0, true);
  report::Mosaic mosaic{"filters", images.width, images.height, {}, -1, 1, true};
  for (int64_t i = 0; i < std::min(rows * columns, order.size(0)); ++i) {
    if (i % columns == 0) mosaic.rows.push_back({i == 0 ? "strongest" : "", {}});
    const auto filter = weight[order[i].item<int64_t>()];
    mosaic.rows.back().tiles.push_back(values_in(filter / filter.abs().max().clamp_min(1e-30)));
  }
  return mosaic;
}

/// What a run of this program is: its options, its data, and the network of repeat 0 at its end.
struct Run {
  const AutoencoderOptions& options;
  const Condition& condition;
  LabelledImages images;
  std::mutex mutex;
  StackedAutoencoder first{nullptr};
};

constexpr auto without_it =
    "remove that checkpoint to go on after the one before it, or start anew with another --out";

Description load(StackedAutoencoder& net, const Run& run, const std::filesystem::path& path) {
  return load_in_run(*net, path, run.options.description(run.images), without_it);
}

/// Which fits of a repeat a folder has whole checkpoints of, from the first on.
Finished finished_fits(const Run& run, const Plan& plan, int64_t repeat,
                       const std::filesystem::path& folder) {
  RandomState any(0);
  auto net = run.options.network().make(any);
  Finished finished;
  for (const auto& fit : plan) {
    const auto path = folder / checkpoint_name(fit.info, run.options, repeat);
    std::error_code ignored;
    if (fit.info.variant == "whole" || !std::filesystem::exists(path, ignored)) break;
    load(net, run, path);
    finished.push_back(true);
  }
  finished.resize(plan.size(), false);
  return finished;
}

/// One repeat: what it trains is saved after every stage.
void train(Run& run, const Plan& plan, Repeat& repeat) {
  auto& random = repeat.random;
  auto net = run.options.network().make(random.initialisation);
  net->to(repeat.data.train.inputs.device());
  AutoencoderProgress done;
  done.stages = std::count(repeat.finished.begin(), repeat.finished.end(), true);
  if (done.stages > 0) {
    const auto& last = plan[static_cast<size_t>(done.stages - 1)].info;
    const auto path = repeat.folder / checkpoint_name(last, run.options, repeat.number);
    done.steps = take_progress(load(net, run, path), path, without_it, random);
  }
  int64_t steps = done.steps;
  Observer saving = repeat.observer;
  saving.on_stage = [&](const StageReport& report) {
    repeat.observer.on_stage(report);
    if (report.info.variant == "whole" || report.result.diverged()) return;
    const auto path = repeat.folder / checkpoint_name(report.info, run.options, repeat.number);
    steps += report.result.fit.steps;
    save_in_run(*net, path, with_progress(run.options.description(run.images), random, steps));
  };
  train_stacked_autoencoder(net, repeat.data, run.options.training(), random, saving, done);
  const std::lock_guard lock(run.mutex);
  if (repeat.number == 0) run.first = net;
}

class AutoencoderReport : public Report {
 public:
  explicit AutoencoderReport(Run& run) : run_(run) {}

  std::vector<Score> curve_scores(const StageInfo&, const FitView& view) const override {
    return apps::curve_scores(view, options().data.validation > 0);
  }
  std::string label(const StageInfo& info) const override { return title_of(info, options()); }
  std::string line(const Outcome& outcome) const override {
    if (outcome.info.variant != "whole") return {};
    return fmt::format("Test MSE: {}", with_digits(value_of(outcome.scores, "test", "mse"), 5));
  }
  std::string epoch_line(const StageInfo& info, const FitView& view,
                         const std::vector<Score>& scores) const override {
    return apps::epoch_line(info, view, scores, options());
  }

  /// One row for each stage and metric; a published value is named with the split it belongs to.
  report::Table table(const Plan& plan, const Results& results, const Curves&) const override {
    report::Table table{{"", "score", "last batch", "train", "validation", "test", "published", ""},
                        {}};
    for (const auto& fit : plan) {
      const auto& info = fit.info;
      for (const auto& metric : metrics_of({fit})) {
        const auto cell = [&](const char* split) {
          return results.cell_if(info, split, metric, 5);
        };
        std::string published;
        for (const auto& value : run_.condition.published) {
          if (!results.comparable || value.info != info || value.metric != metric) continue;
          const auto split = value.split == "last_batch" ? "last batch" : value.split;
          published = fmt::format("{} ({})", value.text, split);
        }
        table.rows.push_back({title_of(info, options()), metric, cell("last_batch"), cell("train"),
                              cell("validation"), cell("test"), published, results.note(info)});
      }
    }
    return table;
  }

  /// How this run's values, or their means, lie to the published ones.
  std::vector<std::string> notes(const Plan& plan, const Results& results) const override {
    std::vector<std::string> notes;
    if (results.count(plan, Trouble::diverged) > 0) {
      notes.emplace_back(
          "The loss grew beyond all numbers, and training ended there. Try a smaller "
          "--learning-rate, or milder --noise, --emphasis, --l2 or --sparsity where they were "
          "set.");
    }
    if (!results.comparable) return notes;
    std::vector<std::string> parts;
    for (const auto& value : run_.condition.published) {
      const auto ours = report::finite(results.values(value.info, value.split, value.metric));
      if (ours.empty()) continue;
      const double mean = report::spread_of(ours).mean;
      const double middle = (value.low + value.high) / 2;
      const bool inside = mean >= value.low && mean <= value.high;
      parts.push_back(
          fmt::format("{} {} {}, published {}{}", title_of(value.info, options()), value.metric,
                      with_digits(mean, 5), value.text,
                      inside ? "" : fmt::format(" ({:+.0f}%)", 100 * (mean / middle - 1))));
    }
    if (parts.empty()) return notes;
    notes.push_back(fmt::format("Condition '{}' ({}): {}.", run_.condition.name,
                                run_.condition.what, fmt::join(parts, "; ")));
    return notes;
  }

  std::vector<CaptionedFigure> figures(const Plan& plan, const Results&,
                                       const Curves& curves) const override {
    const bool bce = options().loss == "bce";
    std::vector<report::Panel> panels{
        error_curves(plan, curves[0], "mse", "mean squared error", options())};
    if (bce)
      panels.push_back(error_curves(plan, curves[0], "bce", "binary cross-entropy", options()));
    return {{report::Figure{"learning_curves", panels, 800, bce ? 800 : 440},
             "Reconstruction error after every epoch of every stage (repeat 0); each phase "
             "reconstructs what it is given, the first the pixels, the others codes."},
            {reconstructions(run_.first, run_.images),
             "The first test image of each class above what the trained network makes of it "
             "(repeat 0)."},
            {filters(run_.first, run_.images),
             "The weights into the 30 first-layer units with the largest weight norms (repeat 0): "
             "red positive, blue negative, each scaled to its largest."}};
  }
  std::vector<std::string> figure_names() const override {
    return {"learning_curves", "reconstructions", "filters"};
  }

 private:
  const AutoencoderOptions& options() const { return run_.options; }

  Run& run_;
};

Study study_of(Run& run, const CLI::App& app, const RunOptions& options) {
  const auto& autoencoder = run.options;
  auto data = autoencoder.data.split(run.images);
  for (auto* part : {&data.train, &data.test, &data.validation}) part->targets = torch::Tensor();
  const auto plan = plan_of(autoencoder, data.train.size());
  Study study(fmt::format("A stacked autoencoder on {}",
                          autoencoder.data.dataset == "mnist" ? "MNIST" : "Fashion-MNIST"),
              data, plan, [&run, plan](Repeat& repeat) { train(run, plan, repeat); });
  study.data_checksum = "";  // each checkpoint has one
  study.metrics = {"sparsity", "rounded_accuracy", "bce", "mse"};
  study.published = {
      run.condition.published, fmt::format("the condition '{}'", run.condition.name),
      options_changed(app, {"Data", "Network", "Training", "Noise and sparsity", "Fine-tuning"},
                      {"--data-dir", "--cache"})};
  study.report = std::make_shared<AutoencoderReport>(run);
  study.finished = [&run, plan](const std::filesystem::path& folder, int64_t repeats) {
    std::vector<Finished> finished;
    for (int64_t repeat = 0; repeat < repeats; ++repeat)
      finished.push_back(finished_fits(run, plan, repeat, folder));
    return finished;
  };
  study.files =  // also those of a run with other phases or repeats
      files_named(options.out,
                  std::regex("(repeat[0-9]+_)?(phase_[0-9]+|all_layers|fine_tuned)\\.safetensors"));
  return study;
}

int run(int argc, char** argv) {
  auto command = command_line(argc, argv);
  const Condition* condition = nullptr;
  const int prepared = prepare_program([&] {
    command = resumed(command, program);
    condition = &condition_named(
        value_on_command_line(command.arguments, "--reproduce").value_or("cached"));
  });
  if (prepared != 0) return prepared;

  CLI::App app(
      "Trains a stacked autoencoder on MNIST one hidden layer at a time, each on the codes of the "
      "layers before.",
      program);
  RunOptions options;
  auto autoencoder = condition->options;
  std::string reproduce = condition->name;
  std::vector<std::string> names;
  std::string footer = "Conditions:";
  for (const auto& other : conditions()) {
    names.push_back(other.name);
    footer += fmt::format("\n  {:<32}{}", other.name, other.what);
  }
  footer += fmt::format("\n\nThe defaults above are those of '{}'.", condition->name);
  app.footer(footer);
  options.add_to(app);
  add_choice(
      app, "--reproduce", reproduce, names,
      "The condition whose published numbers are compared; sets the defaults below, see the end")
      ->group("Condition");
  autoencoder.add_to(app);

  const auto arguments = command.arguments;
  return run_program(app, arguments, [&] {
    options.check();
    autoencoder.check(app);
    autoencoder.engine = options.engine;
    Run run{autoencoder, *condition, autoencoder.data.read(), {}, nullptr};
    autoencoder.data.check(run.images);
    const auto pixels = run.images.height * run.images.width;
    if (autoencoder.layer_units().front() != pixels) {
      throw UsageError(fmt::format("--units begins with {}, but the images are {} x {} = {} pixels",
                                   autoencoder.layer_units().front(), run.images.height,
                                   run.images.width, pixels),
                       fmt::format("begin it with {}", pixels));
    }
    autoencoder.check_size(run.images.train.size() - autoencoder.data.validation);
    if (!autoencoder.data.data_dir.empty()) {
      const auto place = std::filesystem::absolute(autoencoder.data.data_dir);
      set_option(command.arguments, "--data-dir", place.string());
    }
    run_study(study_of(run, app, options), options, start_of(app, command, options));
  });
}

}  // namespace
}  // namespace layerwise::apps

int main(int argc, char** argv) {
  return layerwise::apps::run(argc, argv);
}
