#pragma once

#include <cstdint>
#include <functional>

#include "layerwise/study/settings.h"

namespace layerwise::study {

/// The number of cores that this process may use.
int64_t usable_cores();

/// Calls `work` with 0, ..., `count` - 1, in as many threads as `settings` says, each of which is
/// prepared to run fits.
/// @param stop makes running calls end soon, after one has failed
/// @throws the first exception that `work` threw
void for_each_repeat(int64_t count, const Settings& settings,
                     const std::function<void(int64_t)>& work, const std::function<void()>& stop);

}  // namespace layerwise::study
