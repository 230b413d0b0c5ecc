#include "layerwise/pretraining/pretrained_classifier.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <utility>

#include "layerwise/nn/standardize.h"
#include "layerwise/train/check_stage.h"
#include "layerwise/train/evaluate.h"

namespace layerwise {

namespace {

void require(bool there, const ClassifierVariant& variant, const char* part) {
  if (!there) throw std::invalid_argument("train_classifier: '" + variant.name + "' needs " + part);
}

/// The network of the variant, before any training of this classifier.
GreedyNet network_of(const ClassifierVariant& variant, const ClassifierParts& parts,
                     const torch::Tensor& inputs, const EngineOptions& engine,
                     RandomState& initialization) {
  const bool head_alone = variant.codes == Codes::inputs;
  if (head_alone) require(parts.head != nullptr, variant, "a head on the inputs");
  auto net = head_alone
                 ? GreedyNet(std::vector<Block>{}, parts.head(inputs.size(1), initialization))
                 : parts.network(initialization);
  if (variant.codes == Codes::pretrained) {
    require(!parts.pretrained.empty(), variant, "a pretrained encoder");
    copy_values(*chain_of(parts.pretrained), *chain_of(net->blocks()));
  } else if (variant.codes == Codes::principal_components) {
    require(parts.components.has_value(), variant, "principal components");
    net = GreedyNet(*parts.components, *net->head->begin());
  }
  net->to(engine.device_for(inputs.device()));
  if (head_alone || !variant.standardized) return net;
  auto blocks = net->blocks();
  blocks.emplace_back(Standardize(forward_in_chunks(chain_of(blocks), inputs)));
  return GreedyNet(blocks, *net->head->begin());
}

/// The one or two fits of a variant, which count their steps as a single fit.
class Fits {
 public:
  Fits(GreedyNet net, const Split& data, const ClassifierTraining& training, const StageInfo& info,
       Random& random, const Observer& observer)
      : net_(std::move(net)),
        data_{data.train, {}, data.validation},
        test_(data.test),
        features_(data_),
        training_(training),
        steps_(steps_of(data.train.size(), training.fit)),
        info_(info),
        random_(random),
        observer_(observer) {}

  /// Takes steps on the blocks that are trainable now.
  void fit(const FitOptions& options) {
    std::vector<Hook> hooks;
    if (observer_.on_progress) {
      hooks.emplace_back([&](const FitView& fit) { return shown(fit); });
    }
    result_.stage =
        fit_stage(net_->stage(), {classification(), Target::given, {}, random_.noise, ++fits_},
                  features_, data_, options, random_, hooks);
    if (const auto best = result_.stage.fit.best_step) result_.best_step = done_ + *best;
    done_ += options.steps;
  }

  /// Adds scores for the size of the codes that are the input of the head.
  void measure_codes() {
    const auto codes =
        features_.output(net_->stage().frozen, "train").to(torch::kFloat64).flatten(1);
    const auto root_mean_square = [](const torch::Tensor& values) {
      return values.square().mean().sqrt().item<double>();
    };
    const auto mean = codes.mean(0);
    const double deviation = root_mean_square(codes - mean);
    result_.stage.scores.push_back({"train", "code_mean", root_mean_square(mean)});
    result_.stage.scores.push_back({"train", "code_deviation", deviation});
  }

  /// Evaluates the test rows, if there are any, and returns the result.
  ClassifierResult end() {
    if (test_.inputs.defined()) {
      StageChain chain(net_->stage());
      const auto scores = evaluate(chain, test_, Target::given, classification().metrics, "test");
      result_.stage.scores.insert(result_.stage.scores.end(), scores.begin(), scores.end());
    }
    result_.net = net_;
    return result_;
  }

 private:
  Next shown(const FitView& fit) const {
    if (done_ > 0 && fit.step == 0) return Next::go_on;  // the end of the fit before
    const int64_t an_epoch = steps_per_epoch(data_.train.size(), training_.fit);
    const int64_t step = done_ + fit.step;
    return observer_.on_progress(info_, {step / an_epoch, (steps_ + an_epoch - 1) / an_epoch, step,
                                         steps_, fit.loss, fit.engine});
  }

  GreedyNet net_;
  Split data_;
  Dataset test_;
  FeatureCache features_;
  const ClassifierTraining& training_;
  int64_t steps_;
  const StageInfo& info_;
  Random& random_;
  const Observer& observer_;
  int64_t done_ = 0;
  uint32_t fits_ = 0;
  ClassifierResult result_;
};

}  // namespace

EarlyStopping stopping_by_accuracy(int64_t patience) {
  return {.metric = "accuracy",
          .mode = Mode::max,
          .patience = patience,
          .ties = {{"cross_entropy", Mode::min}}};
}

const std::vector<ClassifierVariant>& classifier_variants() {
  static const std::vector<ClassifierVariant> variants{
      {"none", Codes::random, Trained::everything, false,
       "no pretraining: all weights random, all trained"},
      {"frozen", Codes::pretrained, Trained::head, false,
       "pretrained encoder, frozen; the head is trained"},
      {"fine-tuned", Codes::pretrained, Trained::everything, false,
       "pretrained encoder, everything is trained"},
      {"head-first", Codes::pretrained, Trained::head_then_everything, false,
       "pretrained encoder; the head, then everything"},
      {"standardized", Codes::pretrained, Trained::head, true, "as frozen, on standardized codes"},
      {"random-frozen", Codes::random, Trained::head, false, "control: random encoder, frozen"},
      {"random-standardized", Codes::random, Trained::head, true,
       "control: random encoder, frozen, on standardized codes"},
      {"pca", Codes::principal_components, Trained::head, false,
       "control: as many principal components as the code has units"},
      {"pixels", Codes::inputs, Trained::head, false, "control: softmax regression on the pixels"},
  };
  return variants;
}

std::vector<FitOptions> fits_of(const ClassifierVariant& variant,
                                const ClassifierTraining& training, int64_t rows) {
  auto all = training.fit;
  all.steps = steps_of(rows, training.fit);
  if (variant.trained != Trained::head_then_everything) return {all};
  if (all.steps < 2)
    throw std::invalid_argument("'" + variant.name + "' needs two steps, for two fits");
  auto head = all;
  head.steps = std::clamp<int64_t>(
      std::llround(training.head_share * static_cast<double>(all.steps)), 1, all.steps - 1);
  head.early_stopping.reset();
  all.steps -= head.steps;
  return {head, all};
}

ClassifierResult train_classifier(const ClassifierVariant& variant, const ClassifierParts& parts,
                                  const Split& data, const ClassifierTraining& training,
                                  const StageInfo& info, Random random, const Observer& observer) {
  check(training.fit, data.train.size());
  const auto planned = fits_of(variant, training, data.train.size());
  for (const auto& fit : planned) check(fit, data.train.size());
  auto net =
      network_of(variant, parts, data.train.inputs, training.fit.engine, random.initialization);
  check_stage(net->stage(), {classification()}, data);  // the test rows too, before anything else
  Fits fits(net, data, training, info, random, observer);
  if (variant.trained != Trained::everything) net->freeze_hidden();
  fits.fit(planned.front());
  if (variant.trained == Trained::head && variant.codes != Codes::inputs) fits.measure_codes();
  if (planned.size() > 1) {
    net->unfreeze();
    fits.fit(planned.back());
  }
  return fits.end();
}

}  // namespace layerwise
