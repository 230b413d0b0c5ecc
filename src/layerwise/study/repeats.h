#pragma once

#include <cstdint>
#include <functional>

#include "layerwise/study/settings.h"

namespace layerwise::study {

/// Calls `work` with 0, ..., `count` - 1, as many at once as `settings` has threads, each prepared
/// to fit.
/// @param stop makes what is under way end soon, after one has failed
/// @throws what `work` threw first
void for_each_repeat(int64_t count, const Settings& settings,
                     const std::function<void(int64_t)>& work, const std::function<void()>& stop);

}  // namespace layerwise::study
