#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <torch/types.h>

namespace layerwise {

/// The number that a text is; blanks around it, and a plus sign, are skipped. None if it is no
/// number, or no finite one.
std::optional<double> as_number(std::string_view text);

/// Classes by name, and the number of each sample's class.
struct NumberedClasses {
  std::vector<std::string> names;  ///< of classes 0, 1, ...
  torch::Tensor targets;           ///< [samples] int64
};

/// Numbers classes in the order of their names: numerically if all names are numbers, else as
/// texts. Names of the same number are one class.
/// @param labels the name of each sample's class
NumberedClasses numbered_classes(const std::vector<std::string>& labels);

}  // namespace layerwise
