#pragma once

#include <string>

#include "layerwise/report/figure.h"

namespace layerwise::report {

/// The gnuplot script that draws a figure or a mosaic as NAME.png and NAME.svg in its working
/// directory. The script contains the data. All texts are drawn as they are, whatever they contain.
/// @throws std::invalid_argument if areas of a panel have different x values
std::string gnuplot_script(const Drawing& drawing);

}  // namespace layerwise::report
