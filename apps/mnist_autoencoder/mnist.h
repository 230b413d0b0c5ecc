#pragma once

#include <cstdint>
#include <string>

#include "layerwise/data/mnist.h"

#include "common/options.h"

namespace layerwise::apps {

/// MNIST, Fashion-MNIST or data in the same files, as options. A data set of another format needs
/// its name in the table in mnist.cpp, and a case in `read`.
struct MnistData {
  std::string dataset = "mnist";
  std::string data_dir;
  int64_t validation = 5000;
  ValidationFrom validation_from = ValidationFrom::first;

  void add_to(CLI::App& app);
  /// The name of the data set for texts.
  std::string title() const;
  /// @throws report::Failure if the files are missing or damaged
  LabelledImages read() const;
  /// @throws report::Failure if the validation rows leave none to train on
  void check(const LabelledImages& images) const;
  Split split(const LabelledImages& images) const;
};

}  // namespace layerwise::apps
