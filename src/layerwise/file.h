#pragma once

#include <filesystem>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace layerwise {

/// A file cannot be read or written, or its content is invalid. `what()` names the file.
class FileError : public std::runtime_error {
 public:
  /// @param code the system's error number; 0 if the content is invalid
  /// @param hint what to do about it
  explicit FileError(const std::string& what, int code = 0,
                     std::string hint = "see that the file is there, whole, and yours to read")
      : std::runtime_error(what), code_(code), hint_(std::move(hint)) {}
  int code() const { return code_; }
  const std::string& hint() const { return hint_; }

 private:
  int code_;
  std::string hint_;
};

/// The whole content of a regular file.
/// @throws FileError if it is missing, not a regular file, or cannot be read
std::string read_file(const std::filesystem::path& path);

/// Writes a file completely or not at all: writes `PATH.part`, flushes it to the disk, and renames
/// it.
///
/// Follows symbolic links. Anything that is not a regular file, such as a pipe or a device, is
/// written directly.
/// @throws FileError if the file cannot be written; an existing regular file is then unchanged
void write_whole(const std::filesystem::path& path, std::string_view content);

/// Gives a content piece by piece to `add`, so that it is never in memory as a whole.
using Pieces = std::function<void(const std::function<void(std::string_view piece)>& add)>;
/// The same for a content that comes in pieces.
/// @throws FileError likewise, and what `content` throws
void write_whole(const std::filesystem::path& path, const Pieces& content);

}  // namespace layerwise
