#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace layerwise {

/// A random number generator that equals NumPy's legacy `numpy.random.RandomState`, draw for draw
/// and bit for bit.
///
/// Weights, sample orders and subsets are drawn from it, so that a run can be reproduced in NumPy
/// from its seed. The generator is MT19937. Its words are converted as in NumPy's legacy (frozen)
/// stream: doubles of 53 bits, the polar Gauss method that caches its second value, and indices by
/// masked rejection.
/// @see Matsumoto and Nishimura, "Mersenne Twister", 1998; numpy/random/mtrand.pyx and src/legacy
class RandomState {
 public:
  /// Same as `RandomState(seed)` in NumPy.
  explicit RandomState(uint32_t seed);
  /// Same as `RandomState([...])` in NumPy, which seeds by array.
  /// @throws std::invalid_argument if `seed` is empty
  explicit RandomState(std::span<const uint32_t> seed);

  /// The next 32-bit word of the generator.
  uint32_t next_uint32();
  /// Uniform in [0, 1) with 53 random bits, as `random_sample()`.
  double random_sample();
  /// Uniform in [low, high), as `uniform(low, high)`.
  double uniform(double low, double high);
  /// Gaussian, as `normal(loc, scale)`; `scale` may be 0.
  double normal(double loc, double scale);
  /// Uniform among 0, 1, ..., max (inclusive), by masked rejection; draws nothing if `max` is 0.
  uint32_t interval(uint32_t max);
  /// The numbers 0..n-1 in random order, as `permutation(n)`.
  /// @throws std::invalid_argument if n is negative or above 2^32
  std::vector<int64_t> permutation(int64_t n);
  /// `count` batches, concatenated. Each is an independent random subset of the rows 0..n-1.
  ///
  /// Each batch is the beginning of a Fisher-Yates shuffle of 0..n-1 from the front: for i < batch,
  /// swap values i and `randint(i, n)`.
  /// @throws std::invalid_argument if `batch` is not within 1..n or `count` is negative
  std::vector<int64_t> independent_batches(int64_t n, int64_t batch, int64_t count);
  /// A Fisher-Yates shuffle from the end, as `shuffle(values)`.
  void shuffle(std::span<int64_t> values);

  /// The state of the stream as text: the key, position and cached Gaussian of NumPy's
  /// `get_state()`.
  std::string to_text() const;
  /// A stream that continues from such a state.
  /// @throws std::invalid_argument if `text` was not written by `to_text`
  static RandomState from_text(const std::string& text);

 private:
  static constexpr size_t words = 624;

  void refill();
  void temper();

  uint32_t state_[words];
  uint32_t output_[words];  // computed from the state, in the order of the draws
  size_t position_ = words;
  double gauss_ = 0;
  bool has_gauss_ = false;
};

/// The seed and the repeat that noise belongs to; see `Corruption`.
struct NoiseKey {
  uint32_t seed = 0;
  uint32_t repeat = 0;
};

/// The three random streams of one repeat of an experiment: `RandomState([seed, repeat, purpose])`,
/// purpose 0, 1, 2.
///
/// The streams are passed explicitly and continue from stage to stage. Copying a `Random` copies
/// its state, so that two variants of a comparison can start from the same random numbers.
struct Random {
  Random(uint32_t seed, uint32_t repeat);

  /// Weights, layer by layer in the order in which the layers are created.
  RandomState initialization;
  RandomState order;    ///< the order of the samples, one permutation per epoch
  RandomState subsets;  ///< label subsets and independent batches
  NoiseKey noise;       ///< key of the counter-based noise, which is not drawn from a stream

  /// The states of the three streams as text, for `restore`.
  std::string to_text() const;
  /// Restores the streams from the text of `to_text`; `noise` does not change.
  /// @throws std::invalid_argument if `text` was not written by `to_text`
  void restore(const std::string& text);
};

}  // namespace layerwise
