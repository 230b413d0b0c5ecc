#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "layerwise/data/dataset.h"

namespace layerwise {

struct CsvOptions {
  std::string label = {};  ///< the column that holds the class; empty if there is none
  char separator = ',';
};

/// The content of a CSV file.
struct CsvData {
  Dataset data;  ///< inputs [rows, features] float32; targets [rows] int64, undefined without label
  std::vector<std::string> features;  ///< names of the columns that are inputs, in their order
  std::vector<std::string> classes;   ///< names of classes 0, 1, ... in the file
};

/// Reads a table of numbers whose first line names its columns: RFC 4180, with or without quotation
/// marks around fields.
///
/// Classes are numbered in the order of their names: numerically if all names are numbers, else as
/// texts.
/// @throws FileError naming line and column, if the file cannot be read, has no row, a row is
///   longer or shorter than the first line, two columns have the same name, a quotation mark is not
///   closed, a value is not a finite number, a label is missing, no column has the name of the
///   label, or there is no other column
CsvData read_csv(const std::filesystem::path& path, const CsvOptions& options = {});

}  // namespace layerwise
