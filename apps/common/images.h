#pragma once

#include <cstdint>
#include <string>

#include "layerwise/data/mnist.h"

#include "common/options.h"

namespace layerwise::apps {

/// Sets of labeled images, as options. Another one needs a row in the table in images.cpp.
struct ImageData {
  std::string dataset = "mnist";
  std::string data_dir;
  bool in_color = false;  ///< whether sets of color images are a choice
  bool validates = true;  ///< whether the rows that validate are a choice
  int64_t validation = 5000;
  ValidationFrom validation_from = ValidationFrom::first;

  void add_to(CLI::App& app);
  /// The name of the data set for texts.
  std::string title() const;
  /// @throws report::Failure if the files are missing or damaged
  LabelledImages read() const;
  /// @throws UsageError if the validation rows leave none to train on
  void check(const LabelledImages& images) const;
  Split split(const LabelledImages& images) const;
};

}  // namespace layerwise::apps
