#include "common/images.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "layerwise/data/cifar.h"
#include "layerwise/data/image_folder.h"
#include "layerwise/file.h"
#include "layerwise/report/failure.h"

namespace layerwise::apps {

namespace fs = std::filesystem;

namespace {

struct DataSet {
  const char* name;   ///< in options, and that of the folder
  const char* title;  ///< in texts
  bool in_color;
  LabelledImages (*read)(const fs::path& folder);
  const char* files;    ///< what the folder holds
  const char* fetched;  ///< how to get it; empty if it is the user's own
};

constexpr auto data_sets = std::to_array<DataSet>(
    {{"mnist", "MNIST", false, read_mnist, "four whole IDX files",
      "fetch them: bash cmake/fetch_data.sh mnist"},
     {"fashion-mnist", "Fashion-MNIST", false, read_mnist, "four whole IDX files",
      "fetch them: bash cmake/fetch_data.sh fashion-mnist"},
     {"cifar-10", "CIFAR-10", true, read_cifar10, "the six .bin files of the binary version",
      "get cifar-10-binary.tar.gz from https://www.cs.toronto.edu/~kriz/cifar.html"},
     {"image-folder", "images of a folder", true, read_image_folders,
      "train/CLASS/IMAGE and test/CLASS/IMAGE (PNG, JPEG, BMP, PNM; all of one size)", ""}});

const DataSet& data_set_named(const std::string& name) {
  return *std::find_if(data_sets.begin(), data_sets.end(),
                       [&](const DataSet& one) { return one.name == name; });
}

/// The folder in which cmake/fetch_data.sh puts data.
fs::path cache() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  if (cache != nullptr && *cache != '\0') return fs::path(cache) / "layerwise";
  return fs::path(home != nullptr ? home : "") / ".cache" / "layerwise";
}

/// What to do about files that cannot be read. A folder of the user's own may be whole and only one
/// of its images unreadable: then the error knows better.
std::string hint_for(const FileError& error, const DataSet& set, bool data_dir_given) {
  const std::string fetched = set.fetched;
  const auto name_folder = fmt::format("name a folder with {} with --data-dir", set.files);
  if (fetched.empty()) return error.code() == 0 ? error.hint() : name_folder;
  return data_dir_given ? fmt::format("{}, or {}, and leave out --data-dir", name_folder, fetched)
                        : fetched + "; or name a folder that has them with --data-dir";
}

}  // namespace

void ImageData::add_to(CLI::App& app) {
  const auto* group = "Data";
  std::vector<std::string> names;
  for (const auto& one : data_sets) {
    if (in_color || !one.in_color) names.emplace_back(one.name);
  }
  add_choice(app, "--dataset", dataset, with_themselves(names), "Which images")->group(group);
  add_path(
      app, "--data-dir", data_dir,
      fmt::format("Folder with the four IDX files, plain or .gz{}, or with a folder of them by "
                  "the data set's name",
                  in_color
                      ? ", or with CIFAR-10's six .bin files; for image-folder, one with images in "
                        "train/CLASS/ and test/CLASS/"
                      : ""),
      "DIR [" + cache().string() + "]")
      ->group(group);
  if (!validates) return;
  add_count(app, "--validation", validation, "Rows of the training set that validate, not train", 0)
      ->group(group);
  add_choice(app, "--validation-from", validation_from,
             {{"first", ValidationFrom::first}, {"last", ValidationFrom::last}},
             "Whether these are its first or its last rows")
      ->group(group);
}

std::string ImageData::title() const {
  return data_set_named(dataset).title;
}

LabelledImages ImageData::read() const {
  const auto& set = data_set_named(dataset);
  const fs::path folder = data_dir.empty() ? cache() : fs::path(data_dir);
  std::error_code ignored;
  const bool by_name = data_dir.empty() || fs::is_directory(folder / dataset, ignored);
  const auto place = by_name ? folder / dataset : folder;
  try {
    return set.read(place);
  } catch (const FileError& error) {
    throw report::Failure(error.what(), hint_for(error, set, !data_dir.empty()));
  }
}

void ImageData::check(const LabelledImages& images) const {
  if (validation >= images.train.size()) {
    throw UsageError(
        fmt::format("{} rows for validation of a training set of {} leave none to train on",
                    validation, images.train.size()),
        "ask for fewer with --validation");
  }
}

Split ImageData::split(const LabelledImages& images) const {
  return hold_out(images.train, images.test, validation, validation_from);
}

}  // namespace layerwise::apps
