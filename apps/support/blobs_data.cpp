#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include <fmt/format.h>

#include "layerwise/report/run_folder.h"

#include "support/blobs_program.h"

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

/// The numbers between commas; empty if one of them is no number from 0.
std::vector<double> parse_deviations(const std::string& text) {
  std::vector<double> values;
  for (size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(',', begin), text.size());
    const auto item = text.substr(begin, end - begin);
    char* stop = nullptr;
    const double value = std::strtod(item.c_str(), &stop);
    if (item.empty() || *stop != '\0' || !(value >= 0) || !std::isfinite(value)) return {};
    values.push_back(value);
    begin = end + 1;
  }
  return values;
}

}  // namespace

void BlobsData::add_to(CLI::App& app) {
  const auto* group = "Data";
  add_count(app, "--samples", samples, "Points; the first half trains, the rest tests", 2)
      ->group(group);
  add_count(app, "--centers", centers, "Clusters, which are the classes", 2)->group(group);
  add_count(app, "--features", features, "Coordinates of a point")->group(group);
  app.add_option("--cluster-std", cluster_std,
                 "Standard deviation of the clusters: one, or one each, as 1,2,0.5")
      ->check(CLI::Validator(
          [](const std::string& text) {
            return parse_deviations(text).empty()
                       ? fmt::format("'{}' is no list of numbers from 0, as 1,2,0.5", text)
                       : std::string();
          },
          ""))
      ->default_str("2")
      ->option_text("X[,X...] [2]")
      ->group(group);
  add_count(app, "--random-state", random_state, "Seed of the data", 0, 4294967295)->group(group);
  app.add_option("--export-data", export_file,
                 "Also write the data to this CSV file, over one that exists")
      ->check(file_name())
      ->option_text("FILE")
      ->group("Run");
}

LabelledPoints BlobsData::make() const {
  const auto deviations = parse_deviations(cluster_std);
  if (deviations.size() != 1 && static_cast<int64_t>(deviations.size()) != centers) {
    throw UsageError(
        fmt::format("--cluster-std lists {} values for {} centers", deviations.size(), centers),
        "give one value for all centers, or one for each");
  }
  BlobsOptions options;
  options.samples = samples;
  options.centers = centers;
  options.features = features;
  options.cluster_std = deviations;
  options.random_state = static_cast<uint32_t>(random_state);
  return make_blobs(options);
}

void BlobsData::export_to_file(const LabelledPoints& blobs) const {
  if (!export_file.empty())
    report::write_whole(export_file, as_csv(blobs, train_rows()), "--export-data");
}

void Training::add_to(CLI::App& app) {
  const auto* group = "Training";
  const double unlimited = std::numeric_limits<double>::infinity();
  add_count(app, "--layers", layers, "Layers at the end, the output layer included", 2, 10000)
      ->group(group);
  add_count(app, "--units", units, "Units of every hidden layer")->group(group);
  add_count(app, "--epochs", fit.epochs, "Epochs of every fit")->group(group);
  add_count(app, "--batch-size", fit.batch_size, "Samples of a step; a shorter last batch is kept")
      ->group(group);
  add_number(app, "--learning-rate", fit.optimizer.learning_rate, "Learning rate of SGD", 0, true,
             unlimited)
      ->group(group);
  add_number(app, "--momentum", fit.optimizer.momentum, "Momentum of SGD", 0, false, 1)
      ->group(group);
}

GreedyNet Training::net(int64_t inputs, int64_t outputs, Random& random) const {
  Block first = dense(inputs, units, random.initialisation);
  Block head = output(units, outputs, random.initialisation);
  return GreedyNet(first, head);
}

BlockFactory Training::next_block() const {
  return [n = units](RandomState& draw) { return dense(n, n, draw); };
}

}  // namespace layerwise::apps
