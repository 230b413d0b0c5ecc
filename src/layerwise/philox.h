#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace layerwise {

/// Philox4x32-10 on several counters at once, in arrays that a compiler can keep in vector
/// registers.
struct PhiloxLanes {
  static constexpr int64_t count = 16;
  uint32_t word[4][count];  ///< counters before `encrypt`, random words after it

  /// Replaces the counters by random words, in place.
  void encrypt(std::array<uint32_t, 2> key) {
    constexpr uint32_t multipliers[] = {0xd2511f53U, 0xcd9e8d57U};
    constexpr uint32_t key_steps[] = {0x9e3779b9U, 0xbb67ae85U};
    constexpr int rounds = 10;
    for (int round = 0; round < rounds; ++round) {
      for (int64_t i = 0; i < count; ++i) {
        const uint64_t product0 = uint64_t{multipliers[0]} * word[0][i];
        const uint64_t product1 = uint64_t{multipliers[1]} * word[2][i];
        const uint32_t word1 = word[1][i];
        const uint32_t word3 = word[3][i];
        word[0][i] = static_cast<uint32_t>(product1 >> 32) ^ word1 ^ key[0];
        word[1][i] = static_cast<uint32_t>(product1);
        word[2][i] = static_cast<uint32_t>(product0 >> 32) ^ word3 ^ key[1];
        word[3][i] = static_cast<uint32_t>(product0);
      }
      key[0] += key_steps[0];
      key[1] += key_steps[1];
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
