#include "mnist_autoencoder/autoencoder.h"

#include <unistd.h>

#include <algorithm>
#include <utility>
#include <variant>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "common/encoders.h"

namespace layerwise::apps {

namespace {

const std::vector<std::pair<std::string, Noise::Kind>> noise_kinds = {
    {"gaussian", Noise::Kind::gaussian},
    {"masking", Noise::Kind::masking},
    {"dropout", Noise::Kind::dropout},
    {"salt-pepper", Noise::Kind::salt_pepper}};

/// The item for phase k, from 1; after the end of the list, its last item.
template <typename Value>
const Value& item_for(const std::vector<Value>& list, int64_t k) {
  return list[std::min(static_cast<size_t>(k), list.size()) - 1];
}

/// The conversion of noise from and to `KIND:AMOUNT`.
Spelling<Noise> noise_spelling() {
  const auto kinds = one_of(noise_kinds);
  const auto parts = [](const std::string& text) {
    const auto colon = text.find(':');
    return std::pair(text.substr(0, colon),
                     colon == std::string::npos ? std::string() : text.substr(colon + 1));
  };
  const auto amounts = [](Noise::Kind kind) {
    return finite_number(0, true, kind == Noise::Kind::gaussian ? largest_number : 1);
  };
  return {[=](const std::string& text) -> std::string {
            const auto [kind, amount] = parts(text);
            if (kinds.fault(kind).empty() && amounts(kinds.read(kind)).fault(amount).empty())
              return {};
            return fmt::format(
                "'{}' is none of off, gaussian:S (S above 0), masking:P, dropout:P, salt-pepper:P "
                "(P between 0 and 1)",
                text);
          },
          [=](const std::string& text) {
            const auto [kind, amount] = parts(text);
            return Noise{kinds.read(kind), amounts(kinds.read(kind)).read(amount)};
          },
          [=](const Noise& noise) {
            return fmt::format("{}:{}", kinds.write(noise.kind), noise.amount);
          }};
}

/// The conversion of two numbers of a struct from and to `A,B`.
/// @param fault describes valid numbers, for the message about invalid ones
template <typename Pair>
Spelling<Pair> pair_of(double Pair::*first, double Pair::*second, const std::string& fault,
                       const std::function<bool(double, double)>& right) {
  const auto numbers = list_of(finite_number(0, false, largest_number), 2);
  const auto read = [=](const std::string& text) {
    const auto values = numbers.read(text);
    Pair pair;
    pair.*first = values[0];
    pair.*second = values[1];
    return pair;
  };
  return {[=](const std::string& text) {
            const bool two = numbers.fault(text).empty() && numbers.read(text).size() == 2;
            if (two && right(numbers.read(text)[0], numbers.read(text)[1])) return std::string();
            return fmt::format("'{}' is not {}", text, fault);
          },
          read, [=](const Pair& pair) { return fmt::format("{},{}", pair.*first, pair.*second); }};
}

Spelling<Emphasis> emphasis_spelling() {
  return pair_of<Emphasis>(&Emphasis::corrupted, &Emphasis::others,
                           "A,B, two numbers from 0 that are not both 0",
                           [](double a, double b) { return a + b > 0; });
}

Spelling<Sparsity> sparsity_spelling() {
  return pair_of<Sparsity>(&Sparsity::target, &Sparsity::weight,
                           "RHO,BETA, RHO between 0 and 1 and BETA from 0",
                           [](double rho, double) { return rho >= 1e-6 && rho < 1 - 1e-6; });
}

}  // namespace

Corruption Noise::corruption() const {
  switch (kind) {
    case Kind::gaussian:
      return gaussian_noise(amount);
    case Kind::masking:
      return masking_noise(amount);
    case Kind::dropout:
      return input_dropout(amount);
    case Kind::salt_pepper:
      return salt_and_pepper_noise(amount);
  }
  throw std::logic_error("no such noise");
}

void AutoencoderOptions::add_noise_to(CLI::App& app, const std::string& option,
                                      const std::string& group) {
  add_value(
      app, option, noise, or_off(noise_spelling()),
      "Denoising: a phase is given its input with this noise and reconstructs it without; S is a "
      "standard deviation, P a share of the entries",
      "off|gaussian:S|masking:P|dropout:P|salt-pepper:P")
      ->group(group);
}

void AutoencoderOptions::add_network_to(CLI::App& app) {
  const auto* network = "Network";
  add_value(app, "--units", units, units_spelling(),
            "Units of the input, then of each hidden layer to the code; as many phases as hidden "
            "layers",
            "N,N[,N...]")
      ->group(network);
  add_choice(app, "--activation", activation, with_values(activation_names(), activation_named),
             "What every hidden layer does to its sums")
      ->group(network);
  add_choice(app, "--initializer", initializer,
             {{"variance-scaling", variance_scaling_},
              {"glorot-uniform", glorot_uniform_},
              {"he-uniform", he_uniform_}},
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
  add_choice(app, "--loss", loss,
             {{"mse", ReconstructionLoss::mse}, {"bce", ReconstructionLoss::bce}},
             "What is minimized where pixels are reconstructed; bce makes the output sigmoid")
      ->group(group);
  add_choice(app, "--code-loss", code_loss,
             {{"mse", ReconstructionLoss::mse}, {"bce", ReconstructionLoss::bce}},
             "The same where codes are reconstructed; bce needs --activation sigmoid, where sgd "
             "learns faster from it")
      ->group(group);
  add_value(
      app, "--epochs", epochs, list_of(whole_number(1, most)),
      "Epochs of a phase: one number for all, or a list, as 4,8, whose last holds for the rest",
      "N[,N...]")
      ->group(group);
  add_count(app, "--batch-size", batch_size, "Images of a step")->group(group);
  const auto samplings =
      one_of<Sampling>({{"epochs", Sampling::epochs}, {"independent", Sampling::independent}});
  add_value(app, "--sampling", sampling, list_of(samplings),
            "Batches go through each epoch's rows, or each is an independent random subset; one "
            "for all phases, or a list",
            "HOW[,HOW...]")
      ->group(group);
  add_choice(app, "--last-batch", last_batch,
             {{"drop", LastBatch::drop}, {"keep", LastBatch::keep}},
             "The short one at an epoch's end")
      ->group(group);
  add_optimizer(app, optimizer)->group(group);
  add_value(app, "--learning-rate", learning_rate, list_of(finite_number(0, true, largest_number)),
            "Learning rate: one for all phases, or a list", "X[,X...]")
      ->group(group);
  add_momentum(app, momentum)->group(group);
  add_schedule(app, schedule)->group(group);
  early_stop.add_to(app, group);
  add_choice(app, "--adam-counter", shared_adam_counter, {{"shared", true}, {"fresh", false}},
             "The count in Adam's bias correction runs on through the phases, or starts anew")
      ->group(group);
  add_l2(app, l2)->group(group);

  const auto* code = "Noise and sparsity";
  add_noise_to(app, "--noise", code);
  add_value(app, "--emphasis", emphasis, or_off(emphasis_spelling()),
            "With masking or salt-pepper: corrupted entries count A times in the loss, the others "
            "B times",
            "A,B")
      ->group(code);
  add_value(app, "--sparsity", sparsity, or_off(sparsity_spelling()),
            "As 0.1,0.2: each unit is wanted on for a share RHO of a batch; BETA times the "
            "Kullback-Leibler divergences from that joins the loss. Needs --activation sigmoid",
            "RHO,BETA")
      ->group(code);

  const auto* tuning = "Fine-tuning";
  add_count(app, "--fine-tune", fine_tune,
            "Then all layers at once, for so many epochs; 0 for not at all", 0)
      ->group(tuning);
  add_number(app, "--fine-tune-learning-rate", fine_tune_learning_rate,
             "Learning rate of fine-tuning", 0, true, largest_number)
      ->group(tuning);
}

void AutoencoderOptions::check(const RunOptions& run) const {
  const bool one_phase = joint || phases() == 1;
  check_optimizer(run, optimizer);
  early_stop.check(data.validation);
  run.refuse_if(optimizer != name_of(Optimizer(Adam())), "--adam-counter",
                fmt::format("has no effect with {}", optimizer), "leave it out");
  run.refuse_if(one_phase, "--adam-counter", "has no effect with a single phase", "leave it out");
  for (const auto* option : {"--cache", "--cache-budget", "--cache-precision"})
    run.refuse_if(one_phase, option, "has no effect where nothing is frozen", "leave it out");
  run.refuse_if(one_phase, "--code-loss", "has no effect: no phase reconstructs codes",
                "leave it out");
  if (code_loss == ReconstructionLoss::bce && activation != Activation::sigmoid)
    throw UsageError(fmt::format("--code-loss bce with --activation {}", name_of(activation)),
                     "codes must be shares: add --activation sigmoid");
  run.refuse_if(data.validation == 0, "--validation-from", "has no effect with --validation 0",
                "leave it out");
  run.refuse_if(fine_tune == 0, "--fine-tune-learning-rate", "has no effect without --fine-tune",
                "add --fine-tune EPOCHS");
  const int64_t fits = joint ? 1 : phases();
  run.refuse_longer("--epochs", epochs, fits);
  run.refuse_longer("--learning-rate", learning_rate, fits);
  run.refuse_longer("--sampling", sampling, fits);
  const bool all_independent = std::all_of(
      sampling.begin(), sampling.end(), [](Sampling how) { return how == Sampling::independent; });
  run.refuse_if(all_independent && fine_tune == 0, "--last-batch",
                "has no effect on independent batches, which are always whole", "leave it out");
  if (sparsity && activation != Activation::sigmoid)
    throw UsageError(fmt::format("--sparsity with --activation {}", name_of(activation)),
                     "the mean of a unit must be a share: add --activation sigmoid");
  const bool places =
      noise && (noise->kind == Noise::Kind::masking || noise->kind == Noise::Kind::salt_pepper);
  if (emphasis && !places)
    throw UsageError(
        fmt::format("--emphasis {} with --noise {}", emphasis_spelling().write(*emphasis),
                    or_off(noise_spelling()).write(noise)),
        "it needs noise that hits some entries: masking:P or salt-pepper:P");
}

void AutoencoderOptions::check_pixels(int64_t height, int64_t width) const {
  if (units.front() == height * width) return;
  throw UsageError(fmt::format("--units begins with {}, but the images are {} x {} = {} pixels",
                               units.front(), height, width, height * width),
                   fmt::format("begin it with {}", height * width));
}

void AutoencoderOptions::check_size(int64_t rows) const {
  const int64_t fits = joint ? 1 : phases();
  for (int64_t k = 1; k <= fits && batch_size > rows; ++k) {
    const bool independent = item_for(sampling, k) == Sampling::independent;
    if (!independent && last_batch == LastBatch::keep) continue;
    throw UsageError(
        fmt::format("--batch-size {} with {} rows to train on: {}", batch_size, rows,
                    independent ? fmt::format("phase {} draws independent batches, always whole", k)
                                : "the only batch, a short one, would be dropped"),
        independent ? "ask for smaller batches, or add --sampling epochs --last-batch keep"
                    : "ask for smaller batches, or add --last-batch keep");
  }
  for (const auto& phase : training().phases) check_fit(phase, rows);
  double weights = 0;
  for (size_t i = 1; i < units.size(); ++i)
    weights += static_cast<double>(units[i - 1]) * static_cast<double>(units[i]);
  constexpr double bytes_each = 2 * 4 * sizeof(float);  // two halves: value, gradient, two moments
  const double memory = static_cast<double>(::sysconf(_SC_PHYS_PAGES)) *
                        static_cast<double>(::sysconf(_SC_PAGE_SIZE));
  if (weights * bytes_each > memory) {
    throw UsageError(
        fmt::format("--units {} needs {:.0f} GB of memory, and this machine has {:.0f}",
                    units_spelling().write(units), weights * bytes_each / 1e9, memory / 1e9),
        "ask for fewer units");
  }
}

DenseAutoencoder AutoencoderOptions::network() const {
  DenseAutoencoder network;
  network.units = units;
  network.activation = activation;
  network.output = loss == ReconstructionLoss::bce ? Activation::sigmoid : Activation::linear;
  network.tied = tied;
  network.initializer = initializer;
  return network;
}

StackedAutoencoderOptions AutoencoderOptions::training() const {
  const auto options_for = [&](int64_t k) {
    FitOptions fit;
    fit.epochs = item_for(epochs, k);
    fit.batch_size = batch_size;
    fit.engine = engine;
    fit.optimizer = make_optimizer(optimizer, item_for(learning_rate, k), momentum);
    fit.schedule = schedule;
    fit.early_stopping = early_stop.make();
    fit.l2 = takes_l2(fit.optimizer) ? l2 : 0;
    fit.sampling = item_for(sampling, k);
    fit.last_batch = last_batch;
    return fit;
  };
  StackedAutoencoderOptions training;
  training.jointly = joint;
  training.phases.clear();
  const int64_t fits = joint ? 1 : phases();
  for (int64_t k = 1; k <= fits; ++k) training.phases.push_back(options_for(k));
  training.shared_adam_counter = shared_adam_counter;
  if (loss == ReconstructionLoss::bce) training.pixels = binary_reconstruction();
  if (code_loss == ReconstructionLoss::bce) training.codes = binary_reconstruction();
  for (auto* objective : {&training.pixels, &training.codes}) {
    if (emphasis) *objective = emphasized(*objective, *emphasis);
    if (sparsity) *objective = sparse(*objective, *sparsity);
  }
  if (noise) training.corruption = noise->corruption();
  if (fine_tune > 0) {
    auto fit = options_for(1);
    fit.sampling = Sampling::epochs;
    fit.epochs = fine_tune;
    set_learning_rate(fit.optimizer, fine_tune_learning_rate);
    training.fine_tuning = fit;
  }
  return training;
}

Description AutoencoderOptions::description(const LabelledImages& images) const {
  return description_of(network(), data, images.checksum);
}

}  // namespace layerwise::apps
