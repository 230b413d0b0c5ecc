#pragma once

#include <algorithm>
#include <cstdint>

namespace layerwise {

/// Visits `total` rows in chunks of `rows`, so that the memory needed depends on the chunk only.
/// @param visit called with the first row of a chunk and the number of its rows
template <typename Visit>
void for_each_chunk(int64_t total, int64_t rows, Visit visit) {
  for (int64_t begin = 0; begin < total; begin += rows) visit(begin, std::min(rows, total - begin));
}

}  // namespace layerwise
