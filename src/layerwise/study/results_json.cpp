#include "layerwise/study/results_json.h"

#include <string_view>

#include <nlohmann/json.hpp>

#include "layerwise/study/claims.h"
#include "layerwise/study/statistics.h"

namespace layerwise::study {

namespace {

using nlohmann::ordered_json;

ordered_json score_json(const Study& study, const Results& results, const StageInfo& info,
                        const std::string& split, const std::string& metric) {
  const auto values = results.values(info, split, metric);
  ordered_json json{{"split", split}, {"metric", metric}, {"values", values}};
  const auto spread = spread_of(values);
  if (spread.count > 0) json["mean"] = spread.mean;
  if (spread.count > 1) {
    const auto interval = mean_interval(values);
    json["interval_95"] = {interval.low, interval.high};
    json["standard_deviation"] = spread.sd;
  }
  if (spread.not_finite > 0) json["finite"] = spread.count;
  const auto quantile_json = [&](double p) {
    return quantile_with_failures(values, p, higher_is_better(metric));
  };
  if (values.size() > 1) {
    json["median"] = quantile_json(0.5);
    json["range_95"] = {quantile_json(0.025), quantile_json(0.975)};
  }
  for (const auto& value : study.published.values) {
    if (value.info == info && value.split == split && value.metric == metric)
      json["published"] = value.text;
  }
  return json;
}

ordered_json proportion_json(int64_t count, const Results& results) {
  const auto share = wilson_interval(count, static_cast<int64_t>(results.repeats.size()));
  return {{"count", count}, {"interval_95", {share.low, share.high}}};
}

ordered_json fit_json(const Study& study, const Results& results, const PlannedFit& fit) {
  const auto& info = fit.info;
  ordered_json json{{"stage", info.stage}, {"task", name_of(info.task)}};
  if (info.layers > 0) json["layers"] = info.layers;
  if (!info.variant.empty()) json["variant"] = info.variant;
  if (info.labels > 0) json["labels"] = info.labels;
  for (const auto trouble : {Trouble::diverged, Trouble::collapsed, Trouble::not_reached}) {
    if (const auto count = results.count({fit}, trouble))
      json["troubles"][name_of(trouble)] = proportion_json(count, results);
  }
  for (const auto kind : kinds) {
    if (!results.kind(0, info)) break;
    json["kinds"][name_of(kind)] = proportion_json(results.count(info, kind), results);
  }
  for (const auto& [split, metric] : fit.scores) {
    if (results.has(info, split, metric))
      json["scores"].push_back(score_json(study, results, info, split, metric));
  }
  return json;
}

ordered_json claim_json(const JudgedClaim& judged) {
  const auto& [claim, test, family_size, verdict] = judged;
  return {{"claim", claim.statement},
          {"verdict", name_of(verdict)},
          {"evidence", judged.evidence()},
          {"margin", claim.margin},
          {"difference", test.difference.mean},
          {"interval_95", {test.difference.low, test.difference.high}},
          {"pairs", test.difference.count},
          {"pairs_without_a_value", test.missing},
          {"p_difference", test.p_difference},
          {"p_equivalence", test.p_equivalence},
          {"family", claim.family},
          {"claims_in_family", family_size}};
}

ordered_json placed_json(const PlacedValue& placed) {
  const auto& value = placed.value;
  ordered_json json{{"stage", value.info.stage},
                    {"split", value.split},
                    {"metric", value.metric},
                    {"published", value.text},
                    {"repeats", placed.of_kind.count},
                    {"median", placed.median},
                    {"range_95", {placed.low, placed.high}},
                    {"percentile", placed.percentile},
                    {"within", placed.inside},
                    {"excludes_nothing", placed.excludes_nothing}};
  if (!value.info.variant.empty()) json["variant"] = value.info.variant;
  if (value.kind) json["kind"] = name_of(*value.kind);
  return json;
}

/// What each number is.
ordered_json estimators() {
  return {
      {"mean", "arithmetic mean of the finite values"},
      {"interval_95", "of a mean: Student's t; of a count: Wilson's score interval"},
      {"standard_deviation", "of the sample: divided by n - 1"},
      {"median", "of all repeats, those without a finite value ranked worst (null: among them)"},
      {"range_95", "2.5% and 97.5% quantiles, interpolated linearly, ranked as for the median"},
      {"p_difference", "paired t-test, two-sided, corrected by Holm's method in its family"},
      {"p_equivalence", "two one-sided paired t-tests with .025 each, corrected likewise"},
      {"percentile", "rank of the published value among the repeats of its kind, ties half"}};
}

/// A pretty text in which a list of numbers stands on one line.
std::string with_short_lists(const std::string& text) {
  constexpr std::string_view number_begins = "-0123456789n";
  std::string shorter;
  bool in_string = false;
  bool in_list = false;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"' && text[i - 1] != '\\') in_string = !in_string;
    if (!in_string && text[i] == '[')
      in_list = number_begins.find(text[text.find_first_not_of(" \n", i + 1)]) != std::string::npos;
    if (!in_string && text[i] == ']') in_list = false;
    const bool space = text[i] == ' ' || text[i] == '\n';
    if (!in_list || !space) shorter += text[i];
  }
  return shorter;
}

/// The text of a value that begins at this column.
std::string text_of(const ordered_json& json, size_t column) {
  std::string text;
  const auto pretty = json.dump(1, ' ', false, ordered_json::error_handler_t::replace);
  for (const char c : with_short_lists(pretty)) {
    text += c;
    if (c == '\n') text.append(column, ' ');
  }
  return text;
}

}  // namespace

Pieces results_json(const Study& study, const Settings& settings, const Results& results) {
  ordered_json json{{"title", study.title},
                    {"seed", settings.seed},
                    {"repeats", settings.repeats},
                    {"published_values_comparable", results.comparable}};
  if (study.published.values.empty()) json.erase("published_values_comparable");
  if (settings.first_repeat > 0) json["first_repeat"] = settings.first_repeat;
  for (const auto& line : study.report->summary(study.plan, results, study.published)) {
    json["summary"].push_back(
        {{"what", line.what}, {"published", line.published}, {"here", line.here}});
  }
  if (results.repeats.size() > 1) {
    for (const auto& judged : judge(study.claims, results))
      json["verdicts"].push_back(claim_json(judged));
    if (study.published.changed.empty()) {
      for (const auto& placed : place(study.published, results))
        json["published"].push_back(placed_json(placed));
    }
    json["estimators"] = estimators();
  }
  return [json, &study, &results](const auto& add) {
    auto beginning = text_of(json, 0);
    beginning.resize(beginning.size() - 2);  // without the end of the object
    add(beginning + ",\n \"fits\": [");
    for (size_t i = 0; i < study.plan.size(); ++i)
      add((i > 0 ? ",\n  " : "\n  ") + text_of(fit_json(study, results, study.plan[i]), 2));
    add("\n ]\n}\n");
  };
}

}  // namespace layerwise::study
