#include "layerwise/report/table.h"

#include <algorithm>
#include <sstream>
#include <string_view>

#include <fmt/format.h>

namespace layerwise::report {

namespace {

bool is_last(size_t column, const Table& table) {
  return column + 1 == table.columns.size();
}

/// Whether a cell holds numbers and what stands around them, as `0.82 +- 0.01` and `[-1, 2]`.
bool looks_like_number(const std::string& cell) {
  return cell.find_first_of("0123456789") != std::string::npos
             ? cell.find_first_not_of("0123456789 .,+-[]()%e\u00b1") == std::string::npos
             : cell == "nan";
}

/// Whether all cells of a column are numbers or empty.
bool is_number(size_t column, const Table& table) {
  return std::all_of(table.rows.begin(), table.rows.end(), [&](const auto& row) {
    return row.at(column).empty() || looks_like_number(row.at(column));
  });
}

/// Whether no cell of a column needs more than one line.
bool is_short(size_t column, const Table& table) {
  constexpr size_t longest = 28;
  return std::all_of(table.rows.begin(), table.rows.end(),
                     [&](const auto& row) { return row.at(column).size() <= longest; });
}

/// The HTML attribute that says how the cells of a column are shown.
const char* class_of(size_t column, const Table& table) {
  if (is_number(column, table)) return " class=\"number\"";
  return is_short(column, table) ? " class=\"short\"" : "";
}

/// The number of columns without a last one that has neither a name nor text.
size_t shown_columns(const Table& table) {
  if (table.columns.empty() || !table.columns.back().empty()) return table.columns.size();
  const bool blank = std::all_of(table.rows.begin(), table.rows.end(),
                                 [](const auto& row) { return row.back().empty(); });
  return table.columns.size() - (blank ? 1 : 0);
}

}  // namespace

std::string Table::to_text() const {
  std::vector<size_t> widths;
  for (size_t c = 0; c < columns.size(); ++c) {
    widths.push_back(columns[c].size());
    for (const auto& row : rows) widths[c] = std::max(widths[c], row.at(c).size());
  }
  std::string text;
  const auto add = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (size_t c = 0; c < columns.size(); ++c) {
      if (c > 0) line += "  ";
      line += is_last(c, *this) ? cells[c] : fmt::format("{:>{}}", cells[c], widths[c]);
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  };
  add(columns);
  for (const auto& row : rows) add(row);
  return text;
}

std::string Table::to_records(size_t width) const {
  size_t margin = 0;
  for (const auto& column : columns) margin = std::max(margin, column.size() + 2);
  std::string text;
  for (const auto& row : rows) {
    text += "\n";
    for (size_t c = 0; c < columns.size(); ++c) {
      std::istringstream lines(wrapped(row.at(c), width - margin));
      bool first = true;
      for (std::string line; std::getline(lines, line); first = false)
        text += fmt::format("{:<{}}{}\n", first ? columns[c] : "", margin, line);
    }
  }
  return text;
}

std::string Table::to_html() const {
  const auto shown = shown_columns(*this);
  std::vector<std::string> kinds;
  for (size_t c = 0; c < shown; ++c) kinds.emplace_back(class_of(c, *this));
  std::string html = "<table>\n<thead>\n<tr>";
  for (size_t c = 0; c < shown; ++c) {
    html += fmt::format("<th scope=\"col\"{}>{}</th>", kinds[c],
                        columns[c].empty() ? "<span class=\"hidden\">about this row</span>"
                                           : html_text(columns[c]));
  }
  html += "</tr>\n</thead>\n<tbody>\n";
  for (const auto& row : rows) {
    html += "<tr>";
    for (size_t c = 0; c < shown; ++c)
      html += fmt::format("<td{}>{}</td>", kinds[c], html_text(row.at(c)));
    html += "</tr>\n";
  }
  return html + "</tbody>\n</table>\n";
}

std::string wrapped(const std::string& text, size_t width) {
  std::istringstream words(text);
  std::string result;
  size_t line = 0;
  for (std::string word; words >> word;) {
    const bool fits = line == 0 || line + 1 + word.size() <= width;
    if (line > 0) result += fits ? ' ' : '\n';
    result += word;
    line = fits && line > 0 ? line + 1 + word.size() : word.size();
  }
  return result;
}

std::string html_escaped(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string html_text(const std::string& text) {
  constexpr std::string_view sign = " +- ";
  auto html = html_escaped(text);
  for (auto place = html.find(sign); place != std::string::npos; place = html.find(sign, place))
    html.replace(place, sign.size(), " \u00b1 ");
  return html;
}

}  // namespace layerwise::report
