#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace layerwise {

/// Random numbers equal, draw for draw and bit for bit, to NumPy's legacy
/// `numpy.random.RandomState`.
///
/// Every random number of a run comes from here, so that a run can be repeated in NumPy from its
/// seed. The generator is MT19937; what is made of its words follows NumPy's legacy (frozen)
/// stream: doubles of 53 bits, the polar Gauss method that keeps its second value, and indices by
/// masked rejection.
/// @see Matsumoto and Nishimura, "Mersenne Twister", 1998; numpy/random/mtrand.pyx and src/legacy
class RandomState {
 public:
  /// As `RandomState(seed)`.
  explicit RandomState(uint32_t seed);
  /// As `RandomState([...])`, seeding by array.
  /// @throws std::invalid_argument if `seed` is empty
  explicit RandomState(std::span<const uint32_t> seed);

  /// The next word of the generator.
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
  /// `count` batches, one behind the other, each an independent random subset of the rows 0..n-1.
  ///
  /// Each is the beginning of a Fisher-Yates shuffle from the front, from 0..n-1 afresh: for i <
  /// batch, swap values i and `randint(i, n)`.
  /// @throws std::invalid_argument if `batch` is not within 1..n or `count` is negative
  std::vector<int64_t> independent_batches(int64_t n, int64_t batch, int64_t count);
  /// Fisher-Yates from the end, as `shuffle(values)`.
  void shuffle(std::span<int64_t> values);

  /// Where the stream stands, as text: the key, position and kept Gaussian of NumPy's
  /// `get_state()`.
  std::string to_text() const;
  /// A stream that goes on from there.
  /// @throws std::invalid_argument if `to_text` has not written this
  static RandomState from_text(const std::string& text);

 private:
  static constexpr size_t words = 624;

  void refill();
  void temper();

  uint32_t state_[words];
  uint32_t output_[words];  // made of the state, in the order in which it is handed out
  size_t position_ = words;
  double gauss_ = 0;
  bool has_gauss_ = false;
};

/// Whose noise it is: see `Corruption`.
struct NoiseKey {
  uint32_t seed = 0;
  uint32_t repeat = 0;
};

/// The three streams of one repeat of an experiment: `RandomState([seed, repeat, purpose])`,
/// purpose 0, 1, 2.
///
/// They are passed on explicitly and run on through the stages. Copying a `Random` copies its
/// state, which is how two variants of one comparison start from the same numbers.
struct Random {
  Random(uint32_t seed, uint32_t repeat);

  RandomState
      initialisation;   ///< weights, layer by layer in the order in which the layers are made
  RandomState order;    ///< the order of the samples, one permutation an epoch
  RandomState subsets;  ///< label subsets and independent batches
  NoiseKey noise;       ///< of the corruption, which is counted, not drawn

  /// Where the three streams stand, as text, for whom wants to go on from there.
  std::string to_text() const;
  /// Puts the streams where `to_text` said; the noise stays as it is.
  /// @throws std::invalid_argument if `to_text` has not written this
  void restore(const std::string& text);
};

}  // namespace layerwise
