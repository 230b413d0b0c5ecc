#include "layerwise/report/plot.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "layerwise/report/failure.h"
#include "layerwise/report/gnuplot_script.h"
#include "layerwise/report/helper_process.h"
#include "layerwise/report/run_folder.h"

namespace layerwise::report {

namespace fs = std::filesystem;

namespace {

fs::path gnuplot_path() {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const auto candidate = fs::path(folder) / "gnuplot";
    if (::access(candidate.c_str(), X_OK) == 0) return fs::absolute(candidate);
  }
  return {};
}

/// The folder in which a drawing is made; it is removed at the end.
class Workshop {
 public:
  explicit Workshop(fs::path path) : path_(std::move(path)) {
    fs::remove_all(path_);  // what a killed program left
    fs::create_directories(path_);
  }
  ~Workshop() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Workshop(const Workshop&) = delete;
  Workshop& operator=(const Workshop&) = delete;

  fs::path file(const std::string& name) const { return path_ / name; }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string content_of(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::string content{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  return content.substr(std::min(content.size(), content.find_first_not_of(" \n")));
}

/// Whether a picture ends with this text (up to 8 more bytes may follow); false for truncated ones.
bool ends_with(const std::string& content, std::string_view ending) {
  return content.rfind(ending) != std::string::npos &&
         content.rfind(ending) + ending.size() + 8 > content.size();
}

}  // namespace

bool gnuplot_found() {
  return !gnuplot_path().empty();
}

void write_script(const Drawing& drawing, const fs::path& folder) {
  write_run_file(folder / (name_of(drawing) + ".gp"), gnuplot_script(drawing));
}

std::string draw(const Drawing& drawing, const fs::path& folder,
                 const std::function<void()>& check) {
  write_script(drawing, folder);
  const auto script = folder / (name_of(drawing) + ".gp");
  const auto png = name_of(drawing) + ".png";
  const auto hint = fmt::format(
      "see that the disk is not full, and what `gnuplot {}` says; the results are whole",
      script.string());
  try {
    const Workshop workshop(folder / ".drawing.part");
    const auto log = workshop.file("log");
    const int status = run_helper({gnuplot_path(),
                                   {"--default-settings", fs::absolute(script).string()},
                                   workshop.path(),
                                   log,
                                   hint},
                                  check);
    auto svg = content_of(workshop.file(name_of(drawing) + ".svg"));
    if (status != 0 || !ends_with(content_of(workshop.file(png)), "IEND") ||
        !ends_with(svg, "</svg>")) {
      const auto words = content_of(log);
      throw Failure(
          fmt::format("gnuplot did not draw '{}' (status {}){}{}", (folder / png).string(), status,
                      words.empty() ? "" : ": ", words.substr(0, words.find('\n'))),
          hint);
    }
    fs::rename(workshop.file(png), folder / png);
    return svg;
  } catch (const fs::filesystem_error& error) {
    throw Failure(error.what(), "see that the disk is not full");
  }
}

}  // namespace layerwise::report
