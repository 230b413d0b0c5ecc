#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "layerwise/data/dataset.h"

namespace layerwise {

struct CsvOptions {
  std::string label = {};  ///< the column that holds the class; empty: there is none
  char separator = ',';
};

/// What a table holds.
struct CsvData {
  Dataset data;  ///< inputs [rows, features] float32; targets [rows] int64, undefined without label
  std::vector<std::string> features;  ///< names of the columns that are inputs, in their order
  std::vector<std::string> classes;   ///< what the file calls classes 0, 1, ...
};

/// Reads a table of numbers whose first line names its columns: RFC 4180, fields quoted or not.
///
/// Classes are numbered in the order of their names: as numbers if all are numbers, else as texts.
/// @throws FileError naming line and column, if the file cannot be read, has no row, a row is
///   longer or shorter than the first line, two columns have one name, a quotation mark is not
///   closed, a value is no finite number, a label is missing, or no column is called so
CsvData read_csv(const std::filesystem::path& path, const CsvOptions& options = {});

}  // namespace layerwise
