#include "layerwise/report/page.h"

#include <algorithm>
#include <string_view>

#include <fmt/format.h>

#include "layerwise/report/inline_svg.h"
#include "layerwise/report/page_style.h"
#include "layerwise/report/run_folder.h"

namespace layerwise::report {

namespace {

constexpr auto document = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{0}</title>
<style>
{1}</style>
</head>
<body>
<main>
<h1>{0}</h1>
{2}</main>
</body>
</html>
)";

std::string html_document(const std::string& title, const std::string& body) {
  return fmt::format(document, html_escaped(title), page_style, body);
}

/// An element; empty if its content is.
std::string element(const char* tag, const std::string& text) {
  return text.empty() ? std::string() : fmt::format("<{0}>{1}</{0}>\n", tag, html_text(text));
}

std::string paragraphs(const std::vector<std::string>& texts) {
  std::string html;
  for (const auto& text : texts) html += element("p", text);
  return html;
}

/// A part of the page under a heading; empty if its content is.
std::string part(const std::string& title, const std::string& content, const char* kind = "") {
  if (content.empty()) return {};
  return fmt::format("<section{}>\n<h2>{}</h2>\n{}</section>\n",
                     *kind == '\0' ? "" : fmt::format(" class=\"{}\"", kind), html_escaped(title),
                     content);
}

/// Content that may be larger than the screen. It scrolls by itself, with the keyboard too.
std::string scrolling(const std::string& label, const std::string& content, bool is_long = false) {
  return fmt::format(
      "<div class=\"scroll{}\" role=\"region\" tabindex=\"0\" aria-label=\"{}\">\n{}</div>\n",
      is_long ? " long" : "", html_escaped(label), content);
}

/// The class of a verdict in the style sheet, where those of `study` have colors of their own.
std::string_view verdict_class(const std::string& verdict) {
  for (const std::string_view known : {"better", "worse", "equivalent", "undecided"})
    if (verdict == known) return known;
  return "other";
}

std::string verdict_list(const std::string& label, const std::vector<JudgedClaim>& verdicts) {
  if (verdicts.empty()) return {};
  std::string html = "<ul class=\"verdicts\">\n";
  for (const auto& [statement, verdict, evidence] : verdicts) {
    html += fmt::format("<li class=\"{}\"><p class=\"verdict\">{}</p><div>\n{}{}</div></li>\n",
                        verdict_class(verdict), html_escaped(verdict), element("h3", statement),
                        element("p", evidence));
  }
  html += "</ul>\n";
  constexpr size_t most = 8;  // that are shown at once
  if (verdicts.size() <= most) return html;
  return element("p", verdict_counts(verdicts) + ".") + scrolling(label, html, true);
}

std::string table_html(const std::string& label, const Table& table) {
  constexpr size_t most_rows = 20;  // that are shown at once
  return table.rows.empty() ? std::string()
                            : scrolling(label, table.to_html(), table.rows.size() > most_rows);
}

/// A table whose cells are sentences: a card for each row.
std::string cards(const Table& table) {
  std::string html;
  for (const auto& row : table.rows) {
    html += "<dl class=\"card\">\n";
    for (size_t c = 0; c < row.size(); ++c) {
      if (!row[c].empty()) html += element("dt", table.columns.at(c)) + element("dd", row[c]);
    }
    html += "</dl>\n";
  }
  return html;
}

std::string section_html(const Section& section) {
  const auto& table = section.table;
  return part(
      section.title,
      paragraphs(section.paragraphs) +
          (section.sentences ? cards(table) : table_html("Table: " + section.title, table)));
}

/// The name of a file as a relative address.
std::string url_escaped(const std::string& name) {
  std::string url;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~/").find(c) != std::string_view::npos;
    url += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return url;
}

std::string link(const std::string& target, const std::string& text) {
  return fmt::format("<a href=\"{}\">{}</a>", url_escaped(target), html_escaped(text));
}

std::string figure_html(const PageFigure& figure, size_t number) {
  const auto content =
      figure.svg.empty()
          ? fmt::format("<p class=\"missing\">Not drawn: {}.gp draws it with gnuplot.</p>\n",
                        html_escaped(figure.name))
          : scrolling(fmt::format("Figure {}", number),
                      inline_svg(figure.svg, fmt::format("figure{}-", number), figure.caption));
  const auto as_png = figure.svg.empty() ? std::string() : link(figure.name + ".png", "PNG");
  return fmt::format("<figure>\n{}<figcaption>Figure {}. {} {}</figcaption>\n</figure>\n", content,
                     number, html_text(figure.caption), as_png);
}

std::string figures_html(const Page& page) {
  std::string html = element("p", page.without_figures);
  for (size_t i = 0; i < page.figures.size(); ++i) html += figure_html(page.figures[i], i + 1);
  return html;
}

std::string origin_html(const Origin& origin) {
  std::string html;
  if (!origin.command.empty())
    html += fmt::format("<pre><code>{}</code></pre>\n", html_escaped(origin.command));
  if (origin.facts.empty()) return html;
  html += "<dl class=\"facts\">\n";
  for (const auto& [name, value] : origin.facts) html += element("dt", name) + element("dd", value);
  return html + "</dl>\n";
}

std::string files_html(const Facts& files) {
  if (files.empty()) return {};
  std::string html = "<ul class=\"files\">\n";
  for (const auto& [name, content] : files)
    html += fmt::format("<li>{}: {}</li>\n", link(name, name), html_escaped(content));
  return html + "</ul>\n";
}

std::string entry_html(const IndexEntry& entry) {
  Table values{{"what", "published", "here"}, {}};
  for (const auto& [what, published, here] : entry.values)
    values.rows.push_back({what, published, here});
  return fmt::format("<section>\n<h2>{}</h2>\n{}{}{}</section>\n",
                     entry.link.empty() ? html_escaped(entry.title) : link(entry.link, entry.title),
                     element("p", entry.origin),
                     verdict_list("Verdicts: " + entry.title, entry.verdicts),
                     table_html("Values: " + entry.title, values));
}

}  // namespace

std::string verdict_counts(const std::vector<JudgedClaim>& verdicts) {
  std::vector<std::pair<std::string, int>> counts;
  for (const auto& claim : verdicts) {
    const auto known = std::find_if(counts.begin(), counts.end(), [&](const auto& count) {
      return count.first == claim.verdict;
    });
    if (known == counts.end()) {
      counts.emplace_back(claim.verdict, 1);
    } else {
      ++known->second;
    }
  }
  std::string text;
  for (const auto& [verdict, count] : counts)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count, verdict);
  return text;
}

void write_page(const Page& page, const std::filesystem::path& path) {
  std::string body;
  if (!page.lead.empty()) body += "<div class=\"lead\">\n" + paragraphs(page.lead) + "</div>\n";
  body +=
      part("Verdicts", verdict_list("All verdicts", page.verdicts) + element("p", page.judging));
  const auto sections = [&](bool sentences) {
    for (const auto& section : page.sections)
      if (section.sentences == sentences) body += section_html(section);
  };
  sections(true);
  body += part("Plots", figures_html(page));
  body += part("Results", table_html("Table: Results", page.table) + paragraphs(page.reading));
  sections(false);
  body += part("Warnings", paragraphs(page.warnings), "warnings");
  body += part("How to repeat this run", origin_html(page.origin));
  body += part("Files of this run", files_html(page.files));
  write_run_file(path, html_document(page.title, body));
}

void write_index(const std::string& title, const std::vector<IndexEntry>& entries,
                 const std::filesystem::path& path) {
  std::string body;
  for (const auto& entry : entries) body += entry_html(entry);
  write_run_file(path, html_document(title, body));
}

}  // namespace layerwise::report
