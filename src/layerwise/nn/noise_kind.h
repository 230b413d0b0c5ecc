#pragma once

namespace layerwise {

/// The kind of a corruption, for engines that corrupt without its function.
enum class NoiseKind {
  other,  ///< known only to its function
  gaussian,
  masking,
  dropout,
  salt_and_pepper,
};

}  // namespace layerwise
