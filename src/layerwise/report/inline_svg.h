#pragma once

#include <string>

namespace layerwise::report {

/// An SVG document of gnuplot as an element inside an HTML page: an image with a name for those who
/// cannot see it.
/// @param prefix begins its ids, which must be unique within the page
/// @param label the name
/// @throws std::invalid_argument if there is no SVG element
std::string inline_svg(const std::string& document, const std::string& prefix,
                       const std::string& label);

}  // namespace layerwise::report
