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
  bool sentences = false;  ///< the table's cells are long
};

/// A page that a person opens: what was run, its table, its plots.
struct Page {
  std::string title;
  std::string command;
  std::vector<std::string> paragraphs;
  Table table;
  std::vector<std::pair<std::string, std::string>>
      figures;  ///< (file name in the same folder, caption)
  std::vector<Section> sections = {};
};

void write_page(const Page& page, const std::filesystem::path& path);

}  // namespace layerwise::report
