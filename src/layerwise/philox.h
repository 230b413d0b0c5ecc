#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "layerwise/on_device.h"

namespace layerwise {

/// A round of Philox4x32: the four words of a counter, mixed with a key.
LAYERWISE_ON_DEVICE inline void philox_round(uint32_t& word0, uint32_t& word1, uint32_t& word2,
                                             uint32_t& word3, uint32_t key0, uint32_t key1) {
  const uint64_t product0 = uint64_t{0xd2511f53U} * word0;
  const uint64_t product1 = uint64_t{0xcd9e8d57U} * word2;
  word0 = static_cast<uint32_t>(product1 >> 32) ^ word1 ^ key0;
  word1 = static_cast<uint32_t>(product1);
  word2 = static_cast<uint32_t>(product0 >> 32) ^ word3 ^ key1;
  word3 = static_cast<uint32_t>(product0);
}

/// The key of a round, from that of the round before.
LAYERWISE_ON_DEVICE inline void next_philox_key(uint32_t& key0, uint32_t& key1) {
  key0 += 0x9e3779b9U;
  key1 += 0xbb67ae85U;
}

constexpr int philox_rounds = 10;

/// Philox4x32-10 on several counters at once, in arrays that a compiler can keep in vector
/// registers.
struct PhiloxLanes {
  static constexpr int64_t count = 16;
  uint32_t word[4][count];  ///< counters before `encrypt`, random words after it

  /// Replaces the counters by random words, in place.
  void encrypt(std::array<uint32_t, 2> key) {
    for (int round = 0; round < philox_rounds; ++round) {
      for (int64_t i = 0; i < count; ++i)
        philox_round(word[0][i], word[1][i], word[2][i], word[3][i], key[0], key[1]);
      next_philox_key(key[0], key[1]);
    }
  }
};

/// Four random words for a key and a counter: Philox4x32-10.
/// @see Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", 2011
inline std::array<uint32_t, 4> philox(std::array<uint32_t, 4> counter,
                                      std::array<uint32_t, 2> key) {
  PhiloxLanes lanes{};
  for (size_t i = 0; i < counter.size(); ++i) lanes.word[i][0] = counter[i];
  lanes.encrypt(key);
  return {lanes.word[0][0], lanes.word[1][0], lanes.word[2][0], lanes.word[3][0]};
}

}  // namespace layerwise
