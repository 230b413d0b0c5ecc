#pragma once

#include <string>
#include <vector>

namespace layerwise::report {

/// A table of texts, for a terminal and for a page.
struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;

  /// Columns padded to the same width, numbers to the right, ending with a newline.
  std::string to_text() const;
  /// Row by row, each cell on lines of its own behind its column's name: for long cells.
  std::string to_records(size_t width) const;
  std::string to_html() const;
};

/// Breaks a paragraph at spaces into lines of at most `width` characters, where words allow.
std::string wrapped(const std::string& text, size_t width);

/// Replaces what HTML would take for markup.
std::string html_escaped(const std::string& text);

}  // namespace layerwise::report
