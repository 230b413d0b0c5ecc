#pragma once

#include <cstdint>

#include "layerwise/data/dataset.h"
#include "layerwise/random.h"

namespace layerwise {

/// Outlines of rectangles, wide or tall, after the data set "rectangles".
///
/// Inputs are images [rows, 28 x 28], float32: 0 is black, 1 is white. Each shows one rectangle,
/// whose outline is white and one pixel wide. Its target (int64) is 1 if it is tall (its height is
/// greater than its width), 0 if it is wide. Height and width are uniform in 1..28 pixels and are
/// drawn again while they differ by less than 3. The upper left corner is uniform among those at
/// which the rectangle fits in. Both targets have probability 1/2.
///
/// The images are drawn one after another from one stream. So fewer images are the first of more,
/// and a second call goes on where the first one ended.
///
/// Images may repeat: 17% of further images are expected to be among the first 10,000.
///
/// Not described where the data set was published: which target is 1, and the smallest side. Here a
/// side may be 1 pixel; the rectangle is a line then.
/// @throws std::invalid_argument if `rows` is not positive
/// @see Larochelle, Erhan, Courville, Bergstra and Bengio, "An empirical evaluation of deep
///   architectures on problems with many factors of variation", 2007, discrimination between tall
///   and wide rectangles
Dataset make_rectangles(int64_t rows, RandomState& random);

/// White regions, convex or not, after the data set "convex".
///
/// Inputs are images [rows, 28 x 28], float32: 0 is black, 1 is white. The target (int64) is 1 if
/// the set of white pixels is convex, else 0; it is drawn first, with probability 1/2. A set is
/// called convex if it contains each pixel whose center lies in the convex hull of its pixels'
/// centers; this is computed in whole numbers, without a tolerance.
///
/// - A convex set is an intersection of half-planes. Their number is geometric with p = 0.35, at
///   least 1. Each is bounded by a line through a uniform point of the image in a uniform
///   direction, and contains another uniform point, which all half-planes of the set share. Sets of
///   fewer than 19 pixels are drawn again.
/// - A set that is not convex is a union of 2, 3 or 4 sets (each with probability 1/3) as above,
/// but
///   with p = 0.07 and at least 10 pixels each. Unions that are convex are drawn again.
///
/// The images are drawn one after another from one stream, as those of `make_rectangles`.
///
/// Not as published: there, half-planes need not share a point, p is 0.195 for convex sets, and the
/// mean numbers of white pixels are said to be equal in both classes. With independent half-planes
/// and these parameters they are equal only if the number may be 0, and then a third of the convex
/// sets are all white. With at least one half-plane, convex sets have 40% fewer pixels than the
/// others, and that number alone tells 70% of the targets. Here the means are equal, and most
/// half-planes count. Not described there: which target is 1, and how convexity was tested. So
/// compare only the order of methods with published errors.
/// @throws std::invalid_argument if `rows` is not positive
/// @see Larochelle, Erhan, Courville, Bergstra and Bengio, "An empirical evaluation of deep
///   architectures on problems with many factors of variation", 2007, recognition of convex sets;
///   the data set's page, "ConvexNonConvex"
Dataset make_convex(int64_t rows, RandomState& random);

/// Smooth curves through three random points, after the data set "curves".
///
/// Inputs are images [rows, 28 x 28], float32 in [0, 1]: the ink of one curve about two pixels
/// wide. Six numbers determine each image, so that an autoencoder can have a code of 6. Targets
/// (int64) are 0.
///
/// The coordinates of the points lie in [2, 26], and each x is at least 2 greater than the one
/// before; they are uniform under these conditions. The curve is the natural cubic spline through
/// the points at the parameters 0, 1 and 2. Its ink, 2 units per pixel of length, is divided among
/// the four nearest pixels (bilinear interpolation), smoothed by the kernel [1 2 1] x [1 2 1] / 16
/// and clipped at 1.
///
/// The images are drawn one after another from one stream, as those of `make_rectangles`.
///
/// After the paper's short description, from memory; the parameters of the spline, the amount of
/// ink and the kernel are ours. So compare only the order of methods with published errors.
/// @throws std::invalid_argument if `rows` is not positive
/// @see Hinton and Salakhutdinov, "Reducing the dimensionality of data with neural networks", 2006,
///   and its supporting material; Nair and Hinton, "Inferring motor programs from images of
///   handwritten digits", 2005
Dataset make_curves(int64_t rows, RandomState& random);

}  // namespace layerwise
