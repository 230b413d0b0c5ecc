#include "blobs/study_report.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "layerwise/study/figures.h"
#include "layerwise/study/statistics.h"

namespace layerwise::apps {

namespace {

constexpr auto of_depth = "depth";
constexpr auto of_greedy = "greedy";
constexpr auto of_tuning = "fine-tuning";
constexpr auto of_autoencoder_tuning = "autoencoder, fine-tuned";

/// A sentence of the tutorial, and the claim that judges it.
struct Sentence {
  std::string text;
  std::string claim;            ///< its statement
  std::optional<Verdict> says;  ///< what the sentence says; nothing if it is a question
};

/// What a verdict means for a sentence.
std::string answer_to(const Sentence& sentence, Verdict verdict) {
  if (verdict == Verdict::undecided) return "not decided";
  if (!sentence.says) return name_of(verdict);
  return fmt::format("{}: {}", verdict == *sentence.says ? "supported" : "contradicted",
                     name_of(verdict));
}

ScoreOf score_of(const std::string& name, int64_t stage, int64_t layers, const char* extra,
                 const char* split, Task task = Task::classification) {
  const auto* metric = task == Task::classification ? "accuracy" : "mse";
  return {of_variant(name, StageInfo{stage, layers, extra, task}), split, metric};
}

/// The test accuracy of an arm at its last depth.
ScoreOf last(const std::string& name, int64_t layers, const char* extra = "") {
  const bool tuned = std::string(extra) == fine_tuned;
  return score_of(name, tuned ? layers : layers - 1, layers, extra, "test");
}

/// The arms that greedy deepening is compared with: their names, number of layers and description.
struct Rival {
  const char* name;
  int64_t layers;
  const char* description;
};
std::vector<Rival> rivals(int64_t layers) {
  return {{arm::at_once, layers, "all layers at once, as long as one stage"},
          {arm::at_once_long, layers, "all layers at once, as long as all stages together"},
          {arm::not_frozen, layers, "deepening without freezing"},
          {arm::random_prefix, layers, "earlier layers random and frozen"},
          {arm::two_layers_long, 2, "two layers, trained as long"},
          {arm::two_layers_wide, 2, "two layers with as many parameters"}};
}

std::string depth_claim(int64_t layers, const char* split) {
  return fmt::format("{} layers against 2, both greedy: {} accuracy", layers, split);
}

std::string tuning_claim(const char* which, int64_t layers) {
  return fmt::format("Codes of {} layers, fine-tuned {} the classifier is fitted, against not",
                     layers, which);
}

constexpr auto softmax_claim = "Greedy deepening against softmax regression";
constexpr auto rival_beginning = "Greedy deepening to ";
constexpr auto greedy_tuned_claim = "Greedy deepening, fine-tuned, against not fine-tuned";

/// Of three fine-tunings of codes: the variant, and when it happens.
constexpr std::pair<const char*, const char*> code_tunings[] = {
    {"fine_tuned_autoencoder", "before"},
    {"fine_tuned_classifier", "after"},
    {"fine_tuned_both", "before and after"}};

std::string percent(const Proportion& share) {
  return fmt::format("{} of {} ({:.0f}%, {:.0f} to {:.0f}%)", share.count, share.total,
                     100.0 * static_cast<double>(share.count) / static_cast<double>(share.total),
                     100 * share.low, 100 * share.high);
}

/// How the error grows from two layers to five: by jumps, in words.
std::string jumps(const Results& results) {
  const auto errors = [&](int64_t layers) {
    const auto score =
        score_of(arm::autoencoder, layers - 1, layers, "", "train", Task::reconstruction);
    return results.has(score.info) ? finite(results.values(score.info, "train", "mse"))
                                   : std::vector<double>();
  };
  constexpr double jump = 1;
  const auto at_five = errors(5);
  const auto crashed =
      std::count_if(at_five.begin(), at_five.end(), [](double error) { return error > jump; });
  return fmt::format(
      " (of {} repeats that reach five layers, {} have jumped above {}: it is not "
      "slow)",
      at_five.size(), crashed, jump);
}

std::string scope_of(const BlobsData& data) {
  const auto rows = data.test_samples > 0 ? data.test_samples : data.samples - data.train_rows();
  const auto error = std::sqrt(0.83 * 0.17 / static_cast<double>(rows));
  return fmt::format(
      "Scope: {} Gaussian classes in {} dimensions{}, {} training rows, small networks. {} \"No "
      "help "
      "here\" is not \"no help\".",
      data.centers, data.features,
      data.cluster_std.size() == 1 ? ", of equal width, so that the best borders are linear" : "",
      data.train_rows(),
      data.vary
          ? "The intervals are over data sets and seeds."
          : fmt::format("The intervals are over seeds on one data set: its {} test rows alone "
                        "give an accuracy a standard error of {:.3f}, which no number of seeds "
                        "removes.",
                        rows, error));
}

/// The plan's fit of an arm at its last depth, without extra fits.
const PlannedFit& last_fit(const Arm& one) {
  const auto found = std::find_if(one.plan.rbegin(), one.plan.rend(), [](const PlannedFit& fit) {
    return fit.info.variant.empty() && fit.info.task == Task::classification;
  });
  return *found;
}

/// In how many repeats the arm has left less than two directions for the head; empty if that was
/// not looked at.
std::string collapsed_text(const Results& results, const Arm& one, const StageInfo& info) {
  const auto named = of_variant(one.name, info);
  if (!results.kind(0, named)) return {};
  return fmt::format("{} of {}", results.count({{named, 0, {}}}, Trouble::collapsed),
                     results.repeats.size());
}

bool is_autoencoder(const Arm& one) {
  return reports(one.plan.front(), "mse");
}

/// An arm's mean accuracy by depth; greedy deepening has its interval as a band.
report::Series mean_line(const Results& results, const Arm& one, const char* split,
                         const char* extra, const char* color, int dash) {
  auto series = mean_by_depth(results, one, extra, split, "accuracy",
                              {report::Style::Kind::line_and_points, color, 7, dash, 0.6});
  if (*extra != '\0') series.title = fmt::format("{}, {}", one.name, extra);
  if (one.name != arm::greedy || *extra != '\0') series.low = series.high = {};
  return series;
}

/// A score that has no depth, as a line across the panel.
report::Series level(const Results& results, const Arm& one, const char* split, int64_t layers,
                     const char* color) {
  const auto info = of_variant(one.name, last_fit(one).info);
  const double mean = mean_interval(results.values(info, split, "accuracy")).mean;
  return {one.name,
          {2, static_cast<double>(layers)},
          {mean, mean},
          {report::Style::Kind::line, color, 0, 3, 0}};
}

}  // namespace

std::vector<Claim> study_claims(const ArmOptions& options, double margin) {
  const auto layers = options.classifier.layers;
  const auto codes = options.autoencoder.layers;
  std::vector<Claim> claims;
  const auto add = [&](const char* family, std::string statement, ScoreOf score,
                       ScoreOf reference) {
    claims.push_back(
        {std::move(statement), std::move(score), std::move(reference), margin, true, family});
  };
  const auto greedy_at = [](int64_t depth, const char* split) {
    return score_of(arm::greedy, depth - 1, depth, "", split);
  };
  if (layers > 2) {
    for (const auto* split : {"train", "test"})
      add(of_depth, depth_claim(layers, split), greedy_at(layers, split), greedy_at(2, split));
  }
  if (layers != 9)
    add(of_depth, depth_claim(9, "test"), greedy_at(9, "test"), greedy_at(2, "test"));

  const auto greedy = last(arm::greedy, layers);
  for (const auto& [name, depth, description] : rivals(layers))
    add(of_greedy, fmt::format("{}{} layers against {}", rival_beginning, layers, description),
        greedy, last(name, depth));
  add(of_greedy, "Greedy deepening with its head kept against a new head in each stage", greedy,
      last(arm::fresh_head, layers));
  add(of_greedy, "A new linear head on the greedy layers (probe) against the kept head",
      last(arm::greedy, layers, probe), greedy);
  add(of_greedy, softmax_claim, greedy, score_of(arm::softmax, 1, 1, "", "test"));
  add(of_greedy, "Greedy deepening against the Bayes rule", greedy,
      score_of(arm::bayes, 1, 0, "", "test"));

  const auto tuned = last(arm::greedy, layers, fine_tuned);
  add(of_tuning, greedy_tuned_claim, tuned, greedy);
  for (const auto& [name, depth, description] : rivals(layers))
    add(of_tuning, fmt::format("Both fine-tuned: greedy deepening against {}", description), tuned,
        last(name, depth, fine_tuned));
  add(of_tuning, "Both fine-tuned: the head kept against a new head in each stage", tuned,
      last(arm::fresh_head, layers, fine_tuned));
  add(of_tuning, "Greedy deepening, fine-tuned, against the same fine-tuning from random weights",
      tuned, last(arm::random_fine_tuned, layers));

  const auto by_depth = code_claims(codes, margin, arm::autoencoder);
  claims.insert(claims.end(), by_depth.begin(), by_depth.end());
  for (const auto& [variant, when] : code_tunings) {
    const auto code = [&](const char* extra) {
      return score_of(arm::autoencoder, codes - 1, codes, extra, "test");
    };
    add(of_autoencoder_tuning, tuning_claim(when, codes), code(variant), code(""));
  }
  return claims;
}

StudyReport::StudyReport(const ArmOptions& options, std::vector<Claim> claims,
                         std::vector<Arm> arms)
    : layers_(options.classifier.layers),
      autoencoder_layers_(options.autoencoder.layers),
      claims_(std::move(claims)),
      scope_(scope_of(options.data)),
      arms_(std::move(arms)) {}

report::Table StudyReport::table(const Plan&, const Results& results, const Curves&) const {
  report::Table table{{"arm", "layers", "epochs", "train accuracy", "test accuracy",
                       "fine-tuned: test", "collapsed", ""},
                      {}};
  for (const auto& one : arms_) {
    if (is_autoencoder(one)) continue;
    const auto& fit = last_fit(one);
    const auto layers = fit.info.layers;
    const ScoreOf score{of_variant(one.name, fit.info), "train", "accuracy"};
    auto test = score;
    test.split = "test";
    table.rows.push_back({one.name, layers > 0 ? fmt::format("{}", layers) : "",
                          fit.epochs > 0 ? fmt::format("{}", fit.epochs) : "",
                          mean_text(results, score), mean_text(results, test),
                          mean_text(results, last(one.name, layers, fine_tuned)),
                          collapsed_text(results, one, fit.info), one.description});
  }
  return table;
}

std::vector<std::string> StudyReport::lead(const Plan&, const Results& results) const {
  if (results.repeats.size() == 1) return {};
  std::vector<std::string> sentences;
  std::map<Verdict, std::vector<std::string>> others;
  for (const auto& one : judge(claims_, results)) {
    if (one.claim.family != of_greedy) continue;
    const std::string_view statement = one.claim.statement;
    if (statement == softmax_claim) {
      sentences.push_back(
          fmt::format("Does depth help on these data? {} layers, trained greedily, against "
                      "softmax regression, which has one: {} ({}).",
                      layers_, name_of(one.verdict), one.difference()));
    } else if (statement.starts_with(rival_beginning)) {
      constexpr std::string_view against = " against ";
      others[one.verdict].emplace_back(statement.substr(statement.find(against) + against.size()));
    }
  }
  std::vector<std::string> parts;
  for (const auto& [verdict, before] :
       {std::pair(Verdict::better, "better than "), std::pair(Verdict::worse, "worse than "),
        std::pair(Verdict::equivalent, "equivalent to "),
        std::pair(Verdict::undecided, "undecided against ")}) {
    if (const auto& names = others[verdict]; !names.empty())
      parts.push_back(fmt::format("{}{}", before, fmt::join(names, "; ")));
  }
  if (!parts.empty())
    sentences.push_back(
        fmt::format("Greedy deepening, on test rows, is {}.", fmt::join(parts, "; it is ")));
  return sentences;
}

std::vector<std::string> StudyReport::notes(const Plan&, const Results& results) const {
  std::vector<std::string> notes;
  int64_t diverged = 0;
  for (const auto& one : arms_) {
    if (is_autoencoder(one)) continue;
    Plan own = of_variant(one.name, one.plan);
    diverged += results.count(own, Trouble::diverged);
  }
  if (diverged > 0) {
    notes.push_back(fmt::format(
        "{} runs of supervised arms diverged; means are those of the others.", diverged));
  }
  return notes;
}

std::vector<SummaryLine> StudyReport::summary(const Plan&, const Results& results,
                                              const Comparison&) const {
  std::vector<SummaryLine> lines;
  for (const auto* name : {arm::greedy, arm::at_once, arm::softmax}) {
    const auto one =
        std::find_if(arms_.begin(), arms_.end(), [&](const Arm& a) { return a.name == name; });
    if (one == arms_.end()) continue;
    lines.push_back(
        {fmt::format("{}: test accuracy", one->description),
         {},
         mean_text(results, {of_variant(name, last_fit(*one).info), "test", "accuracy"})});
  }
  return lines;
}

std::vector<CaptionedFigure> StudyReport::figures(const Plan& plan, const Results& results,
                                                  const Curves&) const {
  static constexpr const char* colors[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                           "#56b4e9", "#e69f00", "#777777"};
  std::vector<report::Panel> panels;
  for (const auto* split : {"train", "test"}) {
    report::Panel panel;
    panel.x_label = "layers (hidden and output)";
    panel.y_label = fmt::format("{} accuracy", split);
    panel.whole_x = true;
    panel.y_format = "%.3f";
    size_t drawn = 0;
    for (const auto& one : arms_) {
      if (is_autoencoder(one)) continue;
      const auto color = [&] { return colors[drawn++ % std::size(colors)]; };
      const auto dash = static_cast<int>(drawn / std::size(colors)) + 1;
      if (one.name == arm::softmax || one.name == arm::bayes) {
        panel.series.push_back(level(results, one, split, layers_, color()));
      } else if (last_fit(one).info.layers > 2 && one.name != arm::random_fine_tuned) {
        panel.series.push_back(mean_line(results, one, split, "", color(), dash));
      }
      if (one.name == arm::greedy)
        panel.series.push_back(mean_line(results, one, split, probe, color(), 2));
    }
    if (!panel.series.empty()) panels.push_back(panel);
  }
  std::vector<CaptionedFigure> figures;
  if (!panels.empty()) {
    figures.push_back({report::Figure{"depth", panels, 900, 900},
                       "Mean accuracy against depth, by the way of training; the band is the 95% "
                       "interval of the mean of greedy deepening."});
  }
  const auto diagnosis = code_diagnosis(results, plan, arm::autoencoder);
  if (!diagnosis.empty()) figures.push_back(diagnosis_figure(diagnosis));
  return figures;
}

report::Section StudyReport::answer(const Results& results) const {
  const std::vector<Sentence> sentences{
      {"\"As the layers are increased, we can roughly see an increase in accuracy for the model on "
       "the training dataset, likely as it is beginning to overfit the data.\"",
       depth_claim(layers_, "train"), Verdict::better},
      {"\"We see a rough drop in classification accuracy on the test dataset, likely because of "
       "the overfitting.\"",
       depth_claim(layers_, "test"), Verdict::worse},
      {"\"Perhaps better test set performance after seven added layers.\"", depth_claim(9, "test"),
       Verdict::better},
      {"\"Allow all weights in the model to be fine tuned ... to see if this can further reduce "
       "generalization error.\"",
       greedy_tuned_claim, std::nullopt},
      {"\"Reconstruction error starts low, in fact near-perfect, then slowly increases during "
       "training.\"" +
           jumps(results),
       code_claim(5, 2, "reconstruction error"), Verdict::worse},
      {"\"Accuracy on the training dataset seems to decrease as layers are added to the encoder.\"",
       code_claim(5, 2, "train accuracy"), Verdict::worse},
      {"\"Accuracy test seems to improve as layers are added, at least until the model has five "
       "layers.\"",
       code_claim(5, 2, "test accuracy"), Verdict::better},
      {"\"After which performance appears to crash.\"",
       code_claim(autoencoder_layers_, 5, "test accuracy"), Verdict::worse},
      {"\"Whether fine tuning of all weights in the model prior ... fitting a classifier output "
       "layer improves performance.\"",
       tuning_claim("before", autoencoder_layers_), std::nullopt},
      {"\"Whether fine tuning of all weights in the model ... after fitting a classifier output "
       "layer improves performance.\"",
       tuning_claim("after", autoencoder_layers_), std::nullopt}};
  report::Section section{
      "The tutorial's sentences", {scope_}, {{"sentence", "answer", "claim", "numbers"}, {}}, true};
  const auto judged = judge(claims_, results);
  for (const auto& sentence : sentences) {
    for (const auto& one : judged) {
      if (one.claim.statement != sentence.claim) continue;
      section.table.rows.push_back(
          {sentence.text, answer_to(sentence, one.verdict), one.claim.statement, one.evidence()});
    }
  }
  return section;
}

report::Section StudyReport::prevention(const Results& results) const {
  report::Section section{
      "What prevents the crash",
      {fmt::format(
          "Autoencoders of {} layers. Shares of repeats have 95% intervals by Wilson. Alive: "
          "the code keeps two directions or more; accuracies are those of the repeats that "
          "did not diverge.",
          autoencoder_layers_)},
      {{"settings", "alive", "one direction", "dead", "diverged", "test accuracy"}, {}}};
  for (const auto& one : arms_) {
    if (!is_autoencoder(one)) continue;
    const auto info = of_variant(one.name, last_fit(one).info);
    std::vector<std::string> row{one.description};
    for (const auto kind : kinds) {
      row.push_back(percent(wilson_interval(results.count(info, kind),
                                            static_cast<int64_t>(results.repeats.size()))));
    }
    row.push_back(mean_text(results, {info, "test", "accuracy"}));
    section.table.rows.push_back(std::move(row));
  }
  return section;
}

std::vector<report::Section> StudyReport::sections(const Plan&, const Results& results,
                                                   const Curves&) const {
  std::vector<report::Section> sections;
  if (results.repeats.size() > 1) {
    if (auto judged = answer(results); !judged.table.rows.empty()) sections.push_back(judged);
  }
  if (auto table = prevention(results); !table.table.rows.empty()) sections.push_back(table);
  return sections;
}

}  // namespace layerwise::apps
