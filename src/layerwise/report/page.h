#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "layerwise/report/table.h"

namespace layerwise::report {

/// A part of a page under a heading.
struct Section {
  std::string title;
  std::vector<std::string> paragraphs;
  Table table = {};
  bool sentences = false;  ///< whether the cells of the table are sentences
};

/// A claim that the numbers of a run were judged by.
struct JudgedClaim {
  std::string statement;  ///< what is claimed, e.g. "Deeper networks fit the training rows better"
  std::string verdict;    ///< one or two words, e.g. "better", "worse", "equivalent", "undecided"
  std::string evidence;   ///< the numbers behind the verdict, and how far it reaches
};

/// How many claims got which verdict, in the order in which the verdicts appear: "3 better, 1
/// undecided".
std::string verdict_counts(const std::vector<JudgedClaim>& verdicts);

/// A figure of a page.
struct PageFigure {
  std::string name;  ///< name of its files, NAME.png beside the page and NAME.gp
  std::string svg;   ///< an SVG document, as `draw` returns it; empty if it was not drawn
  std::string caption;
};

/// (Name, value) pairs.
using Facts = std::vector<std::pair<std::string, std::string>>;

/// How to repeat a run.
struct Origin {
  std::string command;
  Facts facts;  ///< what the run depends on: versions, seed, device, ...
};

/// A page about a run, in the order in which it shows its parts; but sections of sentences, which
/// are answers, come before the figures. Empty parts are left out. All texts are shown as they are,
/// whatever they contain.
struct Page {
  std::string title;
  std::vector<JudgedClaim> verdicts = {};
  std::string judging = {};            ///< how the claims were judged
  std::vector<std::string> lead = {};  ///< sentences that sum up the run
  std::vector<PageFigure> figures = {};
  std::string without_figures = {};  ///< where there are none: why, and how to get them
  Table table = {};
  std::vector<std::string> reading = {};  ///< how to read the table
  std::vector<Section> sections = {};
  std::vector<std::string> warnings = {};  ///< e.g. which repeats diverged, and what that means
  Origin origin = {};
  Facts files = {};  ///< (file name in the same folder, content) of each file to link to
};

/// Writes a page as one HTML file, with its figures inside. It needs no network and no script.
/// @throws Failure if the file cannot be written
void write_page(const Page& page, const std::filesystem::path& path);

/// A value that was published, beside that of a run.
struct ReproducedValue {
  std::string what;
  std::string published;
  std::string here;
};

/// What an index says about a run.
struct IndexEntry {
  std::string title;
  std::string link;    ///< its page, relative to the index; empty if it has none yet
  std::string origin;  ///< one line, e.g. "blobs_supervised, seed 1, 20 repeats"
  std::vector<ReproducedValue> values = {};
  std::vector<JudgedClaim> verdicts = {};
};

/// Writes a page about several runs, with links to theirs.
/// @throws Failure if the file cannot be written
void write_index(const std::string& title, const std::vector<IndexEntry>& entries,
                 const std::filesystem::path& path);

}  // namespace layerwise::report
