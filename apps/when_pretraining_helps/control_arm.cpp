#include "when_pretraining_helps/control_arm.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <torch/utils.h>

namespace layerwise::apps {

bool ControlOptions::has(const std::string& control) const {
  return std::find(controls.begin(), controls.end(), control) != controls.end();
}

int64_t Run::of(int64_t count) const {
  return std::max<int64_t>(1, std::llround(static_cast<double>(count) * share));
}

study::ScoreOf ControlArm::score(size_t final, const std::string& split,
                                 const std::string& name_of_score) const {
  return {of_variant(name, finals.at(final).info), split, name_of_score};
}

double ControlArm::work_of(bool last_fits) const {
  double work = 0;
  for (const auto& fit : plan) {
    const bool last = std::any_of(finals.begin(), finals.end(),
                                  [&](const Final& one) { return one.info == fit.info; });
    if (last == last_fits) work += fit.work;
  }
  return work;
}

std::string arm_name(const std::string& control, const std::string& task, const Start& start,
                     Way way) {
  return fmt::format("{}_{}{}{}_{}", control, task, task.empty() ? "" : "_", start.name,
                     name_of(way));
}

std::string words_for(const std::string& task, const Start& start, Way way) {
  const auto from = fmt::format("{}{}{}", task, task.empty() ? "" : ": ", start.what);
  return way == Way::none ? from + ", not pretrained"
                          : fmt::format("{}, pretrained: {}", from, in_words(way));
}

double forward_work(const std::vector<int64_t>& units, int64_t depth, int64_t rows) {
  double work = 0;
  for (size_t i = 1; i <= static_cast<size_t>(depth); ++i)
    work += static_cast<double>(units[i - 1] * units[i] * rows);
  return work;
}

PlannedFit classification_fit(const StageInfo& info, int64_t epochs, double work,
                              const std::vector<std::string>& splits) {
  PlannedFit fit{info, epochs, scores_of(splits, {"accuracy", "cross_entropy"})};
  fit.work = work;
  return fit;
}

const ClassifierVariant& variant_named(const std::string& name) {
  const auto& all = classifier_variants();
  return *std::find_if(all.begin(), all.end(), [&](const auto& one) { return one.name == name; });
}

Dataset slice(const Dataset& data, int64_t begin, int64_t end) {
  return {data.inputs.slice(0, begin, end), data.targets.slice(0, begin, end)};
}

Split rows_of_all(const ControlOptions& options, const Split& images, Rows which) {
  const auto rows = images.train.size();
  const auto train = rows - rows / 12;
  return {slice(images.train, 0, std::min(train, options.train_rows)),
          which == Rows::all ? images.test : Dataset{}, slice(images.train, train, rows)};
}

Split rows_of_assay(const Split& images, Rows which) {
  const auto rows = images.train.size();
  const auto train = rows / 6;
  const auto validation = rows / 30;
  if (which == Rows::that_choose)
    return {slice(images.train, 0, train), {}, slice(images.train, train, train + validation)};
  const auto rest = slice(images.train, train + validation, rows);
  const auto more = slice(images.test, 0, validation);
  return {slice(images.train, 0, train),
          {torch::cat({rest.inputs, more.inputs}), torch::cat({rest.targets, more.targets})},
          slice(images.train, train, train + validation)};
}

SplitSizes sizes_of(const Split& data) {
  return {data.train.size(), data.validation.size(), data.test.size()};
}

Split GeneratedImages::rows(const c10::Device& device, Rows which) {
  std::call_once(made_, [&] {
    constexpr uint32_t seed = 1;
    RandomState random(seed);
    rows_.test = make_(sizes_.test, random);
    rows_.validation = make_(sizes_.validation, random);
    rows_.train = make_(sizes_.train, random);
  });
  Split needed = rows_;
  if (which == Rows::that_choose) needed.test = {};
  return needed.to(device);
}

}  // namespace layerwise::apps
