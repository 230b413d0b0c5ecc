/// A deep belief net on MNIST: the procedure with which layer-wise pretraining began. A stack of
/// RBMs, each trained by contrastive divergence on those below, becomes the hidden layers of a
/// classifier or an autoencoder, all layers of which are then trained.
///
///     mnist_dbn                              LISA's 784-1000-1000-1000-10
///     mnist_dbn --quick                      two epochs a layer; minutes
///     mnist_dbn --reproduce autoencoder      784-1000-500-250-30 and back
///
/// `mnist_dbn --help` says how long each takes.
/// @see Hinton, Osindero and Teh, "A fast learning algorithm for deep belief nets", 2006
/// @see Hinton and Salakhutdinov, "Reducing the Dimensionality of Data with Neural Networks", 2006
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "layerwise/report/print.h"

#include "common/command_line.h"
#include "common/encoders.h"
#include "common/program.h"
#include "mnist_dbn/dbn_report.h"

namespace layerwise::apps {
namespace {

Study study_of(DbnRun& run, const RunOptions& settings) {
  const auto& options = run.options;
  auto data = options.data.split(run.images);
  if (options.purpose == Purpose::autoencoder) {
    for (auto* part : {&data.train, &data.test, &data.validation}) part->targets = torch::Tensor();
  }
  Study study(fmt::format("A deep belief net on {}", options.data.title()), data,
              plan_of(options, settings.engine, data),
              [&run, engine = settings.engine](Repeat& repeat) {
                train_dbn(run.options, run.images.checksum, engine, repeat);
              });
  study.files = encoder_files(settings.out);
  study.published = {
      run.condition.published, fmt::format("the condition '{}'", run.condition.name),
      options_changed(settings.app(), {"Condition", "Data", "Network", "RBMs", "All layers"},
                      {"--data-dir", "--reproduce"})};
  study.report = std::make_shared<DbnReport>(run);
  study.prepare = [&run](const Split&, const std::filesystem::path& folder) {
    run.folder = folder;
  };
  return study;
}

}  // namespace
}  // namespace layerwise::apps

int main(int argc, char** argv) {
  using namespace layerwise;
  using namespace layerwise::apps;
  std::string reproduce = dbn_conditions().front().name;
  bool quick = false;
  bool quickened = false;
  const DbnCondition* condition = nullptr;
  DbnOptions dbn;
  std::optional<DbnRun> run;
  const auto set_defaults = [&](const std::vector<std::string>& arguments, RunOptions&) {
    reproduce = value_on_command_line(arguments, "--reproduce").value_or(reproduce);
    condition = &dbn_condition_named(reproduce);
    dbn = condition->options;
    quick = quickened = flag_on_command_line(arguments, "--quick");
    if (quick) make_quick(dbn);
  };
  const auto add_options = [&](CLI::App& app) {
    std::vector<std::string> names;
    std::string footer = "Conditions:";
    for (const auto& one : dbn_conditions()) {
      names.push_back(one.name);
      footer += fmt::format("\n  {:<13}{}; {}", one.name, one.what, one.takes);
    }
    app.footer(footer + fmt::format("\n\nThe defaults above are those of '{}'.", reproduce));
    add_choice(app, "--reproduce", reproduce, with_themselves(names),
               "The condition whose published numbers are compared; sets the defaults below, see "
               "the end")
        ->group("Condition");
    add_switch(app, "--quick", quick, "Two epochs of each RBM, and a few of all layers")
        ->group("Condition");
    dbn.add_to(app);
  };
  const auto make_study = [&](const RunOptions& settings) {
    if (reproduce != condition->name || quick != quickened) {
      throw UsageError("--reproduce or --quick in a configuration file: they set defaults",
                       "give them on the command line");
    }
    dbn.check(settings);
    const auto images = dbn.data.read();
    dbn.data.check(images);
    dbn.check_pixels(images.height, images.width);
    dbn.check_fits(images.train.size() - dbn.data.validation);
    if (!settings.quiet) {
      report::print_note(
          fmt::format("condition '{}': {}; {}\n", condition->name, condition->what,
                      quick ? "here with a few epochs, in minutes" : condition->takes));
    }
    run.emplace(dbn, *condition, images);
    return study_of(*run, settings);
  };
  return run_program(
      argc, argv,
      {"mnist_dbn", "Trains a stack of RBMs on MNIST, then the network that it becomes.",
       add_options, make_study, set_defaults});
}
