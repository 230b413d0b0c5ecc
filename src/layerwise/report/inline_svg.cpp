#include "layerwise/report/inline_svg.h"

#include <stdexcept>
#include <string_view>

#include <fmt/format.h>

#include "layerwise/report/table.h"

namespace layerwise::report {

namespace {

/// The length of what comes before an id at the beginning of this text: `id="`, `href='#`, `url(#`;
/// 0 if there is no id.
size_t length_before_id(std::string_view text) {
  for (const std::string_view before : {" id=\"", " id='", "href=\"#", "href='#", "url(#"})
    if (text.substr(0, before.size()) == before) return before.size();
  return 0;
}

/// The text with a prefix before every id in its tags.
std::string with_prefixed_ids(std::string_view svg, const std::string& prefix) {
  std::string result;
  bool in_tag = false;
  for (size_t i = 0; i < svg.size();) {
    const auto before = in_tag ? length_before_id(svg.substr(i)) : 0;
    if (before > 0) {
      result += fmt::format("{}{}", svg.substr(i, before), prefix);
      i += before;
      continue;
    }
    in_tag = svg[i] == '<' || (in_tag && svg[i] != '>');
    result += svg[i++];
  }
  return result;
}

void remove_element(std::string& svg, const std::string& name) {
  const auto begin = svg.find("<" + name + ">");
  const auto end = svg.find("</" + name + ">", begin);
  if (begin != std::string::npos && end != std::string::npos)
    svg.erase(begin, end + name.size() + 3 - begin);
}

}  // namespace

std::string inline_svg(const std::string& document, const std::string& prefix,
                       const std::string& label) {
  const std::string opening = "<svg";
  const auto begin = document.find(opening);
  if (begin == std::string::npos) throw std::invalid_argument("inline_svg: no SVG element");
  auto svg = document.substr(begin + opening.size());
  remove_element(svg, "title");  // that of the document, "Gnuplot"
  remove_element(svg, "desc");
  return fmt::format("{} role=\"img\" aria-label=\"{}\"{}", opening, html_escaped(label),
                     with_prefixed_ids("<" + svg, prefix).substr(1));
}

}  // namespace layerwise::report
