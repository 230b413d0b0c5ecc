#pragma once

#include <cstdint>
#include <string>

#include "layerwise/data/mnist.h"

#include "common/program.h"

namespace layerwise::apps {

/// MNIST, Fashion-MNIST or data of the same files, as options.
struct MnistData {
  std::string dataset = "mnist";
  std::string data_dir;
  int64_t validation = 5000;
  std::string validation_from = "first";

  void add_to(CLI::App& app);
  /// @throws report::Failure if the files are missing or damaged
  LabelledImages read() const;
  /// @throws report::Failure if the validation rows leave none to train on
  void check(const LabelledImages& images) const;
  Split split(const LabelledImages& images) const;
};

}  // namespace layerwise::apps
