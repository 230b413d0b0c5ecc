#pragma once

#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>

namespace layerwise {

/// A file cannot be read or written, or does not hold what it should. `what()` names the file.
class FileError : public std::runtime_error {
 public:
  /// @param code the system's error number; 0 if the content is at fault
  explicit FileError(const std::string& what, int code = 0)
      : std::runtime_error(what), code_(code) {}
  int code() const { return code_; }

 private:
  int code_;
};

/// The whole content of a regular file.
/// @throws FileError if it is missing, not a regular file, or cannot be read
std::string read_file(const std::filesystem::path& path);

/// Writes a file whole or not at all: to `PATH.part`, to the disk, then under its name.
///
/// A symbolic link is followed; what is no regular file (a pipe, a device) is written to as it is.
/// @throws FileError if it cannot be written; what stood there before still does
void write_whole(const std::filesystem::path& path, std::string_view content);

}  // namespace layerwise
