/// One page about several runs: what they reproduced, published | here, and links to their pages.
///
///     layerwise_index runs/first runs/second --out index.html
///
/// Prints the same as a short summary.
#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "layerwise/report/page.h"
#include "layerwise/report/print.h"

#include "common/program.h"
#include "index/index.h"

int main(int argc, char** argv) {
  using namespace layerwise;
  using namespace layerwise::apps;
  CLI::App app("Writes one page about several runs, and prints what they reproduced.",
               "layerwise_index");
  std::vector<std::string> folders;
  std::string out;
  std::string title = "What was reproduced";
  app.add_option("DIR", folders, "The folders of the runs")->required()->check(file_name());
  app.add_option("--out", out, "The page to write, over one that exists")
      ->required()
      ->check(file_name())
      ->option_text("FILE");
  return run_program(app, {argv + 1, argv + argc}, [&] {
    std::vector<report::IndexEntry> entries;
    for (const auto& folder : folders) entries.push_back(entry_of(folder, out));
    report::write_index(title, entries, out);
    report::print_result(summary_of(entries));
    for (const auto& entry : entries)
      if (entry.link.empty())
        report::print_note(fmt::format("{} ({})\n", entry.title, entry.origin));
    report::print_note(fmt::format("written to {}\n", out));
  });
}
