#include "mnist_autoencoder/mnist.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "layerwise/file.h"
#include "layerwise/report/failure.h"

namespace layerwise::apps {

namespace fs = std::filesystem;

namespace {

/// The data sets: the name in options, which is also that of the folder and what
/// cmake/fetch_data.sh takes; and the name in texts.
constexpr auto data_sets = std::to_array<std::pair<const char*, const char*>>(
    {{"mnist", "MNIST"}, {"fashion-mnist", "Fashion-MNIST"}});

std::vector<std::string> names_of_data_sets() {
  std::vector<std::string> names;
  for (const auto& [name, title] : data_sets) names.emplace_back(name);
  return names;
}

/// The folder in which cmake/fetch_data.sh puts data.
fs::path cache() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  if (cache != nullptr && *cache != '\0') return fs::path(cache) / "layerwise";
  return fs::path(home != nullptr ? home : "") / ".cache" / "layerwise";
}

}  // namespace

void MnistData::add_to(CLI::App& app) {
  const auto* group = "Data";
  add_choice(app, "--dataset", dataset, with_themselves(names_of_data_sets()), "Which images")
      ->group(group);
  add_path(app, "--data-dir", data_dir,
           "Folder with the four IDX files, plain or .gz, or with a folder of them by the data "
           "set's name",
           "DIR [" + cache().string() + "]")
      ->group(group);
  add_count(app, "--validation", validation, "Rows of the training set that validate, not train", 0)
      ->group(group);
  add_choice(app, "--validation-from", validation_from,
             {{"first", ValidationFrom::first}, {"last", ValidationFrom::last}},
             "Whether these are its first or its last rows")
      ->group(group);
}

std::string MnistData::title() const {
  const auto found = std::find_if(data_sets.begin(), data_sets.end(),
                                  [&](const auto& one) { return one.first == dataset; });
  return found == data_sets.end() ? dataset : found->second;
}

LabelledImages MnistData::read() const {
  const fs::path folder = data_dir.empty() ? cache() : fs::path(data_dir);
  std::error_code ignored;
  const bool by_name = data_dir.empty() || fs::is_directory(folder / dataset, ignored);
  const auto place = by_name ? folder / dataset : folder;
  try {
    return read_mnist(place);
  } catch (const FileError& error) {
    const auto command = fmt::format("bash cmake/fetch_data.sh {}", dataset);
    throw report::Failure(
        error.what(),
        data_dir.empty()
            ? fmt::format("fetch the data: {}; or name a folder that has them with --data-dir",
                          command)
            : fmt::format("name a folder with four whole IDX files with --data-dir, or fetch them: "
                          "{}, and leave out --data-dir",
                          command));
  }
}

void MnistData::check(const LabelledImages& images) const {
  if (validation >= images.train.size()) {
    throw report::Failure(
        fmt::format("{} rows for validation of a training set of {} leave none to train on",
                    validation, images.train.size()),
        "ask for fewer with --validation");
  }
}

Split MnistData::split(const LabelledImages& images) const {
  return hold_out(images.train, images.test, validation, validation_from);
}

}  // namespace layerwise::apps
