#include "layerwise/study/results_json.h"

#include <nlohmann/json.hpp>

#include "layerwise/report/statistics.h"

namespace layerwise::study {

namespace {

using nlohmann::ordered_json;

ordered_json score_json(const Study& study, const Results& results, const StageInfo& info,
                        const std::string& split, const std::string& metric) {
  const auto values = results.values(info, split, metric);
  ordered_json json{{"split", split}, {"metric", metric}, {"values", values}};
  const auto spread = report::spread_of(values);
  if (spread.count > 0) json["mean"] = spread.mean;
  if (spread.count > 1) {
    const auto interval = report::mean_interval(values);
    json["interval_95"] = {interval.low, interval.high};
    json["standard_deviation"] = spread.sd;
  }
  for (const auto& value : study.published.values) {
    if (value.info == info && value.split == split && value.metric == metric)
      json["published"] = value.text;
  }
  return json;
}

ordered_json fit_json(const Study& study, const Results& results, const PlannedFit& fit) {
  const auto& info = fit.info;
  ordered_json json{{"stage", info.stage}, {"task", name_of(info.task)}};
  if (info.layers > 0) json["layers"] = info.layers;
  if (!info.variant.empty()) json["variant"] = info.variant;
  if (info.labels > 0) json["labels"] = info.labels;
  for (const auto trouble : {Trouble::diverged, Trouble::collapsed, Trouble::not_reached}) {
    if (const auto count = results.count({fit}, trouble))
      json["troubles"][name_of(trouble)] = count;
  }
  for (const auto& [split, metric] : fit.scores) {
    if (results.has(info, split, metric))
      json["scores"].push_back(score_json(study, results, info, split, metric));
  }
  return json;
}

}  // namespace

std::string results_json(const Study& study, const Settings& settings, const Results& results) {
  ordered_json json{{"title", study.title},
                    {"seed", settings.seed},
                    {"repeats", settings.repeats},
                    {"published_values_comparable", results.comparable}};
  if (study.published.values.empty()) json.erase("published_values_comparable");
  if (settings.first_repeat > 0) json["first_repeat"] = settings.first_repeat;
  for (const auto& fit : study.plan) json["fits"].push_back(fit_json(study, results, fit));
  return json.dump(1, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace layerwise::study
