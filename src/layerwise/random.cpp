#include "layerwise/random.h"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <numeric>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace layerwise {

namespace {

constexpr size_t shift_size = 397;
constexpr uint32_t upper_bit = 0x80000000U;
constexpr uint32_t lower_bits = 0x7fffffffU;
constexpr uint32_t twist_matrix = 0x9908b0dfU;

constexpr auto no_state = "this is no saved state of a random stream";

std::string hex(uint64_t value, size_t digits) {
  std::string text(digits, '0');
  for (size_t i = digits; i > 0; --i, value >>= 4) text[i - 1] = "0123456789abcdef"[value & 15U];
  return text;
}

struct Reader {
  const std::string& text;
  size_t place = 0;

  uint64_t hex(size_t digits) {
    uint64_t value = 0;
    const auto* end = text.data() + std::min(text.size(), place + digits);
    const auto [stop, error] =
        std::from_chars(text.data() + std::min(place, text.size()), end, value, 16);
    if (error != std::errc() || stop != end || place + digits > text.size())
      throw std::invalid_argument(no_state);
    place += digits;
    return value;
  }
};

RandomState stream(uint32_t seed, uint32_t repeat, uint32_t purpose) {
  const std::array<uint32_t, 3> key{seed, repeat, purpose};
  return RandomState(std::span<const uint32_t>(key));
}

}  // namespace

RandomState::RandomState(uint32_t seed) {
  state_[0] = seed;
  for (size_t i = 1; i < words; ++i) {
    state_[i] = 1812433253U * (state_[i - 1] ^ (state_[i - 1] >> 30)) + static_cast<uint32_t>(i);
  }
}

RandomState::RandomState(std::span<const uint32_t> seed) : RandomState(19650218U) {
  if (seed.empty()) throw std::invalid_argument("RandomState: the seed array is empty");
  size_t i = 1;
  const auto mix = [&](uint32_t factor) {
    const uint32_t last = state_[i - 1];
    return state_[i] ^ ((last ^ (last >> 30)) * factor);
  };
  const auto advance = [&] {
    if (++i == words) {
      state_[0] = state_[words - 1];
      i = 1;
    }
  };
  for (size_t k = 0, j = 0; k < std::max(words, seed.size()); ++k, j = (j + 1) % seed.size()) {
    state_[i] = mix(1664525U) + seed[j] + static_cast<uint32_t>(j);
    advance();
  }
  for (size_t k = 0; k < words - 1; ++k) {
    state_[i] = mix(1566083941U) - static_cast<uint32_t>(i);
    advance();
  }
  state_[0] = upper_bit;
}

void RandomState::refill() {
  const auto twist = [&](size_t i, size_t next, size_t shifted) {
    const uint32_t y = (state_[i] & upper_bit) | (state_[next] & lower_bits);
    state_[i] = state_[shifted] ^ (y >> 1) ^ ((0U - (y & 1U)) & twist_matrix);
  };
  // Without a wrap inside, compilers make vector instructions of these loops.
  for (size_t i = 0; i < words - shift_size; ++i) twist(i, i + 1, i + shift_size);
  for (size_t i = words - shift_size; i < words - 1; ++i) twist(i, i + 1, i + shift_size - words);
  twist(words - 1, 0, shift_size - 1);
  temper();
  position_ = 0;
}

void RandomState::temper() {
  for (size_t i = 0; i < words; ++i) {
    uint32_t y = state_[i];
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c5680U;
    y ^= (y << 15) & 0xefc60000U;
    output_[i] = y ^ (y >> 18);
  }
}

uint32_t RandomState::next_uint32() {
  if (position_ == words) refill();
  return output_[position_++];
}

double RandomState::random_sample() {
  const uint32_t high = next_uint32() >> 5;
  const uint32_t low = next_uint32() >> 6;
  return (high * 67108864.0 + low) / 9007199254740992.0;
}

double RandomState::uniform(double low, double high) {
  return low + (high - low) * random_sample();
}

double RandomState::normal(double loc, double scale) {
  if (std::exchange(has_gauss_, false)) return loc + scale * std::exchange(gauss_, 0.0);
  double x = 0;
  double y = 0;
  double square = 0;
  do {
    x = 2.0 * random_sample() - 1.0;
    y = 2.0 * random_sample() - 1.0;
    square = x * x + y * y;
  } while (square >= 1.0 || square == 0.0);
  const double factor = std::sqrt(-2.0 * std::log(square) / square);
  gauss_ = factor * x;
  has_gauss_ = true;
  return loc + scale * (factor * y);
}

uint32_t RandomState::interval(uint32_t max) {
  if (max == 0) return 0;
  const uint32_t mask = ~0U >> std::countl_zero(max);
  uint32_t value = next_uint32() & mask;
  while (value > max) value = next_uint32() & mask;
  return value;
}

std::vector<int64_t> RandomState::permutation(int64_t n) {
  if (n < 0 || n > (int64_t{1} << 32)) {
    throw std::invalid_argument("RandomState::permutation: n is " + std::to_string(n));
  }
  std::vector<int64_t> values(static_cast<size_t>(n));
  std::iota(values.begin(), values.end(), int64_t{0});
  shuffle(values);
  return values;
}

std::vector<int64_t> RandomState::independent_batches(int64_t n, int64_t batch, int64_t count) {
  if (batch < 1 || batch > n || n > (int64_t{1} << 32) || count < 0) {
    throw std::invalid_argument("RandomState::independent_batches: " + std::to_string(count) +
                                " batches of " + std::to_string(batch) + " of " +
                                std::to_string(n) + " rows");
  }
  std::vector<int64_t> values(static_cast<size_t>(n));
  std::iota(values.begin(), values.end(), int64_t{0});
  std::vector<size_t> partners(static_cast<size_t>(batch));
  std::vector<int64_t> rows;
  rows.reserve(static_cast<size_t>(batch * count));
  for (int64_t step = 0; step < count; ++step) {
    for (size_t i = 0; i < partners.size(); ++i) {
      partners[i] = i + interval(static_cast<uint32_t>(values.size() - 1 - i));
      std::swap(values[i], values[partners[i]]);
    }
    rows.insert(rows.end(), values.begin(), values.begin() + batch);
    for (size_t i = partners.size(); i > 0; --i) std::swap(values[i - 1], values[partners[i - 1]]);
  }
  return rows;
}

void RandomState::shuffle(std::span<int64_t> values) {
  // `interval` for one place after the other. A quarter of the draws is rejected, which no branch
  // predictor foresees: such a draw swaps its place with itself, and the place comes again.
  for (size_t place = values.size() - 1; values.size() > 1 && place > 0;) {
    if (position_ == words) refill();
    const auto mask = ~0U >> std::countl_zero(static_cast<uint32_t>(place));
    const size_t last_with_mask = mask >> 1U;  // below it the mask is shorter
    while (place > last_with_mask && position_ < words) {
      const size_t value = output_[position_++] & mask;
      const bool accepted = value <= place;
      std::swap(values[place], values[accepted ? value : place]);
      place -= accepted ? 1 : 0;
    }
  }
}

Random::Random(uint32_t seed, uint32_t repeat)
    : initialization(stream(seed, repeat, 0)),
      order(stream(seed, repeat, 1)),
      subsets(stream(seed, repeat, 2)),
      noise{seed, repeat} {}

std::string RandomState::to_text() const {
  std::string text;
  text.reserve(words * 8 + 32);
  for (const uint32_t word : state_) text += hex(word, 8);
  return text + hex(position_, 4) + (has_gauss_ ? "1" : "0") +
         hex(std::bit_cast<uint64_t>(gauss_), 16);
}

RandomState RandomState::from_text(const std::string& text) {
  RandomState state(0);
  Reader reader{text};
  for (auto& word : state.state_) word = static_cast<uint32_t>(reader.hex(8));
  state.position_ = reader.hex(4);
  const auto kept = reader.hex(1);
  state.has_gauss_ = kept == 1;
  state.gauss_ = std::bit_cast<double>(reader.hex(16));
  if (reader.place != text.size() || state.position_ > words || kept > 1)
    throw std::invalid_argument(no_state);
  state.temper();
  return state;
}

std::string Random::to_text() const {
  return initialization.to_text() + " " + order.to_text() + " " + subsets.to_text();
}

void Random::restore(const std::string& text) {
  const auto first = text.find(' ');
  const auto second = first == std::string::npos ? first : text.find(' ', first + 1);
  if (second == std::string::npos) throw std::invalid_argument(no_state);
  auto kept_initialization = RandomState::from_text(text.substr(0, first));
  auto kept_order = RandomState::from_text(text.substr(first + 1, second - first - 1));
  subsets = RandomState::from_text(text.substr(second + 1));
  initialization = kept_initialization;
  order = kept_order;
}

}  // namespace layerwise
