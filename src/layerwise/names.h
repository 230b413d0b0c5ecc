#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

/// Names of enumeration values in options, files and messages. `names` is an array of pairs (value,
/// name).
namespace layerwise::names {

template <typename Names>
std::vector<std::string> all(const Names& names) {
  std::vector<std::string> found;
  for (const auto& [_, name] : names) found.emplace_back(name);
  return found;
}

/// @throws std::invalid_argument listing the names, if `wanted` is none of them
template <typename Names>
auto value(const Names& names, const char* what, const std::string& wanted) {
  for (const auto& [value, name] : names) {
    if (wanted == name) return value;
  }
  throw std::invalid_argument(
      fmt::format("{} '{}' is none of {}", what, wanted, fmt::join(all(names), ", ")));
}

template <typename Names, typename Value>
const char* of(const Names& names, Value wanted) {
  for (const auto& [value, name] : names) {
    if (value == wanted) return name;
  }
  return "unknown";
}

}  // namespace layerwise::names
