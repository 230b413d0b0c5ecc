#include "layerwise/report/table.h"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>

namespace layerwise::report {

namespace {

bool is_last(size_t column, const Table& table) {
  return column + 1 == table.columns.size();
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
  std::string html = "<table>\n<tr>";
  for (const auto& column : columns) html += "<th>" + html_escaped(column) + "</th>";
  html += "</tr>\n";
  for (const auto& row : rows) {
    html += "<tr>";
    for (const auto& cell : row) html += "<td>" + html_escaped(cell) + "</td>";
    html += "</tr>\n";
  }
  return html + "</table>\n";
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

}  // namespace layerwise::report
