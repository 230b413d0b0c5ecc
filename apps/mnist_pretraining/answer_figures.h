#pragma once

#include <vector>

#include "layerwise/study/study.h"

#include "mnist_pretraining/comparison_results.h"

namespace layerwise::apps {

/// Held-out accuracy against steps, with the values that the document prints as points.
std::vector<CaptionedFigure> accuracy_figures(const PretrainingOptions& options,
                                              const ComparisonResults& results);
/// Accuracy on the test rows against the number of labels.
std::vector<CaptionedFigure> budget_figures(const PretrainingOptions& options,
                                            const ComparisonResults& results);

}  // namespace layerwise::apps
