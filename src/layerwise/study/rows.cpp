#include "layerwise/study/rows.h"

#include <algorithm>
#include <sstream>

#include <fmt/format.h>

#include "layerwise/file.h"
#include "layerwise/report/failure.h"

namespace layerwise::study {

namespace {

constexpr auto not_whole = "the run cannot be resumed; start it anew in another folder (out)";

}  // namespace

std::vector<std::string> cut_at_commas(const std::string& text) {
  std::vector<std::string> items;
  for (size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(',', begin), text.size());
    items.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return items;
}

std::vector<std::vector<std::string>> read_rows(const std::filesystem::path& path,
                                                const std::string& header) {
  std::istringstream stream;
  try {
    stream.str(read_file(path));
  } catch (const FileError& error) {
    throw report::Failure(error.what(), not_whole);
  }
  std::string line;
  const auto text = stream.str();
  bool whole = !text.empty() && text.back() == '\n';
  std::getline(stream, line);
  const auto columns = cut_at_commas(header).size();
  std::vector<std::vector<std::string>> rows;
  whole = whole && line == header;
  while (whole && std::getline(stream, line)) {
    rows.push_back(cut_at_commas(line));
    whole = rows.back().size() == columns;
  }
  if (!whole) {
    throw report::Failure(fmt::format("'{}' is not as this program wrote it", path.string()),
                          not_whole);
  }
  return rows;
}

}  // namespace layerwise::study
