#include "blobs/blobs.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <utility>

#include <ATen/ops/linalg_eigh.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/utils.h>

#include "layerwise/data/mnist.h"
#include "layerwise/nn/standardize.h"
#include "layerwise/report/run_folder.h"
#include "layerwise/study/statistics.h"

namespace layerwise::apps {

namespace {

std::string as_csv(const LabelledPoints& blobs, int64_t train_rows) {
  const int64_t features = blobs.points.size(1);
  std::string text;
  for (int64_t f = 0; f < features; ++f) text += fmt::format("x{},", f);
  text += "label,split\n";
  const auto* value = blobs.points.data_ptr<double>();
  const auto* label = blobs.labels.data_ptr<int64_t>();
  for (int64_t row = 0; row < blobs.points.size(0); ++row) {
    for (int64_t f = 0; f < features; ++f) text += fmt::format("{:.17g},", *value++);
    text += fmt::format("{},{}\n", label[row], row < train_rows ? "train" : "test");
  }
  return text;
}

/// The most points that a figure shows: each is an element of the page.
constexpr int64_t most_drawn = 4000;

/// A figure of the points, colored by class.
CaptionedFigure data_figure(const LabelledPoints& blobs, int64_t train_rows) {
  static constexpr const char* colors[] = {report::color::blue,   report::color::orange,
                                           report::color::green,  report::color::vermilion,
                                           report::color::purple, report::color::sky_blue};
  static constexpr int markers[] = {6, 1, 8, 4, 2, 10};
  const int64_t features = blobs.points.size(1);
  report::Panel panel;
  panel.x_label = "x0";
  panel.y_label = features > 1 ? "x1" : "row";
  panel.equal_scale = features > 1;
  const auto points = blobs.points.accessor<double, 2>();
  const auto labels = blobs.labels.accessor<int64_t, 1>();
  for (int64_t label = 0; label < blobs.centers.size(0); ++label) {
    const auto color = static_cast<size_t>(label) % std::size(colors);
    const auto marker = static_cast<size_t>(label + label / 6) % std::size(markers);
    panel.series.push_back({fmt::format("class {}", label),
                            {},
                            {},
                            {report::Style::Kind::points, colors[color], markers[marker], 1, 0.7}});
  }
  const auto drawn = std::min(points.size(0), most_drawn);
  for (int64_t row = 0; row < drawn; ++row) {
    auto& series = panel.series[static_cast<size_t>(labels[row])];
    series.x.push_back(points[row][0]);
    series.y.push_back(features > 1 ? points[row][1] : static_cast<double>(row));
  }
  return {
      report::Figure{"data", {panel}, 640, 560},
      fmt::format(
          "The {} points, colored by class; the first {} train, the rest test.{}{}", points.size(0),
          train_rows, features > 2 ? " The first two coordinates are shown." : "",
          drawn < points.size(0) ? fmt::format(" The first {} are drawn.", drawn) : std::string())};
}

}  // namespace

void BlobsData::add_to(CLI::App& app) {
  constexpr double unlimited = std::numeric_limits<double>::infinity();
  const auto* group = "Data";
  add_count(app, "--samples", samples, "Points; the first half trains, the rest tests", 2)
      ->group(group);
  add_count(app, "--centers", centers, "Clusters, which are the classes", 2)->group(group);
  add_count(app, "--features", features, "Coordinates of a point")->group(group);
  add_value(app, "--cluster-std", cluster_std, list_of(finite_number(0, false, unlimited)),
            "Standard deviation of the clusters: one, or one each, as 1,2,0.5", "X[,X...]")
      ->group(group);
  add_count(app, "--random-state", random_state, "Seed of the data", 0, 4294967295)->group(group);
  add_switch(app, "--vary-data", vary,
             "Repeat k has data of its own, of random state --random-state + k")
      ->group(group);
  add_count(app, "--test-samples", test_samples,
            "Test with so many fresh points of the same centers")
      ->option_text("N [the second half of the samples]")
      ->group(group);
  add_switch(app, "--standardize", standardize,
             "Shift and scale the inputs to mean 0 and standard deviation 1")
      ->group(group);
  add_path(app, "--export-data", export_file,
           "Also write the data to this CSV file, over one that exists", "FILE")
      ->group("Run");
}

void BlobsData::add_validation_to(CLI::App& app) {
  add_count(app, "--validation", validation, "The last so many training rows validate, not train",
            0)
      ->group("Data");
}

LabelledPoints BlobsData::make(int64_t repeat) const {
  if (cluster_std.size() != 1 && static_cast<int64_t>(cluster_std.size()) != centers) {
    throw UsageError(
        fmt::format("--cluster-std lists {} values for {} centers", cluster_std.size(), centers),
        "give one value for all centers, or one for each");
  }
  BlobsOptions options;
  options.samples = samples;
  options.centers = centers;
  options.features = features;
  options.cluster_std = cluster_std;
  options.random_state = static_cast<uint32_t>(random_state + (vary ? repeat : 0));
  return make_blobs(options);
}

LabelledPoints BlobsData::test_points(int64_t repeat) const {
  const auto blobs = make(repeat);
  if (test_samples == 0) {
    return {blobs.points.slice(0, train_rows()), blobs.labels.slice(0, train_rows()),
            blobs.centers};
  }
  BlobsOptions options;
  options.samples = test_samples;
  options.centers = blobs.centers;
  options.cluster_std = cluster_std;
  // From the other end of the numbers, where no random state of the training data is.
  options.random_state = ~static_cast<uint32_t>(random_state + (vary ? repeat : 0));
  return make_blobs(options);
}

Split BlobsData::split_of(int64_t repeat) const {
  auto data = split(to_dataset(make(repeat)), train_rows());
  if (test_samples > 0) data.test = to_dataset(test_points(repeat));
  if (validation >= data.train.size()) {
    throw UsageError(
        fmt::format("--validation {} of {} training rows", validation, data.train.size()),
        "ask for fewer");
  }
  data = hold_out(data.train, data.test, validation, ValidationFrom::last);
  return standardize ? standardized(data) : data;
}

Split BlobsData::of(const Repeat& repeat) const {
  return vary ? split_of(repeat.number).to(repeat.data.train.inputs.device()) : repeat.data;
}

double bayes_accuracy(const LabelledPoints& blobs, const std::vector<double>& cluster_std) {
  const auto deviations =
      torch::tensor(cluster_std, torch::kFloat64).expand({blobs.centers.size(0)});
  const auto squares = (blobs.points.unsqueeze(1) - blobs.centers.unsqueeze(0)).square().sum(2);
  const auto features = static_cast<double>(blobs.points.size(1));
  const auto log_density = -squares / (2 * deviations.square()) - features * deviations.log();
  return log_density.argmax(1).eq(blobs.labels).to(torch::kFloat64).mean().item<double>();
}

std::string code_claim(int64_t layers, int64_t than, const std::string& score) {
  return fmt::format("Codes of {} layers against {}: {}", layers, than, score);
}

std::vector<Claim> code_claims(int64_t layers, double margin, const std::string& network) {
  constexpr int64_t last_good = 5;         // in the published run
  constexpr double margin_of_error = 0.1;  // a constant output has 10.4
  const auto info = [&](int64_t depth, Task task) {
    const StageInfo stage{depth - 1, depth, "", task};
    return network.empty() ? stage : of_variant(network, stage);
  };
  const auto accuracy = [&](int64_t depth, int64_t than, const char* split) {
    return Claim{code_claim(depth, than, fmt::format("{} accuracy", split)),
                 {info(depth, Task::classification), split, "accuracy"},
                 {info(than, Task::classification), split, "accuracy"},
                 margin,
                 true,
                 "autoencoder"};
  };
  std::vector<Claim> claims{accuracy(last_good, 2, "train"), accuracy(last_good, 2, "test"),
                            Claim{code_claim(last_good, 2, "reconstruction error"),
                                  {info(last_good, Task::reconstruction), "train", "mse"},
                                  {info(2, Task::reconstruction), "train", "mse"},
                                  margin_of_error,
                                  false,
                                  "autoencoder"}};
  if (layers != last_good) claims.push_back(accuracy(layers, last_good, "test"));
  return claims;
}

PoorReconstruction poor_reconstruction(const torch::Tensor& train, const torch::Tensor& rows) {
  const auto inputs = train.to(torch::kFloat64);
  const auto mean = inputs.mean(0);
  const auto centered = rows.to(torch::kFloat64) - mean;
  const auto spread = inputs - mean;
  const auto axes = std::get<1>(at::linalg_eigh(spread.t().matmul(spread), "L"));
  const auto direction = axes.slice(1, axes.size(1) - 1);  // of the largest variance
  const auto left = centered - centered.matmul(direction).matmul(direction.t());
  return {centered.square().mean().item<double>(), left.square().mean().item<double>()};
}

Split standardized(const Split& data) {
  Standardize standardize(data.train.inputs);
  auto result = data;
  for (auto* part : {&result.train, &result.test, &result.validation}) {
    if (part->inputs.defined()) part->inputs = standardize->forward(part->inputs);
  }
  return result;
}

void BlobsData::export_to_file(const LabelledPoints& blobs) const {
  if (!export_file.empty())
    report::write_run_file(export_file, as_csv(blobs, train_rows()), "--export-data");
}

void Training::add_to(CLI::App& app) {
  const auto* group = "Training";
  add_count(app, "--layers", layers, "Layers at the end, the output layer included", 2, 10000)
      ->group(group);
  add_count(app, "--units", units, "Units of every hidden layer")->group(group);
  add_count(app, "--epochs", epochs, "Epochs of every fit")->group(group);
  add_count(app, "--batch-size", batch_size, "Samples of a step; a shorter last batch is kept")
      ->group(group);
  add_choice(app, "--activation", activation, with_values(activation_names(), activation_named),
             "Activation of the hidden layers; their initial weights stay he_uniform")
      ->group(group);
  optimizer.add_to(app, group);
}

void Training::check(const RunOptions& run, int64_t rows) const {
  optimizer.check(run);
  check_fit(options({}), rows, layers - 1);
}

FitOptions Training::options(const EngineOptions& engine) const {
  FitOptions fit{.epochs = epochs, .batch_size = batch_size, .engine = engine};
  optimizer.apply_to(fit);
  return fit;
}

GreedyNet Training::net(int64_t inputs, int64_t outputs, Random& random) const {
  Block first = hidden(inputs, random.initialization);
  Block head = output(units, outputs, random.initialization);
  return GreedyNet(first, head);
}

BlockFactory Training::next_block() const {
  return [training = *this](RandomState& draw) { return training.hidden(training.units, draw); };
}

Block Training::hidden(int64_t inputs, RandomState& draw) const {
  return Block(make_dense({inputs, units, activation}, he_uniform_, draw));
}

CLI::Option* add_fine_tuning_rate(CLI::App& app, FineTuning& fine_tuning) {
  return add_number(app, "--fine-tune-learning-rate", fine_tuning.learning_rate,
                    "Learning rate of fine-tuning", 0, true, largest_number)
      ->group("Fine-tuning");
}

void OwnFineTuning::add_to(CLI::App& app, const std::string& name, const std::string& description) {
  const auto count = whole_number(1, most);
  const auto none_or_count = [count](const std::string& text) {
    return text.empty() ? std::string() : count.fault(text);
  };
  const auto read = [this, count](const std::string& text) {
    on = true;
    if (!text.empty()) epochs = count.read(text);
  };
  app.add_option_function<std::string>(name, read, description)
      ->expected(0, 1)
      ->type_name(type::integer)
      ->check(CLI::Validator(none_or_count, ""))
      ->option_text("[EPOCHS] [off]")
      ->group("Fine-tuning");
}

std::optional<FineTuning> OwnFineTuning::over(FineTuning common) const {
  if (!on) return std::nullopt;
  common.epochs = epochs.value_or(common.epochs);
  return common;
}

std::vector<std::string> trouble_notes(const Results& results, const Plan& plan) {
  Plan stages;
  Plan fine_tunings;
  for (const auto& fit : plan) (fit.info.variant.empty() ? stages : fine_tunings).push_back(fit);
  const auto who = [&](const Plan& fits, Trouble trouble) {
    const auto count = results.count(fits, trouble);
    return results.repeats.size() == 1
               ? std::string("This run")
               : fmt::format("{} of {} repeats", count, results.repeats.size());
  };
  constexpr auto procedure = "It is the procedure that does so, not a fault of the program.";
  std::vector<std::string> notes;
  if (results.count(stages, Trouble::diverged) > 0) {
    notes.push_back(fmt::format(
        "{} diverged: the loss became infinite or NaN, and deepening ended there. {} Try another "
        "--seed, or a smaller --learning-rate.",
        who(stages, Trouble::diverged), procedure));
  }
  if (results.count(fine_tunings, Trouble::diverged) > 0) {
    notes.push_back(fmt::format(
        "{} diverged in fine-tuning; deepening went on from the untouched layers. Try a smaller "
        "--fine-tune-learning-rate.",
        who(fine_tunings, Trouble::diverged)));
  }
  if (results.count(plan, Trouble::collapsed) > 0) {
    notes.push_back(fmt::format(
        "{} collapsed: too little of the input is left in the output of a layer, mostly because "
        "its "
        "ReLU units died, and no layer above can bring it back. {} Deepening goes on as in the "
        "tutorial. Try another --seed, or a smaller --learning-rate.",
        who(plan, Trouble::collapsed), procedure));
  }
  return notes;
}

CaptionedFigure diagnosis_figure(std::vector<report::Panel> panels) {
  return {
      report::Figure{"diagnosis", std::move(panels), 800, 1100},
      "What deepening leaves in the codes, by depth. Above: the shares of the repeats whose code "
      "keeps two directions or more (alive), one, none (dead), or that diverged. Then the dead "
      "units of the newest layer and the effective rank of its output, over the repeats that "
      "did not diverge."};
}

std::string diagnosis(const Results& results, const StageInfo& last) {
  std::vector<std::string> parts;
  for (const auto kind : kinds) {
    const auto share =
        wilson_interval(results.count(last, kind), static_cast<int64_t>(results.repeats.size()));
    parts.push_back(fmt::format("{} {} ({:.0f} to {:.0f}%)", share.count, name_of(kind),
                                100 * share.low, 100 * share.high));
  }
  return fmt::format("After {} layers, of {} repeats: {}. Intervals are Wilson's, of 95%.",
                     last.layers, results.repeats.size(), fmt::join(parts, ", "));
}

BlobsReport::BlobsReport(LabelledPoints blobs, int64_t train_rows, std::vector<Published> published)
    : blobs_(std::move(blobs)), train_rows_(train_rows), published_(std::move(published)) {}

std::vector<std::string> BlobsReport::notes(const Plan& plan, const Results& results) const {
  return trouble_notes(results, plan);
}

std::vector<CaptionedFigure> BlobsReport::figures(const Plan& plan, const Results& results,
                                                  const Curves& curves) const {
  auto all = own_figures(plan, results, curves);
  all.push_back(data_figure(blobs_, train_rows_));
  return all;
}

std::vector<std::string> BlobsReport::figure_names() const {
  return {"data", "accuracy", "reconstruction", "diagnosis", "learning_curves"};
}

Comparison compared(const RunOptions& run, std::vector<Published> published) {
  // More or fewer layers change nothing about those that are there in both.
  return {std::move(published), "the tutorial's settings",
          options_changed(run.app(), {"Data", "Training"}, {"--layers"})};
}

}  // namespace layerwise::apps
