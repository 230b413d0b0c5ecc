#pragma once

#include <string>
#include <vector>

namespace layerwise::report {

/// A table of texts, for a terminal and for a page.
struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<std::string>> rows;

  /// The columns padded to equal widths, all but the last aligned to the right; ends with a
  /// newline.
  std::string to_text() const;
  /// Row by row, each cell on its own lines after the name of its column; for long cells.
  std::string to_records(size_t width) const;
  /// Columns of numbers are aligned to the right; a last column without a name and text is left
  /// out.
  std::string to_html() const;
};

/// Breaks a paragraph at spaces into lines of at most `width` characters; longer words stay whole.
std::string wrapped(const std::string& text, size_t width);

/// Escapes the characters that have a meaning in HTML.
std::string html_escaped(const std::string& text);
/// The same for prose and numbers: `+-` between spaces becomes the sign.
std::string html_text(const std::string& text);

}  // namespace layerwise::report
