#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "layerwise/report/figure.h"

namespace layerwise::report {

bool gnuplot_found();

/// Writes NAME.gp, the script that draws a figure or a mosaic.
void write_script(const Drawing& drawing, const std::filesystem::path& folder);

/// Draws a figure or a mosaic as NAME.png, and keeps the script, NAME.gp, which draws that and
/// NAME.svg again.
///
/// The time limit of gnuplot is one minute. No unfinished file is left, whatever happens.
/// @param check called every few milliseconds while gnuplot runs; if it throws, gnuplot is killed
///   and the exception is passed on
/// @returns the drawing as an SVG document
/// @throws Failure with the message of gnuplot if it cannot draw
std::string draw(const Drawing& drawing, const std::filesystem::path& folder,
                 const std::function<void()>& check = {});

}  // namespace layerwise::report
