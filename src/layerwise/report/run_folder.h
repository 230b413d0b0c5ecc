#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace layerwise::report {

/// Writes a file whole or not at all: to `PATH.part`, to the disk, then under its name.
///
/// A symbolic link is followed; what is no regular file (a pipe, a device) is written to as it is.
/// @param option what named the place, for the hint of a failure
/// @throws Failure if the disk is full or the folder not writable; what stood there before still
/// does
void write_whole(const std::filesystem::path& path, std::string_view content,
                 const std::string& option = "out");

/// A file of rows that grows while a program runs. After every `append` it holds whole rows only.
class RowFile {
 public:
  /// Begins the file anew with these whole lines, its header first.
  /// @throws Failure if that cannot be written; what stood there before still does
  RowFile(std::filesystem::path path, std::string_view beginning);
  ~RowFile();
  RowFile(const RowFile&) = delete;
  RowFile& operator=(const RowFile&) = delete;

  /// Adds whole lines. @throws Failure, with the file as it was before
  void append(std::string_view lines);

 private:
  std::filesystem::path path_;
  int file_ = -1;
};

/// The folder that a program's run is written to, locked against other programs while it lives.
class RunFolder {
 public:
  /// Makes the folder, with its parents.
  enum class Use {
    begin,    ///< none of the files may exist
    replace,  ///< those that exist are removed first
    go_on,    ///< with the run that the folder holds
  };
  /// @param files what the run is going to write
  /// @throws Failure if some of these files exist where none may, if another program is writing to
  ///   the folder, or if it cannot be made or written to
  RunFolder(std::filesystem::path path, const std::vector<std::string>& files, Use use);
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path file(const std::string& name) const { return path_ / name; }

 private:
  std::filesystem::path path_;
  int lock_ = -1;
};

/// `runs/PROGRAM-SEED-TIME`, the time to the second, with a number behind it if that exists
/// already.
std::filesystem::path default_run_path(const std::string& program, unsigned seed);

}  // namespace layerwise::report
