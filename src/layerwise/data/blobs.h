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
  /// Total number of points (centers get equal shares; the first ones get one more if the number is
  /// not divisible), or the number of points of each center.
  std::variant<int64_t, std::vector<int64_t>> samples = int64_t{100};
  /// Number of centers to draw, or the centers themselves, [centers, features] float64. 0: three,
  /// or as many as there are counts in `samples`.
  std::variant<int64_t, torch::Tensor> centers = int64_t{0};
  /// Number of coordinates of a point; ignored if centers are given.
  int64_t features = 2;
  /// Standard deviation around each center: one for all, or one per center.
  std::vector<double> cluster_std = {1.0};
  /// Bounds of each coordinate of a drawn center.
  std::pair<double, double> center_box = {-10.0, 10.0};
  bool shuffle = true;
  uint32_t random_state = 0;
};

/// Points and the center that each belongs to.
struct LabelledPoints {
  torch::Tensor points;   ///< [samples, features], float64
  torch::Tensor labels;   ///< [samples], int64
  torch::Tensor centers;  ///< [centers, features], float64
};

/// Isotropic Gaussian blobs, equal bit for bit to those of scikit-learn's `make_blobs`.
///
/// Points are drawn center by center and then shuffled together, all from one
/// `RandomState(random_state)`.
/// @throws std::invalid_argument naming the option, if there would be no point or no feature, a
///   count is negative, a standard deviation is negative or not finite, a bound is not finite, or
///   lengths do not match
/// @see scikit-learn, sklearn/datasets/_samples_generator.py
LabelledPoints make_blobs(const BlobsOptions& options);

/// The points as training data: inputs rounded to float32, the labels as targets.
Dataset to_dataset(const LabelledPoints& blobs);

}  // namespace layerwise
