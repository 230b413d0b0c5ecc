#include "layerwise/study/published.h"

#include <charconv>
#include <cmath>
#include <string_view>
#include <utility>

namespace layerwise::study {

namespace {

constexpr std::string_view range_mark = " .. ";

double number(std::string_view text) {
  double value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

/// Half a unit of the last printed digit.
double rounding(std::string_view text) {
  const auto point = text.find('.');
  const auto digits = point == std::string_view::npos ? 0 : text.size() - point - 1;
  return 0.5 * std::pow(10.0, -static_cast<double>(digits));
}

}  // namespace

Published::Published(StageInfo info_, std::string split_, std::string metric_, std::string text_)
    : info(std::move(info_)),
      split(std::move(split_)),
      metric(std::move(metric_)),
      text(std::move(text_)) {
  const std::string_view whole = text;
  const auto middle = whole.find(range_mark);
  const auto first = whole.substr(0, middle);
  const auto last =
      middle == std::string_view::npos ? whole : whole.substr(middle + range_mark.size());
  low = number(first) - rounding(first);
  high = number(last) + rounding(last);
}

std::string published_cell(const std::vector<Published>& published, const StageInfo& info,
                           const std::string& split, const std::string& metric) {
  for (const auto& value : published) {
    if (value.info == info && value.split == split && value.metric == metric) return value.text;
  }
  return {};
}

}  // namespace layerwise::study
