#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "layerwise/report/table.h"

namespace layerwise::report {

/// A part of a page under a heading.
struct Section {
  std::string title;
  std::vector<std::string> paragraphs;
  Table table = {};
  bool sentences = false;  ///< whether the cells of the table are sentences
};

/// An HTML page about a run: its command, notes, table and plots.
struct Page {
  std::string title;
  std::string command;
  std::vector<std::string> paragraphs;
  Table table;
  /// (File name in the same folder, caption) of each figure.
  std::vector<std::pair<std::string, std::string>> figures;
  std::vector<Section> sections = {};
};

void write_page(const Page& page, const std::filesystem::path& path);

}  // namespace layerwise::report
