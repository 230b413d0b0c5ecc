#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace layerwise::report {

/// Writes a file whole or not at all: to `PATH.part`, to the disk, then under its name.
/// @throws Failure if the disk is full or the folder not writable; what stood there before then
/// still does
void write_whole(const std::filesystem::path& path, std::string_view content);

/// A file of rows that grows while a program runs. After every `append` it holds whole rows only.
class RowFile {
 public:
  /// Begins the file anew with its header line.
  /// @throws Failure if that cannot be written
  RowFile(std::filesystem::path path, std::string_view header);
  ~RowFile();
  RowFile(const RowFile&) = delete;
  RowFile& operator=(const RowFile&) = delete;

  /// Adds whole lines. @throws Failure, with the file as it was before
  void append(std::string_view lines);

 private:
  std::filesystem::path path_;
  int file_ = -1;
};

/// The folder that a program's run is written to.
class RunFolder {
 public:
  /// Makes the folder, with its parents.
  /// @param force write over a run that the folder holds; its known files are removed first
  /// @throws Failure if it holds a run and `force` is not given, or if it cannot be made or written
  /// to
  RunFolder(std::filesystem::path path, bool force);

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path file(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
};

/// `runs/PROGRAM-SEED-TIME`, the time to the second, with a number behind it if that exists
/// already.
std::filesystem::path default_run_path(const std::string& program, unsigned seed);

}  // namespace layerwise::report
