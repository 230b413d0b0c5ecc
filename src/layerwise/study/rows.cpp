#include "layerwise/study/rows.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>

#include <fmt/format.h>

#include "layerwise/report/failure.h"

namespace layerwise::study {

namespace {

constexpr auto not_whole = "the run cannot be resumed; start it anew in another folder (out)";

/// Cuts a line at its commas; returns the number of fields.
size_t fields_of(std::string_view line, Fields& fields) {
  fields.clear();
  for (size_t begin = 0; begin <= line.size();) {
    const auto end = std::min(line.find(',', begin), line.size());
    fields.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return fields.size();
}

}  // namespace

double as_written(double value) {
  return std::strtod(fmt::format("{:.9g}", value).c_str(), nullptr);
}

std::vector<std::string> cut_at_commas(const std::string& text) {
  Fields items;
  fields_of(text, items);
  return {items.begin(), items.end()};
}

void for_each_row(const std::filesystem::path& path, const std::string& header, LastRow last_row,
                  const std::function<void(const Fields&)>& take) {
  std::error_code ignored;
  const bool regular = std::filesystem::is_regular_file(path, ignored);
  std::ifstream file(path);
  if (!regular || !file) {
    const auto* why = ignored ? std::strerror(ignored.value()) : "it is no file that can be read";
    throw report::Failure(fmt::format("cannot read '{}': {}", path.string(), why), not_whole);
  }
  std::string line;
  Fields fields;
  const auto columns = fields_of(header, fields);
  const auto next = [&] { return std::getline(file, line) && !file.eof(); };
  bool whole = next() && line == header;
  while (whole && next()) {
    whole = fields_of(line, fields) == columns;
    if (whole) take(fields);
  }
  const bool cut = whole && !line.empty();
  if (!whole || file.bad() || (cut && last_row == LastRow::whole)) {
    throw report::Failure(fmt::format("'{}' is not as this program wrote it", path.string()),
                          not_whole);
  }
}

std::vector<std::vector<std::string>> read_rows(const std::filesystem::path& path,
                                                const std::string& header, LastRow last_row) {
  std::vector<std::vector<std::string>> rows;
  for_each_row(path, header, last_row,
               [&](const Fields& fields) { rows.emplace_back(fields.begin(), fields.end()); });
  return rows;
}

}  // namespace layerwise::study
