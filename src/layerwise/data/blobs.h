#pragma once

#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include <torch/types.h>

#include "layerwise/data/dataset.h"

namespace layerwise {

/// The arguments of `make_blobs`, named and defaulted as in scikit-learn.
struct BlobsOptions {
  /// Points altogether (centres get equal shares, the first ones one more where it does not
  /// divide), or points of each centre.
  std::variant<int64_t, std::vector<int64_t>> samples = int64_t{100};
  /// How many centres to draw, or the centres themselves, [centers, features] float64. 0: three, or
  /// as many as there are counts in `samples`.
  std::variant<int64_t, torch::Tensor> centers = int64_t{0};
  /// Coordinates of a point; given centres decide it instead.
  int64_t features = 2;
  /// Standard deviation around each centre: one for all, or one a centre.
  std::vector<double> cluster_std = {1.0};
  /// Bounds of each coordinate of a drawn centre.
  std::pair<double, double> center_box = {-10.0, 10.0};
  bool shuffle = true;
  uint32_t random_state = 0;
};

/// Points and the centre that each belongs to.
struct LabelledPoints {
  torch::Tensor points;   ///< [samples, features], float64
  torch::Tensor labels;   ///< [samples], int64
  torch::Tensor centers;  ///< [centers, features], float64
};

/// Isotropic Gaussian blobs, bit for bit those of scikit-learn's `make_blobs`.
///
/// Points are drawn centre by centre and then shuffled together, all from one
/// `RandomState(random_state)`.
/// @throws std::invalid_argument naming the option, if there would be no point or no feature, a
/// count is negative, a standard deviation negative or not
///   finite, a bound not finite, or lengths do not match
/// @see scikit-learn, sklearn/datasets/_samples_generator.py
LabelledPoints make_blobs(const BlobsOptions& options);

/// The points as training data: inputs rounded to float32, the labels as targets.
Dataset to_dataset(const LabelledPoints& blobs);

}  // namespace layerwise
