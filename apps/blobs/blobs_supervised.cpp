/// Greedy layer-wise pretraining of a classifier on blobs: the tutorial's supervised part.
///
///     blobs_supervised                      eleven stages, 2 to 12 layers, 20 times; a few seconds
///     blobs_supervised --repeats 1          once, as the tutorial does
///     blobs_supervised --fine-tune 1000     then all weights, at a learning rate of .001
///
/// Prints `> layers=2, train=..., test=...` after every stage, and at the end a table with the
/// tutorial's numbers beside its own.
#include <iterator>
#include <memory>

#include <fmt/format.h>

#include "layerwise/pretraining/supervised_deepening.h"
#include "layerwise/study/figures.h"

#include "blobs/blobs.h"

namespace layerwise::apps {
namespace {

/// @see Brownlee 2019, the listing after "supervised greedy layer-wise pretraining for blobs"
std::vector<Published> published_accuracies() {
  static constexpr double train[] = {.816, .834, .836, .830, .848, .830,
                                     .850, .840, .842, .850, .850};
  static constexpr double test[] = {.830, .830, .824, .824, .820, .826,
                                    .824, .838, .830, .830, .826};
  std::vector<Published> published;
  for (size_t i = 0; i < std::size(train); ++i) {
    const auto stage = static_cast<int64_t>(i) + 1;
    const StageInfo info{stage, stage + 1, "", Task::classification};
    published.emplace_back(info, "train", "accuracy", three_digits(train[i]));
    published.emplace_back(info, "test", "accuracy", three_digits(test[i]));
  }
  return published;
}

/// What the tutorial says about depth. @see Brownlee 2019, "Supervised Greedy Layer-Wise
/// Pretraining", below the results and the figure
std::vector<Claim> claims(int64_t layers, double margin) {
  const auto of = [](int64_t depth, const char* split) {
    return ScoreOf{{depth - 1, depth, "", Task::classification}, split, "accuracy"};
  };
  const auto against_two = [&](const char* reading, int64_t depth, const char* split) {
    return Claim{fmt::format("{} layers against 2, on the {} rows ({})", depth, split, reading),
                 of(depth, split),
                 of(2, split),
                 margin,
                 true,
                 "depth"};
  };
  if (layers == 2) return {};
  return {against_two("the tutorial: accuracy rises", layers, "train"),
          against_two("the tutorial: accuracy drops, likely by overfitting", layers, "test"),
          against_two("the tutorial: perhaps better after seven added layers", 9, "test")};
}

class AccuracyReport : public BlobsReport {
 public:
  using BlobsReport::BlobsReport;

  std::string line(const Outcome& outcome) const override {
    return fmt::format("> layers={}, train={}, test={}{}", outcome.info.layers,
                       three_digits(value_of(outcome.scores, "train", "accuracy")),
                       three_digits(value_of(outcome.scores, "test", "accuracy")),
                       outcome.info.variant.empty() ? "" : ", fine-tuned");
  }

  report::Table table(const Plan& plan, const Results& results, const Curves&) const override {
    report::Table table{{"layers", "published train", "test", "this run train", "test", ""}, {}};
    for (const auto& fit : plan) {
      const auto& info = fit.info;
      table.rows.push_back(
          {fmt::format("{}", info.layers), published_cell(published(), info, "train", "accuracy"),
           published_cell(published(), info, "test", "accuracy"),
           results.cell(info, "train", "accuracy"), results.cell(info, "test", "accuracy"),
           info.variant.empty() ? results.note(info) : "fine-tuned " + results.note(info)});
    }
    return table;
  }

 protected:
  std::vector<CaptionedFigure> own_figures(const Plan& plan, const Results& results,
                                           const Curves& curves) const override {
    std::vector<CaptionedFigure> figures{
        {report::Figure{"accuracy",
                        {against_layers(results, published(), plan, "accuracy", "accuracy")}},
         "Accuracy against the number of layers, with the tutorial's single run."}};
    if (curves[0].empty()) return figures;
    figures.push_back({report::Figure{"learning_curves",
                                      {learning_curves(curves[0], plan, Task::classification,
                                                       "cross_entropy", "cross-entropy")},
                                      960,
                                      480},
                       fmt::format("Cross-entropy after every epoch of every stage (repeat {}).",
                                   results.first_repeat)});
    return figures;
  }
};

}  // namespace
}  // namespace layerwise::apps

int main(int argc, char** argv) {
  using namespace layerwise;
  using namespace layerwise::apps;
  BlobsData data;
  Training training(12);
  FineTuning fine_tuning;
  Margin margin;
  HeadPolicy head = HeadPolicy::kept;
  EarlyStop early_stop;
  const auto add_options = [&](CLI::App& app) {
    data.add_to(app);
    data.add_validation_to(app);
    training.add_to(app);
    // All layers have one width: a head that starts from the last one's values would be the last
    // one.
    add_choice(app, "--head", head, {{"kept", HeadPolicy::kept}, {"fresh", HeadPolicy::fresh}},
               "A stage's head: the last one, or a new one")
        ->group("Training");
    early_stop.add_to(app, "Training");
    margin.add_to(app);
    auto* fine_tune = add_count(app, "--fine-tune", fine_tuning.epochs,
                                "Fit all weights at the end, for so many epochs");
    fine_tune->default_str("off")->option_text("EPOCHS [off]")->group("Fine-tuning");
    add_fine_tuning_rate(app, fine_tuning)->needs(fine_tune);
  };
  const auto make_study = [&](const RunOptions& run) {
    SupervisedDeepeningOptions deepening{
        .layers = training.layers, .fit = training.options(run.engine), .head = head};
    deepening.fit.early_stopping = early_stop.make();
    early_stop.check(data.validation);
    if (head != HeadPolicy::kept)
      deepening.next_head = [&](RandomState& draw) {
        return output(training.units, data.centers, draw);
      };
    if (run.given("--fine-tune")) deepening.fine_tuning = fine_tuning;
    deepening.code_statistics = true;
    const auto blobs = data.make();
    data.export_to_file(blobs);
    const auto parts = data.split_of();
    training.check(run, parts.train.size());

    Study study("Supervised greedy layer-wise pretraining on blobs", parts,
                plan_of(deepening, parts), [&, deepening](Repeat& repeat) {
                  auto net = training.net(data.features, data.centers, repeat.random);
                  net->to(repeat.device);
                  deepen_supervised(net, data.of(repeat), deepening, training.next_block(),
                                    repeat.random, repeat.observer);
                });
    study.claims = claims(training.layers, margin.value);
    study.published = compared(run, published_accuracies());
    study.report =
        std::make_shared<AccuracyReport>(blobs, data.train_rows(), study.published.values);
    return study;
  };
  return run_program(argc, argv,
                     {"blobs_supervised",
                      "Deepens a classifier on blobs one hidden layer at a time: each stage "
                      "freezes the layers before it.",
                      add_options, make_study,
                      [](const std::vector<std::string>&, RunOptions& run) { run.repeats = 20; }});
}
