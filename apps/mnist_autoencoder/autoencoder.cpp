#include "mnist_autoencoder/autoencoder.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace layerwise::apps {

namespace {

constexpr double unlimited = largest_number;

/// The item for phase k, from 1; the last one goes on where the list ends.
std::string item_for(const std::string& list, int64_t k) {
  const auto items = cut_at_commas(list);
  return items[std::min(static_cast<size_t>(k), items.size()) - 1];
}

double number(const std::string& text) {
  return std::strtod(text.c_str(), nullptr);
}

/// A validator for each item of a list of `min_items` or more.
CLI::Validator list_of(const CLI::Validator& item, size_t min_items = 1) {
  const auto check = [=](const std::string& text) -> std::string {
    const auto items = cut_at_commas(text);
    if (items.size() < min_items)
      return fmt::format("'{}' lists fewer than the {} numbers needed, as 784,300", text,
                         min_items);
    for (const auto& value : items) {
      if (const auto wrong = item(value); !wrong.empty()) return wrong;
    }
    return {};
  };
  return CLI::Validator(check, "");
}

CLI::Option* add_text(CLI::App& app, const std::string& name, std::string& value,
                      const std::string& description, const CLI::Validator& check,
                      const std::string& shown) {
  return app.add_option(name, value, description)
      ->check(check)
      ->capture_default_str()
      ->option_text(fmt::format("{} [{}]", shown, value));
}

struct NoiseOption {
  std::string kind;
  double amount = 0;
};

std::optional<NoiseOption> parse_noise(const std::string& text) {
  const auto colon = text.find(':');
  if (colon == std::string::npos) return std::nullopt;
  NoiseOption noise{text.substr(0, colon), 0};
  const auto amount = text.substr(colon + 1);
  const bool gaussian = noise.kind == "gaussian";
  if (!gaussian && noise.kind != "masking" && noise.kind != "dropout" &&
      noise.kind != "salt-pepper")
    return std::nullopt;
  if (!finite_number(0, true, gaussian ? unlimited : 1)(amount).empty()) return std::nullopt;
  noise.amount = number(amount);
  return noise;
}

std::string sampling_fault(const std::string& text) {
  if (text == "epochs" || text == "independent") return {};
  return fmt::format("'{}' is neither epochs nor independent", text);
}

std::string noise_fault(const std::string& text) {
  if (text == "off" || parse_noise(text)) return {};
  return fmt::format(
      "'{}' is none of off, gaussian:S (S above 0), masking:P, dropout:P, salt-pepper:P (P between "
      "0 and 1)",
      text);
}

Corruption corruption_of(const NoiseOption& noise) {
  if (noise.kind == "gaussian") return gaussian_noise(noise.amount);
  if (noise.kind == "masking") return masking_noise(noise.amount);
  if (noise.kind == "dropout") return input_dropout(noise.amount);
  return salt_and_pepper_noise(noise.amount);
}

std::string emphasis_fault(const std::string& text) {
  const auto items = cut_at_commas(text);
  const auto from_zero = finite_number(0, false, unlimited);
  const bool right = items.size() == 2 && from_zero(items[0]).empty() &&
                     from_zero(items[1]).empty() && number(items[0]) + number(items[1]) > 0;
  return right || text == "off"
             ? std::string()
             : fmt::format("'{}' is not A,B, two numbers from 0 that are not both 0", text);
}

std::string sparsity_fault(const std::string& text) {
  const auto items = cut_at_commas(text);
  const bool right = items.size() == 2 && finite_number(1e-6, false, 1 - 1e-6)(items[0]).empty() &&
                     finite_number(0, false, unlimited)(items[1]).empty();
  return right || text == "off"
             ? std::string()
             : fmt::format("'{}' is not RHO,BETA, RHO between 0 and 1 and BETA from 0", text);
}

std::pair<double, double> pair_of(const std::string& text) {
  const auto items = cut_at_commas(text);
  return {number(items[0]), number(items[1])};
}

}  // namespace

CLI::Option* add_list(CLI::App& app, const std::string& name, std::string& value,
                      const std::string& description, const CLI::Validator& item,
                      const std::string& shown, size_t min_items) {
  return add_text(app, name, value, description, list_of(item, min_items), shown);
}

void AutoencoderOptions::add_network_to(CLI::App& app) {
  const auto* network = "Network";
  add_list(app, "--units", units,
           "Units of the input, then of each hidden layer to the code; as many phases as hidden "
           "layers",
           whole_number(1, most), "N,N[,N...]", 2)
      ->group(network);
  add_choice(app, "--activation", activation, activation_names(),
             "What every hidden layer does to its sums")
      ->group(network);
  add_choice(app, "--initialiser", initialiser,
             {"variance-scaling", "glorot-uniform", "he-uniform"},
             "How first weights are drawn; biases are 0")
      ->group(network);
}

void AutoencoderOptions::add_to(CLI::App& app) {
  data.add_to(app);
  add_network_to(app);
  const auto* network = "Network";
  add_switch(app, "--tied", tied, "Decoder weights are the encoder's, transposed: one tensor")
      ->group(network);

  const auto* group = "Training";
  add_switch(app, "--joint", joint, "All layers at once instead of phase by phase")->group(group);
  add_choice(app, "--loss", loss, {"mse", "bce"},
             "What is minimised where pixels are reconstructed; bce makes the output sigmoid. The "
             "phases that reconstruct codes always have mse")
      ->group(group);
  add_list(
      app, "--epochs", epochs,
      "Epochs of a phase: one number for all, or a list, as 4,8, whose last holds for the rest",
      whole_number(1, most), "N[,N...]")
      ->group(group);
  add_count(app, "--batch-size", batch_size, "Images of a step")->group(group);
  add_list(app, "--sampling", sampling,
           "Batches go through each epoch's rows, or each is an independent random subset; one for "
           "all phases, or a list",
           CLI::Validator(sampling_fault, ""), "HOW[,HOW...]")
      ->group(group);
  add_choice(app, "--last-batch", last_batch, {"drop", "keep"}, "The short one at an epoch's end")
      ->group(group);
  add_choice(app, "--cache", cache, {"on", "off"},
             "Codes of frozen layers are computed once a phase, or for every batch")
      ->group(group);
  add_choice(app, "--optimizer", optimizer, {"adam", "sgd"}, "What takes the steps")->group(group);
  add_list(app, "--learning-rate", learning_rate, "Learning rate: one for all phases, or a list",
           finite_number(0, true, unlimited), "X[,X...]")
      ->group(group);
  add_number(app, "--momentum", momentum, "Momentum of SGD", 0, false, 1)->group(group);
  add_choice(app, "--adam-counter", adam_counter, {"shared", "fresh"},
             "The count in Adam's bias correction runs on through the phases, or starts anew")
      ->group(group);
  add_number(app, "--l2", l2,
             "Weight decay: X / 2 times the sum of squares of the weights trained joins the loss",
             0, false, unlimited)
      ->group(group);

  const auto* code = "Noise and sparsity";
  add_text(
      app, "--noise", noise,
      "Denoising: a phase is given its input with this noise and reconstructs it without; S is a "
      "standard deviation, P a share of the entries",
      CLI::Validator(noise_fault, ""), "off|gaussian:S|masking:P|dropout:P|salt-pepper:P")
      ->group(code);
  add_text(app, "--emphasis", emphasis,
           "With masking or salt-pepper: corrupted entries count A times in the loss, the others B "
           "times",
           CLI::Validator(emphasis_fault, ""), "A,B")
      ->group(code);
  add_text(app, "--sparsity", sparsity,
           "As 0.1,0.2: each unit is wanted on for a share RHO of a batch; BETA times the "
           "Kullback-Leibler divergences from that joins the loss. Needs --activation sigmoid",
           CLI::Validator(sparsity_fault, ""), "RHO,BETA")
      ->group(code);

  const auto* tuning = "Fine-tuning";
  add_count(app, "--fine-tune", fine_tune,
            "Then all layers at once, for so many epochs; 0 for not at all", 0)
      ->group(tuning);
  add_number(app, "--fine-tune-learning-rate", fine_tune_learning_rate,
             "Learning rate of fine-tuning", 0, true, unlimited)
      ->group(tuning);
}

void AutoencoderOptions::check(const CLI::App& app) const {
  const auto given = [&](const char* name) { return app.get_option(name)->count() > 0; };
  const auto refuse_if = [&](bool refused, const char* option, const std::string& why,
                             const std::string& hint) {
    if (refused && given(option)) throw UsageError(fmt::format("{} {}", option, why), hint);
  };
  const bool one_phase = joint || phases() == 1;
  refuse_if(optimizer == "adam", "--momentum", "has no effect with Adam", "add --optimizer sgd");
  refuse_if(optimizer == "sgd", "--adam-counter", "has no effect with SGD", "leave it out");
  refuse_if(one_phase, "--adam-counter", "has no effect with a single phase", "leave it out");
  refuse_if(one_phase, "--cache", "has no effect where nothing is frozen", "leave it out");
  refuse_if(data.validation == 0, "--validation-from", "has no effect with --validation 0",
            "leave it out");
  refuse_if(fine_tune == 0, "--fine-tune-learning-rate", "has no effect without --fine-tune",
            "add --fine-tune EPOCHS");
  const int64_t fits = joint ? 1 : phases();
  for (const auto& [option, list] :
       {std::pair("--epochs", epochs), std::pair("--learning-rate", learning_rate),
        std::pair("--sampling", sampling)}) {
    const auto count = static_cast<int64_t>(cut_at_commas(list).size());
    if (count > fits && given(option)) {
      throw UsageError(fmt::format("{} {} has {} values for {} phase{}", option, list, count, fits,
                                   fits == 1 ? "" : "s"),
                       "give one for all phases, or one for each");
    }
  }
  const bool all_independent = [&] {
    for (int64_t k = 1; k <= fits; ++k) {
      if (item_for(sampling, k) == "epochs") return false;
    }
    return true;
  }();
  refuse_if(all_independent && fine_tune == 0, "--last-batch",
            "has no effect on independent batches, which are always whole", "leave it out");
  if (sparsity != "off" && activation != "sigmoid")
    throw UsageError(fmt::format("--sparsity with --activation {}", activation),
                     "the mean of a unit must be a share: add --activation sigmoid");
  const auto corruption = parse_noise(noise);
  const bool places =
      corruption && (corruption->kind == "masking" || corruption->kind == "salt-pepper");
  if (emphasis != "off" && !places)
    throw UsageError(fmt::format("--emphasis {} with --noise {}", emphasis, noise),
                     "it needs noise that hits some entries: masking:P or salt-pepper:P");
}

void AutoencoderOptions::check_size(int64_t rows) const {
  const int64_t fits = joint ? 1 : phases();
  for (int64_t k = 1; k <= fits && batch_size > rows; ++k) {
    const bool independent = item_for(sampling, k) == "independent";
    if (!independent && last_batch == "keep") continue;
    throw UsageError(
        fmt::format("--batch-size {} with {} rows to train on: {}", batch_size, rows,
                    independent ? fmt::format("phase {} draws independent batches, always whole", k)
                                : "the only batch, a short one, would be dropped"),
        independent ? "ask for smaller batches, or add --sampling epochs --last-batch keep"
                    : "ask for smaller batches, or add --last-batch keep");
  }
  double weights = 0;
  const auto layers = layer_units();
  for (size_t i = 1; i < layers.size(); ++i)
    weights += static_cast<double>(layers[i - 1]) * static_cast<double>(layers[i]);
  constexpr double bytes_each = 2 * 4 * sizeof(float);  // two halves: value, gradient, two moments
  const double memory = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) *
                        static_cast<double>(::sysconf(_SC_PAGE_SIZE));
  if (weights * bytes_each > memory) {
    throw UsageError(
        fmt::format("--units {} needs {:.0f} GB of memory, and this machine has {:.0f}", units,
                    weights * bytes_each / 1e9, memory / 1e9),
        "ask for fewer units");
  }
}

std::vector<int64_t> AutoencoderOptions::layer_units() const {
  std::vector<int64_t> numbers;
  for (const auto& item : cut_at_commas(units)) numbers.push_back(std::stoll(item));
  return numbers;
}

DenseAutoencoder AutoencoderOptions::network() const {
  DenseAutoencoder network;
  network.units = layer_units();
  network.activation = activation_named(activation);
  network.output = loss == "bce" ? Activation::sigmoid : Activation::linear;
  network.tied = tied;
  if (initialiser == "glorot-uniform") network.initialiser = glorot_uniform_;
  if (initialiser == "he-uniform") network.initialiser = he_uniform_;
  return network;
}

StackedAutoencoderOptions AutoencoderOptions::training() const {
  const auto options_for = [&](int64_t k) {
    FitOptions fit;
    fit.epochs = std::stoll(item_for(epochs, k));
    fit.batch_size = batch_size;
    fit.engine = engine;
    const double rate = number(item_for(learning_rate, k));
    if (optimizer == "adam") {
      fit.optimizer = Adam{rate};
    } else {
      fit.optimizer = Sgd{rate, momentum};
    }
    fit.l2 = l2;
    fit.sampling = item_for(sampling, k) == "epochs" ? Sampling::epochs : Sampling::independent;
    fit.last_batch = last_batch == "keep" ? LastBatch::keep : LastBatch::drop;
    return fit;
  };
  StackedAutoencoderOptions training;
  training.jointly = joint;
  training.phases.clear();
  const int64_t fits = joint ? 1 : phases();
  for (int64_t k = 1; k <= fits; ++k) training.phases.push_back(options_for(k));
  training.cache = cache == "on";
  training.shared_adam_counter = adam_counter == "shared";
  if (loss == "bce") training.pixels = binary_reconstruction();
  if (emphasis != "off") {
    const auto [corrupted, others] = pair_of(emphasis);
    training.pixels = emphasised(training.pixels, {corrupted, others});
    training.codes = emphasised(training.codes, {corrupted, others});
  }
  if (sparsity != "off") {
    const auto [target, weight] = pair_of(sparsity);
    training.pixels = sparse(training.pixels, {target, weight});
    training.codes = sparse(training.codes, {target, weight});
  }
  if (const auto corruption = parse_noise(noise)) training.corruption = corruption_of(*corruption);
  if (fine_tune > 0) {
    auto fit = options_for(1);
    fit.sampling = Sampling::epochs;
    fit.epochs = fine_tune;
    std::visit([&](auto& steps) { steps.learning_rate = fine_tune_learning_rate; }, fit.optimizer);
    training.fine_tuning = fit;
  }
  return training;
}

Description AutoencoderOptions::description(const LabelledImages& images) const {
  return {{"model", "stacked autoencoder"}, {"units", units},
          {"activation", activation},       {"output", loss == "bce" ? "sigmoid" : "linear"},
          {"tied", tied ? "yes" : "no"},    {"training_images_crc32", images.checksum}};
}

namespace {

StageInfo phase(int64_t k) {
  return {k, 0, "", Task::reconstruction};
}
StageInfo whole(int64_t stages) {
  return {stages, 0, "whole", Task::reconstruction};
}
Published last_batch(int64_t stage, const char* text, const char* metric = "mse") {
  return {phase(stage), "last_batch", metric, text};
}

/// @see Géron, "Hands-On Machine Learning with Scikit-Learn and TensorFlow", 2017, chapter 15, and
///   its notebook; of Fashion-MNIST: the second edition, 2019, chapter 17, and its notebook
std::vector<Condition> make_conditions() {
  const AutoencoderOptions document;
  std::vector<Condition> all;

  all.push_back(
      {"cached",
       "two phases, the codes computed once and drawn independently",
       document,
       {last_batch(1, "0.0078"), last_batch(2, "0.0021"), {whole(2), "test", "mse", "0.00978"}}});

  auto options = document;
  options.sampling = "epochs";
  options.cache = "off";
  all.push_back(
      {"uncached",
       "two phases, the codes computed for every batch",
       options,
       {last_batch(1, "0.0074"), last_batch(2, "0.0025"), {whole(2), "test", "mse", "0.00979"}}});

  options = document;
  options.sampling = "independent";
  options.adam_counter = "fresh";
  options.l2 = 5e-4;
  all.push_back({"separate",
                 "two autoencoders, the second on the codes of the first",
                 options,
                 {last_batch(1, "0.0192"), last_batch(2, "0.0044")}});

  options = document;
  options.joint = true;
  options.epochs = "5";
  options.sampling = "epochs";
  all.push_back({"joint", "all layers at once", options, {last_batch(1, "0.0104")}});

  options.tied = true;
  options.l2 = 5e-4;
  all.push_back({"tied", "all layers at once, tied weights", options, {last_batch(1, "0.0156")}});

  options.tied = false;
  options.l2 = 0;
  options.epochs = "10";
  options.activation = "relu";
  options.initialiser = "glorot-uniform";
  options.noise = "gaussian:1";
  all.push_back({"gaussian",
                 "all layers at once, denoising Gaussian noise",
                 options,
                 {last_batch(1, "0.0408")}});

  options.noise = "dropout:0.3";
  all.push_back({"dropout",
                 "all layers at once, with dropout of the input",
                 options,
                 {last_batch(1, "0.0242")}});

  options.noise = "off";
  options.units = "784,1000";
  options.activation = "sigmoid";
  options.sparsity = "0.1,0.2";
  options.epochs = "100";
  options.batch_size = 1000;
  all.push_back({"sparse",
                 "one hidden layer of 1,000 units, each wanted on for a tenth of the images",
                 options,
                 {last_batch(1, "0.012 .. 0.025"), last_batch(1, "0.08 .. 0.39", "sparsity")}});

  options = document;
  options.data.dataset = "fashion-mnist";
  options.data.validation_from = "last";
  options.units = "784,100,30";
  options.activation = "selu";
  options.initialiser = "glorot-uniform";
  options.loss = "bce";
  options.optimizer = "sgd";
  options.l2 = 0;
  options.batch_size = 32;
  options.last_batch = "keep";
  options.sampling = "epochs";
  options.learning_rate = "1.5,0.05";
  options.epochs = "10";
  options.fine_tune = 10;
  options.fine_tune_learning_rate = 0.1;
  all.push_back(
      {"fashion",
       "Fashion-MNIST, two phases, then all layers fine-tuned",
       options,
       {{phase(1), "validation", "bce", "0.2781"},
        {phase(2), "validation", "mse", "0.1687"},
        {{3, 0, "fine_tuned", Task::reconstruction}, "validation", "bce", "0.2857"},
        {{3, 0, "fine_tuned", Task::reconstruction}, "validation", "rounded_accuracy", "0.937"}}});

  options.joint = true;
  options.learning_rate = "1.5";
  options.epochs = "20";
  options.fine_tune = 0;
  options.fine_tune_learning_rate = document.fine_tune_learning_rate;
  all.push_back({"fashion-joint",
                 "Fashion-MNIST, all layers at once",
                 options,
                 {{phase(1), "validation", "bce", "0.2835"}}});
  return all;
}

}  // namespace

const std::vector<Condition>& conditions() {
  static const auto all = make_conditions();
  return all;
}

const Condition& condition_named(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& condition : conditions()) {
    if (condition.name == name) return condition;
    names.push_back(condition.name);
  }
  throw UsageError(fmt::format("--reproduce '{}'", name),
                   fmt::format("it is one of {}", fmt::join(names, ", ")));
}

}  // namespace layerwise::apps
