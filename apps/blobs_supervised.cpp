/// Greedy layer-wise pretraining of a classifier on blobs: the tutorial's supervised part.
///
///     blobs_supervised                      eleven stages, 2 to 12 layers; about two seconds
///     blobs_supervised --repeats 20 --threads 2
///     blobs_supervised --fine-tune 1000     and all weights afterwards, at a learning rate of .001
///
/// Prints `> layers=2, train=..., test=...` after every stage, then a table beside the tutorial's
/// numbers.
#include <iterator>

#include <fmt/format.h>

#include "support/blobs.h"
#include "support/figures.h"

namespace layerwise::apps {
namespace {

constexpr auto task = "classification";

StageInfo stage_of(int64_t layers) {
  return {layers - 1, layers, "", task};
}

/// @see Brownlee 2019, the listing after "supervised greedy layer-wise pretraining for blobs"
std::vector<Published> published_accuracies() {
  static constexpr double train[] = {.816, .834, .836, .830, .848, .830,
                                     .850, .840, .842, .850, .850};
  static constexpr double test[] = {.830, .830, .824, .824, .820, .826,
                                    .824, .838, .830, .830, .826};
  std::vector<Published> published;
  for (size_t i = 0; i < std::size(train); ++i) {
    const auto info = stage_of(static_cast<int64_t>(i) + 2);
    published.emplace_back(info, "train", "accuracy", three_digits(train[i]));
    published.emplace_back(info, "test", "accuracy", three_digits(test[i]));
  }
  return published;
}

report::Table table_of(const Experiment& experiment, const Study& study) {
  report::Table table{{"layers", "published train", "test", "this run train", "test", ""}, {}};
  for (const auto& fit : experiment.plan) {
    const auto& info = fit.info;
    table.rows.push_back(
        {fmt::format("{}", info.layers),
         published_cell(experiment.published, info, "train", "accuracy"),
         published_cell(experiment.published, info, "test", "accuracy"),
         study.cell(info, "train", "accuracy"), study.cell(info, "test", "accuracy"),
         info.variant.empty() ? study.note(info) : "fine-tuned " + study.note(info)});
  }
  return table;
}

int run(int argc, char** argv) {
  CLI::App app(
      "Deepens a classifier on blobs one hidden layer at a time: each stage freezes the layers "
      "before it.",
      "blobs_supervised");
  RunOptions options;
  BlobsData data;
  Training training(12);
  FineTuning fine_tuning;
  options.add_to(app);
  data.add_to(app);
  training.add_to(app);
  auto* fine_tune = add_count(app, "--fine-tune", fine_tuning.epochs,
                              "Fit all weights at the end, for so many epochs");
  fine_tune->option_text("EPOCHS [off]")->default_str("off")->group("Fine-tuning");
  add_number(app, "--fine-tune-learning-rate", fine_tuning.learning_rate,
             "Learning rate of fine-tuning", 0, true, largest_number)
      ->needs(fine_tune)
      ->group("Fine-tuning");

  const auto command = command_line(argc, argv);
  return run_program(app, command.arguments, [&] {
    training.engine = options.engine_options();
    SupervisedDeepeningOptions deepening{training.layers, training.options(), {}};
    if (fine_tune->count() > 0) deepening.fine_tuning = fine_tuning;

    Experiment experiment;
    const std::vector<std::string> metrics{"accuracy", "cross_entropy"};
    const auto scores = scores_of({"train", "test"}, metrics);
    experiment.title = "Supervised greedy layer-wise pretraining on blobs";
    for (int64_t layers = 2; layers <= training.layers; ++layers) {
      experiment.plan.push_back({stage_of(layers), training.epochs, scores});
    }
    if (deepening.fine_tuning) {
      experiment.plan.push_back(
          {{training.layers, training.layers, "fine_tuned", task}, fine_tuning.epochs, scores});
    }
    experiment.metrics = metrics;
    experiment.published = published_accuracies();
    experiment.algorithm = [&](const Repeat& repeat, Random& random, const Observer& observer) {
      auto net = training.net(data.features, data.centers, random);
      net->to(repeat.data.train.inputs.device());
      deepen_supervised(net, repeat.data, deepening, training.next_block(), random, observer);
    };
    experiment.line = [](const Outcome& outcome) {
      return fmt::format("> layers={}, train={}, test={}{}", outcome.info.layers,
                         three_digits(value_of(outcome.scores, "train", "accuracy")),
                         three_digits(value_of(outcome.scores, "test", "accuracy")),
                         outcome.info.variant.empty() ? "" : ", fine-tuned");
    };
    experiment.table = [&](const Study& study, const Curves&) {
      return table_of(experiment, study);
    };
    experiment.notes = [&](const Study& study) { return trouble_notes(study, experiment.plan); };
    experiment.figures = [&](const Study& study, const Curves& curves) {
      return std::vector<CaptionedFigure>{
          {report::Figure{"accuracy",
                          {against_layers(study, experiment.published, experiment.plan, "accuracy",
                                          "accuracy")}},
           "Accuracy against the number of layers, with the tutorial's single run."},
          {report::Figure{"learning_curves",
                          {learning_curves(curves[0], experiment.plan, task, "cross_entropy",
                                           "cross-entropy")},
                          960,
                          480},
           "Cross-entropy after every epoch of every stage (repeat 0)."}};
    };
    run_blobs(experiment, app, command, options, data);
  });
}

}  // namespace
}  // namespace layerwise::apps

int main(int argc, char** argv) {
  return layerwise::apps::run(argc, argv);
}
