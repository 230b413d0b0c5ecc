/// Does deepening help? The tutorial's questions on its blobs, each answered over many seeds.
///
///     blobs_study                           20 repeats of all arms
///     blobs_study --repeats 100 --arms greedy,at_once,random_prefix
///     blobs_study --vary-data --test-samples 100000
///
/// Trains the same networks in several ways ("arms"), from the same random streams, so that their
/// differences are paired; and deepens autoencoders under the tutorial's settings and with one
/// change each. Prints a table of the arms, the verdicts, and each sentence of the tutorial that
/// claims something with its verdict, numbers and scope.
#include <iterator>
#include <memory>

#include "blobs/study_arms.h"
#include "blobs/study_report.h"
#include "common/arm_choice.h"

namespace layerwise::apps {
namespace {

std::vector<Arm> all_arms(const ArmOptions& options, const Split& data) {
  auto arms = supervised_arms(options, data);
  auto others = unsupervised_arms(options, data);
  std::move(others.begin(), others.end(), std::back_inserter(arms));
  return arms;
}

}  // namespace
}  // namespace layerwise::apps

int main(int argc, char** argv) {
  using namespace layerwise;
  using namespace layerwise::apps;
  BlobsData data;
  Training training(12);
  int64_t autoencoder_layers = 7;
  FineTuning fine_tuning;
  Margin margin;
  ArmChoice arm_choice;
  const auto add_options = [&](CLI::App& app) {
    data.add_to(app);
    training.add_to(app);
    add_count(app, "--autoencoder-layers", autoencoder_layers,
              "Layers of the autoencoders at the end", 2, 10000)
        ->group("Training");
    arm_choice.add_to(app, "Training", arm::all);
    add_count(app, "--fine-tune", fine_tuning.epochs, "Epochs of fine-tuning, at the end")
        ->group("Fine-tuning");
    add_fine_tuning_rate(app, fine_tuning);
    margin.add_to(app);
  };
  const auto make_study = [&](const RunOptions& run) {
    auto autoencoder = training;
    autoencoder.layers = autoencoder_layers;
    const ArmOptions options{data, training, autoencoder, fine_tuning, run.engine};
    const auto parts = data.split_of();
    training.check(run, parts.train.size());
    data.export_to_file(data.make());
    const auto arms = arm_choice.of(all_arms(options, parts));
    Study study("Does deepening help? Layer-wise training on blobs, judged", parts, plan_of(arms),
                [&, arms](Repeat& repeat) { study::run(arms, repeat, data.of(repeat)); });
    std::erase(study.metrics, "cross_entropy");
    study.heavy_tailed = {"mse"};
    study.claims = study_claims(options, margin.value);
    study.report = std::make_shared<StudyReport>(options, study.claims, arms);
    return study;
  };
  return run_program(
      argc, argv,
      {"blobs_study",
       "Answers the tutorial's questions about depth on blobs: the same networks trained in "
       "several ways, over many seeds, with verdicts.",
       add_options, make_study,
       [](const std::vector<std::string>&, RunOptions& run) { run.repeats = 20; }});
}
