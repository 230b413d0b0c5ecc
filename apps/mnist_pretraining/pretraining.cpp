#include "mnist_pretraining/pretraining.h"

#include <algorithm>
#include <filesystem>
#include <set>
#include <system_error>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "layerwise/data/subset.h"
#include "layerwise/file.h"
#include "layerwise/report/failure.h"

#include "common/encoders.h"
#include "common/optimizer_choice.h"
#include "mnist_autoencoder/conditions.h"

namespace layerwise::apps {

namespace {

constexpr int64_t classes = 10;  // of what `read_mnist` reads

std::vector<std::string> variant_names() {
  std::vector<std::string> names;
  for (const auto& variant : classifier_variants()) names.push_back(variant.name);
  return names;
}

Spelling<std::vector<std::string>> variants_spelling() {
  return list_of(one_of(with_themselves(variant_names())));
}

template <typename Value>
void require_once(const char* option, const std::vector<Value>& list) {
  std::set<Value> seen;
  for (const auto& item : list) {
    if (seen.insert(item).second) continue;
    throw UsageError(fmt::format("{} has {} twice", option, item), "give each of them once");
  }
}

}  // namespace

PretrainingOptions::PretrainingOptions() : encoder(condition_named("cached").options) {
  variants = variant_names();
}

void PretrainingOptions::set_defaults(const QuickDefaults& quick_defaults) {
  curve_every = quick_defaults.curve_every;
  learning_rates = quick_defaults.learning_rates;
  steps = quick_defaults.steps;
  tuning_repeats = 1;
}

void PretrainingOptions::add_to(CLI::App& app) {
  encoder.data.add_to(app);
  encoder.add_network_to(app);
  const auto* pretraining = "Encoder";
  add_path(
      app, "--encoder", checkpoint,
      "An autoencoder of mnist_autoencoder, mnist_dbn or a run of this program, instead of one "
      "trained by each repeat",
      "CHECKPOINT")
      ->group(pretraining);
  add_value(
      app, "--encoder-epochs", encoder.epochs, list_of(whole_number(1, most)),
      "Epochs of each phase of its training; the classifiers' random numbers come behind those "
      "of it, even if there is none",
      "N[,N...]")
      ->group(pretraining);
  add_count(app, "--encoder-batch-size", encoder.batch_size, "Images of a step of its training")
      ->group(pretraining);
  encoder.add_noise_to(app, "--encoder-noise", pretraining);

  const auto* group = "Classifier";
  add_value(app, "--variants", variants, variants_spelling(), "Which ones are compared", "")
      ->option_text("NAME[,NAME...] [all below]")
      ->group(group);
  add_count(app, "--labels", labels, "Rows of the training split whose labels are known", classes)
      ->group(group);
  add_choice(
      app, "--subset", subset,
      {{"auto", Subset::automatic}, {"first", Subset::first}, {"drawn", Subset::drawn}},
      "Which rows these are: the first ones, as in the document, or drawn by each repeat, as "
      "many of each class; auto: first for a single repeat")
      ->group(group);
  add_count(app, "--epochs", epochs, "Times that so many steps are made as the labels have batches")
      ->group(group);
  add_count(app, "--batch-size", batch_size, "Rows of a step, an independent random subset")
      ->group(group);
  add_optimizer(app, optimizer)->group(group);
  add_number(app, "--learning-rate", learning_rate, "Learning rate", 0, true, largest_number)
      ->group(group);
  add_momentum(app, momentum)->group(group);
  add_schedule(app, schedule)->group(group);
  add_l2(app, l2)->group(group);
  add_number(app, "--head-share", head_share,
             "Share of the steps in which head-first trains its head alone", 0, true, 1)
      ->group(group);
  add_count(app, "--curve-every", curve_every, "Steps between two looks at held-out accuracy")
      ->group(group);

  margin.add_to(app);
  add_choice(app, "--print", printed, {{"table", Printed::table}, {"steps", Printed::steps}},
             "What is printed of none and frozen: steps adds the document's lines, the accuracy "
             "after each step")
      ->group("Run");

  const auto* budget = "Label budgets";
  add_value(app, "--budgets", budgets, or_off(list_of(whole_number(1, most))),
            "Compare at several numbers of labels, as 100,1000,10000: with --epochs, and with "
            "--steps, early stopping and tuned learning rates",
            "N[,N...]")
      ->group(budget);
  add_count(app, "--steps", steps, "Steps at every budget, at most", 2)->group(budget);
  add_count(app, "--patience", patience,
            "Looks at the validation rows, one every 100 steps, without a better result before a "
            "fit ends with its best weights")
      ->group(budget);
  add_value(app, "--learning-rates", learning_rates,
            list_of(finite_number(0, true, largest_number)),
            "Learning rates that every variant and budget has tried out for it", "X[,X...]")
      ->group(budget);
  add_count(app, "--tuning-repeats", tuning_repeats,
            "Repeats, apart from the others, on which they are tried out")
      ->group(budget);
}

void PretrainingOptions::check(const RunOptions& run) const {
  require_once("--variants", variants);
  require_once("--budgets", budgets.value_or(std::vector<int64_t>{}));
  require_once("--learning-rates", learning_rates);
  check_optimizer(run, optimizer);
  if (encoder.data.validation == 0)
    throw UsageError("--validation 0 leaves no row to measure held-out accuracy on",
                     "ask for some rows");
  run.refuse_if(!needs_encoder(), "--encoder", "has no effect: no variant has a pretrained encoder",
                "leave it out, or add one with --variants");
  run.refuse_if(!needs_encoder() || !checkpoint.empty(), "--encoder-noise",
                "has no effect: no encoder is trained", "leave it out");
  const auto chosen = chosen_variants();
  const bool head_first = std::any_of(chosen.begin(), chosen.end(), [](const auto& variant) {
    return variant.trained == Trained::head_then_everything;
  });
  const bool linear = std::all_of(chosen.begin(), chosen.end(), [](const auto& variant) {
    return variant.codes == Codes::inputs || variant.codes == Codes::principal_components;
  });
  run.refuse_if(linear, "--activation", "has no effect: no variant has a layer with an activation",
                "leave it out, or add one with --variants");
  run.refuse_if(!head_first, "--head-share", "has no effect without the variant head-first",
                "leave it out");
  const bool has_lines = std::any_of(chosen.begin(), chosen.end(), [](const auto& variant) {
    return variant.name == "none" || variant.name == "frozen";
  });
  run.refuse_if(!has_lines, "--print", "has no effect without the variants none and frozen",
                "leave it out");
  for (const auto* option : {"--steps", "--patience", "--learning-rates", "--tuning-repeats"})
    run.refuse_if(!has_budgets(), option, "has no effect without --budgets",
                  "add --budgets N,N,...");
  for (const auto* option : {"--labels", "--curve-every", "--curves", "--print"})
    run.refuse_if(has_budgets(), option, "has no effect with --budgets", "leave it out");
  if (has_budgets() && subset == Subset::first)
    throw UsageError("--subset first with --budgets",
                     "the rows of a budget are drawn by each repeat: leave it out");
  std::error_code ignored;
  if (run.force && !checkpoint.empty() &&
      std::filesystem::equivalent(std::filesystem::absolute(checkpoint).parent_path(), run.out,
                                  ignored)) {
    throw UsageError("--force would remove the run that --encoder is part of",
                     "choose another folder with --out");
  }
  run.refuse_longer("--encoder-epochs", encoder.epochs, encoder.phases());
  for (const auto count : label_counts()) {
    if (count < classes) {
      throw UsageError(fmt::format("{} labels leave a class of {} without one", count, classes),
                       fmt::format("ask for {} or more", classes));
    }
    if (count >= batch_size) continue;
    throw UsageError(
        fmt::format("--batch-size {} with {} labels: batches are always whole", batch_size, count),
        "ask for smaller batches, or more labels");
  }
}

void PretrainingOptions::check_data(const RunOptions& run, const Split& data) const {
  const auto pixels = data.train.inputs.size(1);
  if (encoder.units.front() != pixels) {
    throw UsageError(fmt::format("--units begins with {}, but the images have {} pixels",
                                 encoder.units.front(), pixels),
                     fmt::format("begin it with {}", pixels));
  }
  const auto most_labels = label_counts().back();
  if (most_labels > data.train.size()) {
    throw UsageError(
        fmt::format("{} {}, and {} rows to train on", has_budgets() ? "--budgets" : "--labels",
                    most_labels, data.train.size()),
        run.given("--validation") ? "ask for fewer, or fewer --validation rows" : "ask for fewer");
  }
  if (encoder.batch_size > data.train.size()) {
    throw UsageError(fmt::format("--encoder-batch-size {} with {} rows to train on",
                                 encoder.batch_size, data.train.size()),
                     "ask for smaller batches");
  }
  for (const auto count : label_counts()) {
    const auto own = has_budgets() ? tuned_training(learning_rate) : training();
    for (const auto& variant : chosen_variants()) {
      for (const auto& fit : fits_of(variant, own, count)) check_fit(fit, count);
    }
  }
  const auto first = data.train.targets.narrow(0, 0, most_labels);
  try {
    require_every_class(data.train.targets, classes);
    if (takes_first_rows(run)) require_every_class(first, classes);
    require_every_class(data.validation.targets, classes);
  } catch (const std::invalid_argument& error) {
    throw report::Failure(
        error.what(),
        "every class from 0 to 9 needs labelled rows, to train on and to validate "
        "by: see --data-dir, --validation, --labels and --subset");
  }
}

std::vector<ClassifierVariant> PretrainingOptions::chosen_variants() const {
  auto chosen = classifier_variants();
  std::erase_if(chosen, [this](const ClassifierVariant& variant) {
    return std::find(variants.begin(), variants.end(), variant.name) == variants.end();
  });
  return chosen;
}

bool PretrainingOptions::needs_encoder() const {
  const auto chosen = chosen_variants();
  return std::any_of(chosen.begin(), chosen.end(), [](const ClassifierVariant& variant) {
    return variant.codes == Codes::pretrained;
  });
}

std::vector<int64_t> PretrainingOptions::label_counts() const {
  if (!budgets) return {labels};
  auto counts = *budgets;
  std::sort(counts.begin(), counts.end());
  return counts;
}

bool PretrainingOptions::takes_first_rows(const Settings& run) const {
  if (has_budgets()) return false;
  return subset == Subset::first || (subset == Subset::automatic && !run.has_several_repeats());
}

DenseClassifierOptions PretrainingOptions::network() const {
  const auto autoencoder = encoder.network();
  return {autoencoder.units, classes, autoencoder.activation, autoencoder.initializer};
}

StackedAutoencoderOptions PretrainingOptions::encoder_training() const {
  return encoder.training();
}

ClassifierTraining PretrainingOptions::training() const {
  ClassifierTraining training;
  training.fit.epochs = epochs;
  training.fit.batch_size = batch_size;
  training.fit.optimizer = make_optimizer(optimizer, learning_rate, momentum);
  training.fit.schedule = schedule;
  training.fit.l2 = takes_l2(training.fit.optimizer) ? l2 : 0;
  training.fit.sampling = Sampling::independent;
  training.fit.engine = encoder.engine;
  training.fit.hook_every = has_budgets() ? 100 : 1;
  training.head_share = head_share;
  return training;
}

ClassifierTraining PretrainingOptions::tuned_training(double rate) const {
  auto tuned = training();
  tuned.fit.steps = steps;
  set_learning_rate(tuned.fit.optimizer, rate);
  tuned.fit.early_stopping = stopping_by_accuracy(patience);
  return tuned;
}

int64_t PretrainingOptions::trained_numbers(const ClassifierVariant& variant) const {
  const auto& units = encoder.units;
  const auto layer = [](int64_t inputs, int64_t outputs) { return (inputs + 1) * outputs; };
  if (variant.codes == Codes::inputs) return layer(units.front(), classes);
  int64_t count = layer(units.back(), classes);
  for (size_t i = 1; variant.trained == Trained::everything && i < units.size(); ++i)
    count += layer(units[i - 1], units[i]);
  return count;
}

void adopt_checkpoint(PretrainingOptions& options, const LabelledImages& images) {
  if (options.checkpoint.empty()) return;
  auto& encoder = options.encoder;
  try {
    const auto said = description_in(options.checkpoint);
    const auto value = [&](const char* key, const char* otherwise) {
      const auto found = said.find(key);
      return found == said.end() ? std::string(otherwise) : found->second;
    };
    const auto here = held_out_text(encoder.data);
    const auto held_out = value("held_out", here.c_str());
    if (held_out != here) {
      throw UsageError(
          fmt::format(
              "the encoder in '{}' held out other training images than this run: {}, here {}",
              options.checkpoint, held_out, here),
          "give both programs the same --validation and --validation-from");
    }
    encoder.tied = value("tied", "no") == "yes";
    encoder.loss =
        value("output", "linear") == "sigmoid" ? ReconstructionLoss::bce : ReconstructionLoss::mse;
    RandomState any(0);
    auto net = encoder.network().make(any);
    load_checkpoint(*net, options.checkpoint,
                    {{"model", "stacked autoencoder"},
                     {"units", units_spelling().write(encoder.units)},
                     {"activation", name_of(encoder.activation)},
                     {"training_images_crc32", images.checksum}});
  } catch (const FileError& error) {
    throw report::Failure(
        error.what(),
        "name the checkpoint of a stacked autoencoder with --encoder, and its "
        "network with --units and --activation, its images with --dataset or --data-dir");
  }
}

}  // namespace layerwise::apps
