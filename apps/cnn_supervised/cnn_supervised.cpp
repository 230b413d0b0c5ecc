/// Greedy layer-wise training of a convolutional network, beside the same network end to end.
///
///     cnn_supervised                           five seeds, with verdicts; half an hour
///     cnn_supervised --quick                   minutes
///     cnn_supervised --dataset cifar-10 --reproduce belilovsky-k1     the paper's settings; for a
///     GPU
///
/// Prints accuracies after every stage, a table by depth, and verdicts: does training a block at a
/// time cost accuracy?
/// @see Belilovsky, Eickenberg and Oyallon, "Greedy Layerwise Learning Can Scale to ImageNet", 2019
#include <memory>

#include <fmt/format.h>

#include "cnn_supervised/cnn.h"
#include "cnn_supervised/cnn_report.h"
#include "common/arm_choice.h"
#include "common/command_line.h"
#include "common/program.h"

namespace layerwise::apps {
namespace {

constexpr auto none = "none";
constexpr auto local_mlp = "local-mlp";

/// The settings of the papers.
/// @see Belilovsky et al. 2019, section 4.1, and its code, which says the widths: five blocks
/// without batch normalization for k = 1, four with it for k = 2 and 3; Nokland and Eidnes,
/// "Training Neural Networks with Local Error Signals", 2019, section 4.2: three dense layers of
/// 1,024 units, there all trained at once, each with the gradient of its own head
CnnOptions settings_of(const std::string& reproduce) {
  CnnOptions options;
  if (reproduce == local_mlp) {
    options.data.validation = 0;
    options.train_rows = 0;
    options.network = CnnOptions::Network::dense;
    options.widths = {1024, 1024, 1024};
    options.head_layers = {1};
    options.epochs = 200;
    options.optimizer.optimizer = "adam";
    options.optimizer.learning_rate = 5e-4;
    options.optimizer.schedule = milestone_schedule({100, 150, 175, 188}, 0.25);
    options.l2 = 0;
    options.crop = 2;
    options.flip = true;
    options.dropout = 0.025;
    return options;
  }
  if (reproduce.rfind("belilovsky-k", 0) != 0) return options;
  const int64_t k = reproduce.back() - '0';
  options.data.dataset = "cifar-10";
  options.data.validation = 0;
  options.train_rows = 0;
  options.head_layers = {k};
  options.widths = k == 1 ? std::vector<int64_t>{256, 256, 512, 1024, 1024}
                          : std::vector<int64_t>{128, 128, 256, 256};
  options.batch_norm = k > 1;
  options.initializer = fan_in_uniform_;  // PyTorch's, which the paper's code takes
  options.epochs = 50;
  options.crop = 4;
  options.flip = true;
  options.optimizer.schedule = step_schedule(15, 0.2);
  return options;
}

/// The papers' test accuracies of the whole network: Belilovsky et al. 2019, table 1, of k = 2 that
/// of their code; Nokland and Eidnes 2019, table 1.
std::vector<study::Published> published_by(const std::string& reproduce) {
  const auto value = [](const std::string& arm, int64_t depth, const char* accuracy) {
    return study::Published(of_variant(arm, stage_of(depth)), "test", "accuracy", accuracy);
  };
  if (reproduce == "belilovsky-k1") return {value(greedy_arm(1), 5, "0.883")};
  if (reproduce == "belilovsky-k2") return {value(greedy_arm(2), 4, "0.904")};
  if (reproduce == "belilovsky-k3") return {value(greedy_arm(3), 4, "0.917")};
  if (reproduce == local_mlp)
    return {value(greedy_arm(1), 3, "0.9140"), value(end_to_end_arm, 3, "0.9163")};
  return {};
}

}  // namespace
}  // namespace layerwise::apps

int main(int argc, char** argv) {
  using namespace layerwise;
  using namespace layerwise::apps;
  std::string reproduce = none;
  bool quick = false;
  std::string reproduced;  // what the defaults were chosen for, as `quickened`
  bool quickened = false;
  CnnOptions cnn;
  ArmChoice arm_choice;
  Margin margin;
  const auto set_defaults = [&](const std::vector<std::string>& arguments, RunOptions& run) {
    run.repeats = 5;
    cnn = settings_of(value_on_command_line(arguments, "--reproduce").value_or(none));
    reproduced = value_on_command_line(arguments, "--reproduce").value_or(none);
    quick = quickened = flag_on_command_line(arguments, "--quick");
    if (quick) {
      cnn.optimizer.schedule = cosine_schedule();
      cnn.train_rows = 5000;
      cnn.epochs = 2;
      cnn.head_layers = {1};
      run.repeats = 2;
    }
  };
  const auto add_options = [&](CLI::App& app) {
    add_choice(
        app, "--reproduce", reproduce,
        with_themselves({none, "belilovsky-k1", "belilovsky-k2", "belilovsky-k3", local_mlp}),
        "The settings of a paper, which other options change")
        ->group("Run");
    add_switch(app, "--quick", quick,
               "5,000 images, two epochs a stage, k = 1 and two repeats, unless given")
        ->group("Run");
    cnn.add_to(app);
    arm_choice.add_to(app, "Training",
                      fmt::format("{} and so on for each --k, {}, {}, {}", greedy_arm(1),
                                  end_to_end_arm, end_to_end_cheap_arm, random_prefix_arm));
    margin.add_to(app);
  };
  const auto make_study = [&](const RunOptions& run) {
    if (reproduce != reproduced || quick != quickened) {
      throw UsageError("--reproduce or --quick in a configuration file: they set defaults",
                       "give them on the command line");
    }
    cnn.check(run);
    const auto images = cnn.data.read();
    cnn.data.check(images);
    cnn.check_size(images);
    const auto data = cnn.split(images);
    cnn.check_fit(data.train.size());
    const auto arms = arm_choice.of(cnn_arms(cnn, run.engine, data));
    const bool dense = cnn.network == CnnOptions::Network::dense;
    Study study(fmt::format("Greedy training of a {} network on {}",
                            dense ? "dense" : "convolutional", cnn.data.title()),
                data, plan_of(arms),
                [arms](Repeat& repeat) { study::run(arms, repeat, repeat.data); });
    study.claims = cnn_claims(cnn, margin.value);
    auto changed =
        options_changed(run.app(), {"Data", "Network", "Training"}, {"--data-dir", "--arms"});
    if (quick) changed.emplace_back("--quick");
    study.published = {published_by(reproduce), fmt::format("'{}'", reproduce), changed};
    study.report = std::make_shared<CnnReport>(arms, cnn.depth(), data, study.published.values);
    return study;
  };
  return run_program(argc, argv,
                     {"cnn_supervised",
                      "Trains a convolutional network one block at a time, beside the same network "
                      "end to end.",
                      add_options, make_study, set_defaults});
}
