#pragma once

#include <string>

#include "layerwise/study/results.h"
#include "layerwise/study/settings.h"
#include "layerwise/study/study.h"

namespace layerwise::study {

/// The content of results.json. For every planned fit: how many repeats had which trouble; and for
/// each score the values of the repeats, their mean with its 95% interval, their standard
/// deviation, and the published value. Numbers that are not finite are `null`; means are those of
/// the finite values.
std::string results_json(const Study& study, const Settings& settings, const Results& results);

}  // namespace layerwise::study
