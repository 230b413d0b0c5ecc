#include "layerwise/study/checkpoints.h"

#include <charconv>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>

#include "layerwise/file.h"
#include "layerwise/report/failure.h"

namespace layerwise::study {

namespace {

constexpr auto streams_key = "random_streams";
constexpr auto steps_key = "steps";

}  // namespace

void save_in_run(const torch::nn::Module& module, const std::filesystem::path& path,
                 const Description& description) {
  try {
    save_checkpoint(module, path, description);
  } catch (const FileError& error) {
    throw report::Failure(error.what(), "free some space, or choose another folder (out)");
  }
}

Description load_in_run(torch::nn::Module& module, const std::filesystem::path& path,
                        const Description& description, const std::string& hint) {
  try {
    return load_checkpoint(module, path, description);
  } catch (const FileError& error) {
    throw report::Failure(error.what(), hint);
  }
}

Description with_progress(Description description, const Random& random, int64_t steps) {
  description[streams_key] = random.to_text();
  description[steps_key] = fmt::format("{}", steps);
  return description;
}

int64_t take_progress(const Description& description, const std::filesystem::path& path,
                      const std::string& hint, Random& random) {
  const auto streams = description.find(streams_key);
  const auto steps = description.find(steps_key);
  int64_t count = -1;
  try {
    if (streams != description.end() && steps != description.end()) {
      const auto& text = steps->second;
      std::from_chars(text.data(), text.data() + text.size(), count);
      random.restore(streams->second);
    }
  } catch (const std::invalid_argument&) {
    count = -1;
  }
  if (count < 0) {
    throw report::Failure(
        fmt::format("'{}' does not say where the random streams stood when it was written",
                    path.string()),
        hint);
  }
  return count;
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

}  // namespace layerwise::study
