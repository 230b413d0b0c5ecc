#include "layerwise/data/class_names.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <system_error>

#include <torch/utils.h>

namespace layerwise {

std::optional<double> as_number(std::string_view text) {
  const auto not_blank = [](char c) { return c != ' ' && c != '\t'; };
  text.remove_prefix(
      static_cast<size_t>(std::find_if(text.begin(), text.end(), not_blank) - text.begin()));
  while (!text.empty() && !not_blank(text.back())) text.remove_suffix(1);
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  double value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && stop == text.data() + text.size();
  return whole && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

NumberedClasses numbered_classes(const std::vector<std::string>& labels) {
  auto classes = labels;
  const bool numbers = std::all_of(classes.begin(), classes.end(),
                                   [](const std::string& name) { return as_number(name); });
  const auto before = [=](const std::string& a, const std::string& b) {
    return numbers ? *as_number(a) < *as_number(b) : a < b;
  };
  std::sort(classes.begin(), classes.end(), before);
  const auto same = [&](const std::string& a, const std::string& b) { return !before(a, b); };
  classes.erase(std::unique(classes.begin(), classes.end(), same), classes.end());
  auto targets = torch::empty({static_cast<int64_t>(labels.size())}, torch::kInt64);
  std::transform(labels.begin(), labels.end(), targets.data_ptr<int64_t>(), [&](const auto& label) {
    return std::lower_bound(classes.begin(), classes.end(), label, before) - classes.begin();
  });
  return {classes, targets};
}

}  // namespace layerwise
