#pragma once

#include "layerwise/file.h"
#include "layerwise/study/results.h"
#include "layerwise/study/settings.h"
#include "layerwise/study/study.h"

namespace layerwise::study {

/// The contents of results.json. In short: the summary, the judged claims, and each published
/// value's place among the repeats. Then for every planned fit: how many repeats had which trouble
/// and which kind of code, with Wilson intervals; and for each score the values of the repeats,
/// their mean with its 95% interval, standard deviation, median and 2.5-97.5% range, and the
/// published value. Numbers that are not finite are `null`; means are those of the finite values;
/// `estimators` says what each number is. `study` and `results` must outlive what is returned.
Pieces results_json(const Study& study, const Settings& settings, const Results& results);

}  // namespace layerwise::study
