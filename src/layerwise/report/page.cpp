#include "layerwise/report/page.h"

#include <fmt/format.h>

#include "layerwise/report/run_folder.h"

namespace layerwise::report {

namespace {

constexpr auto head = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{0}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem; color: #222; }}
code, table {{ font-family: ui-monospace, monospace; font-size: 14px; }}
code {{ background: #f3f3f3; padding: .1rem .3rem; overflow-wrap: anywhere; }}
table {{ border-collapse: collapse; margin: 1rem 0; }}
th, td {{ text-align: right; padding: .15rem .8rem; border-bottom: 1px solid #ddd; }}
th:last-child, td:last-child {{ text-align: left; }}
figure {{ margin: 2rem 0; }}
img {{ max-width: 100%; }}
figcaption {{ color: #555; }}
</style>
</head>
<body>
<h1>{0}</h1>
<p><code>{1}</code></p>
)";

}  // namespace

void write_page(const Page& page, const std::filesystem::path& path) {
  std::string html = fmt::format(head, html_escaped(page.title), html_escaped(page.command));
  for (const auto& paragraph : page.paragraphs) html += "<p>" + html_escaped(paragraph) + "</p>\n";
  html += page.table.to_html();
  for (const auto& [file, caption] : page.figures) {
    const auto text = html_escaped(caption);
    html += fmt::format("<figure><img src=\"{}\" alt=\"{}\"><figcaption>{}</figcaption></figure>\n",
                        file, text, text);
  }
  for (const auto& section : page.sections) {
    html += "<h2>" + html_escaped(section.title) + "</h2>\n";
    for (const auto& paragraph : section.paragraphs)
      html += "<p>" + html_escaped(paragraph) + "</p>\n";
    if (!section.table.rows.empty()) html += section.table.to_html();
  }
  write_run_file(path, html + "</body>\n</html>\n");
}

}  // namespace layerwise::report
