#include "support/checkpoints.h"

#include <system_error>

#include "layerwise/file.h"
#include "layerwise/report/failure.h"

namespace layerwise::apps {

void save_in_run(const torch::nn::Module& module, const std::filesystem::path& path,
                 const Description& description) {
  try {
    save_checkpoint(module, path, description);
  } catch (const FileError& error) {
    throw report::Failure(error.what(), "free some space, or choose another place with --out");
  }
}

void load_in_run(torch::nn::Module& module, const std::filesystem::path& path,
                 const Description& description, const std::string& hint) {
  try {
    load_checkpoint(module, path, description);
  } catch (const FileError& error) {
    throw report::Failure(error.what(), hint);
  }
}

std::vector<std::string> files_named(const std::filesystem::path& folder, const std::regex& name) {
  std::vector<std::string> found;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    const auto file = entry.path().filename().string();
    if (std::regex_match(file, name)) found.push_back(file);
  }
  return found;
}

}  // namespace layerwise::apps
