#pragma once

/// LibTorch and Catch2 both define CHECK, and Catch2's must win: include this header last, and
/// never Catch2 itself.
#include <torch/cuda.h>
#include <torch/types.h>
#include <torch/utils.h>

#undef CHECK

#if LAYERWISE_CATCH2 >= 3
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers.hpp>
#else
#include <catch2/catch.hpp>
#endif

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <string>

#include <nlohmann/json.hpp>

namespace layerwise::testing {

/// A checked-in file of tests/reference.
inline nlohmann::json reference(const std::string& name) {
  std::ifstream stream(std::filesystem::path(LAYERWISE_REFERENCE_DIR) / name);
  REQUIRE(stream.good());
  return nlohmann::json::parse(stream);
}

/// How far float32 may lie from the replays of autoencoders and classifiers, which PyTorch computed
/// in float64: ten times as far as PyTorch's own float32 does (at most 1.1e-6).
constexpr double replay_difference = 1e-5;

/// |a - b| as a share of |b|; infinite if one of them is not finite.
inline double relative_difference(double a, double b) {
  if (!std::isfinite(a) || !std::isfinite(b)) return std::numeric_limits<double>::infinity();
  return a == b ? 0 : std::abs(a - b) / std::abs(b);
}

/// A folder of this test's own, empty at first and removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    auto pattern = (std::filesystem::temp_directory_path() / "layerwise-test-XXXXXX").string();
    REQUIRE(::mkdtemp(pattern.data()) != nullptr);
    path_ = pattern;
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string file(const std::string& name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

/// The first GPU, or nothing, saying that the test is skipped.
inline std::optional<c10::Device> cuda() {
  if (torch::cuda::is_available()) return c10::Device(c10::kCUDA, 0);
  WARN("skipped: no CUDA");
  return std::nullopt;
}

/// The Python of LAYERWISE_PYTHON, else `python3`, if it can import these modules; or nothing,
/// saying that the test is skipped.
inline std::optional<std::string> python_with(const std::string& modules) {
  const char* given = std::getenv("LAYERWISE_PYTHON");
  const std::string python = given != nullptr ? given : "python3";
  if (std::system((python + " -c 'import " + modules + "' 2>/dev/null").c_str()) == 0)
    return python;
  WARN("skipped: no " + modules + " in Python");
  return std::nullopt;
}

inline std::string content_of(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace layerwise::testing
