#include "layerwise/data/csv.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <torch/utils.h>

#include "layerwise/data/class_names.h"
#include "layerwise/file.h"

namespace layerwise {

namespace {

struct Unclosed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Record {
  int64_t line = 0;  // where it begins, from 1
  std::vector<std::string> fields;
};

/// Splits a text into records. Empty lines are skipped.
class Reader {
 public:
  Reader(std::string_view text, char separator) : text_(text), separator_(separator) {
    constexpr std::string_view byte_order_mark = "\xef\xbb\xbf";
    if (text_.starts_with(byte_order_mark)) place_ = byte_order_mark.size();
  }

  std::optional<Record> next() {
    while (at_end_of_line()) take_end_of_line();
    if (place_ >= text_.size()) return std::nullopt;
    Record record{line_, {}};
    do {
      record.fields.push_back(field());
    } while (taken(separator_));
    take_end_of_line();
    return record;
  }

 private:
  bool at(char c) const { return place_ < text_.size() && text_[place_] == c; }
  bool at_end_of_line() const { return at('\n') || at('\r'); }
  bool taken(char c) {
    if (!at(c)) return false;
    ++place_;
    return true;
  }
  void take_end_of_line() {
    const bool carriage_return = taken('\r');
    if (taken('\n') || carriage_return) ++line_;
  }
  std::string field() {
    std::string value;
    if (taken('"')) value = quoted();
    while (place_ < text_.size() && !at(separator_) && !at_end_of_line()) value += text_[place_++];
    return value;
  }
  /// The text up to the closing quotation mark; two quotation marks stand for one.
  std::string quoted() {
    std::string value;
    const auto begin = line_;
    while (place_ < text_.size()) {
      const char c = text_[place_++];
      if (c == '"' && !taken('"')) return value;
      line_ += c == '\n';
      value += c;
    }
    throw Unclosed(fmt::format("line {}: a quotation mark is not closed", begin));
  }

  std::string_view text_;
  char separator_;
  size_t place_ = 0;
  int64_t line_ = 1;
};

CsvData table_of(const std::string& text, const std::filesystem::path& path,
                 const CsvOptions& options) {
  Reader reader(text, options.separator);
  const auto fail = [&](int64_t line, const std::string& what) {
    throw FileError(fmt::format("'{}', line {}: {}", path.string(), line, what), 0,
                    "mend that line of the table, or name another column or file");
  };
  const auto header = reader.next();
  if (!header) throw FileError(fmt::format("'{}' is empty", path.string()));
  const auto& columns = header->fields;
  for (size_t i = 0; i < columns.size(); ++i) {
    if (std::find(columns.begin(), columns.begin() + static_cast<std::ptrdiff_t>(i), columns[i]) !=
        columns.begin() + static_cast<std::ptrdiff_t>(i))
      fail(header->line, fmt::format("two columns are called '{}'", columns[i]));
  }
  const auto label = std::find(columns.begin(), columns.end(), options.label);
  if (!options.label.empty() && label == columns.end()) {
    fail(header->line,
         fmt::format("no column '{}' among {}", options.label, fmt::join(columns, ", ")));
  }
  const auto label_column = static_cast<size_t>(label - columns.begin());

  CsvData table;
  std::vector<float> values;
  std::vector<std::string> labels;
  int64_t rows = 0;
  while (const auto record = reader.next()) {
    const auto& fields = record->fields;
    if (fields.size() != columns.size()) {
      fail(record->line, fmt::format("{} values, expected {} as in the first line", fields.size(),
                                     columns.size()));
    }
    for (size_t column = 0; column < fields.size(); ++column) {
      if (!options.label.empty() && column == label_column) {
        if (fields[column].empty())
          fail(record->line, fmt::format("column '{}' is empty", columns[column]));
        labels.push_back(fields[column]);
        continue;
      }
      const auto value = as_number(fields[column]);
      const auto rounded = static_cast<float>(value.value_or(0));
      if (!value || !std::isfinite(rounded)) {
        fail(record->line,
             fmt::format("column '{}': '{}' is no finite number", columns[column], fields[column]));
      }
      values.push_back(rounded);
    }
    ++rows;
  }
  if (rows == 0)
    throw FileError(fmt::format("'{}' has no row below its first line", path.string()));

  for (size_t column = 0; column < columns.size(); ++column) {
    if (options.label.empty() || column != label_column) table.features.push_back(columns[column]);
  }
  const auto width = static_cast<int64_t>(table.features.size());
  if (width == 0) fail(header->line, "no column but the label");
  table.data.inputs = torch::tensor(values).view({rows, width});
  if (!options.label.empty()) {
    auto numbered = numbered_classes(labels);
    table.classes = std::move(numbered.names);
    table.data.targets = numbered.targets;
  }
  return table;
}

}  // namespace

CsvData read_csv(const std::filesystem::path& path, const CsvOptions& options) {
  const auto text = read_file(path);
  try {
    return table_of(text, path, options);
  } catch (const Unclosed& error) {
    throw FileError(fmt::format("'{}', {}", path.string(), error.what()));
  }
}

}  // namespace layerwise
