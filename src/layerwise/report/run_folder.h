#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "layerwise/file.h"

namespace layerwise::report {

/// Where runs have their folders, unless they are given one.
constexpr auto runs_folder = "runs";

/// Writes a file completely or not at all: writes `PATH.part`, flushes it to the disk, and renames
/// it.
///
/// Follows symbolic links. Anything that is not a regular file, such as a pipe or a device, is
/// written directly.
/// @param option the option that named the path, for the hint of a failure
/// @throws Failure if the disk is full or the folder is not writable; an existing regular file is
///   then unchanged
void write_run_file(const std::filesystem::path& path, std::string_view content,
                    const std::string& option = "out");
/// The same for a content that comes in pieces.
void write_run_file(const std::filesystem::path& path, const Pieces& content,
                    const std::string& option = "out");

/// A file of rows that grows while a program runs. After every `append` it holds complete rows
/// only; of a program that is killed within one, the last row may be cut.
class RowFile {
 public:
  /// Creates the file with these complete lines; the first is its header.
  /// @throws Failure if that cannot be written; an existing file is then unchanged
  RowFile(std::filesystem::path path, const Pieces& beginning);
  RowFile(std::filesystem::path path, std::string_view beginning);
  ~RowFile();
  RowFile(const RowFile&) = delete;
  RowFile& operator=(const RowFile&) = delete;

  /// Appends complete lines. @throws Failure if they cannot be written; the file is first cut back
  /// to its previous length, if possible
  void append(std::string_view lines);

 private:
  std::filesystem::path path_;
  int file_ = -1;
};

/// The folder of a program's run. It is locked against other programs while this object lives.
class RunFolder {
 public:
  /// What to do about a run that the folder already holds.
  enum class Use {
    begin,    ///< none of its files may exist
    replace,  ///< existing files are removed first
    go_on,    ///< the run is continued
  };
  /// Creates the folder, with its parents, if it does not exist.
  /// @param files the files that the run is going to write
  /// @throws Failure if some of these files exist and may not, another program is writing to the
  ///   folder, or the folder cannot be created or written to
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

/// `runs/PROGRAM-SEED-TIME`, with the time to the second; a number is appended if that exists
/// already.
std::filesystem::path default_run_path(const std::string& program, unsigned seed);

}  // namespace layerwise::report
