#pragma once

#include <optional>

#include "layerwise/report/failure.h"
#include "layerwise/report/run_folder.h"
#include "layerwise/study/study.h"

namespace layerwise::study {

/// Prints the results of a run, draws its figures and writes its page.
/// @param origin how to repeat the run
/// @param failure gets the first drawing that failed, if any; the others are drawn nevertheless
void present(const Study& study, const Results& results, const Curves& curves,
             const report::Origin& origin, const report::RunFolder& folder,
             std::optional<report::Failure>& failure);

}  // namespace layerwise::study
