#include "layerwise/report/run_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "layerwise/file.h"
#include "layerwise/report/failure.h"

namespace layerwise::report {

namespace fs = std::filesystem;

namespace {

std::string hint_for(int error, const std::string& option) {
  const bool full = error == ENOSPC || error == EFBIG || error == EDQUOT;
  return full ? fmt::format("free some space, or choose another place ({})", option)
              : fmt::format("choose a place that you may write to ({})", option);
}

[[noreturn]] void fail(const char* action, const fs::path& path, int error) {
  throw Failure(fmt::format("cannot {} '{}': {}", action, path.string(), std::strerror(error)),
                hint_for(error, "out"));
}

/// Writes all bytes; returns 0 on success, else the error number.
int write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

}  // namespace

void write_run_file(const fs::path& path, std::string_view content, const std::string& option) {
  write_run_file(
      path, [&](const auto& add) { add(content); }, option);
}

void write_run_file(const fs::path& path, const Pieces& content, const std::string& option) {
  try {
    layerwise::write_whole(path, content);
  } catch (const FileError& error) {
    throw Failure(error.what(), hint_for(error.code(), option));
  }
}

RowFile::RowFile(fs::path path, std::string_view beginning)
    : RowFile(std::move(path), [&](const auto& add) { add(beginning); }) {}

RowFile::RowFile(fs::path path, const Pieces& beginning) : path_(std::move(path)) {
  write_run_file(path_, beginning);
  file_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (file_ < 0) fail("open", path_, errno);
}

RowFile::~RowFile() {
  if (file_ >= 0) ::close(file_);
}

void RowFile::append(std::string_view lines) {
  struct stat before {};
  if (::fstat(file_, &before) != 0) fail("look at", path_, errno);
  const int error = write_all(file_, lines);
  if (error == 0) return;
  if (::ftruncate(file_, before.st_size) != 0) fail("write and repair", path_, error);
  fail("write", path_, error);
}

RunFolder::RunFolder(fs::path path, const std::vector<std::string>& files, Use use)
    : path_(std::move(path)) {
  std::error_code error;
  fs::create_directories(path_, error);
  if (error || !fs::is_directory(path_, error))
    fail("make the folder", path_, error ? error.value() : ENOTDIR);
  if (::access(path_.c_str(), W_OK | X_OK) != 0) fail("write to", path_, errno);
  lock_ = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (lock_ >= 0 && ::flock(lock_, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(lock_);
    throw Failure(fmt::format("another program is writing to '{}'", path_.string()),
                  "wait for it, or choose another folder (out)");
  }
  if (use == Use::go_on) return;
  for (const auto& name : files) {
    if (!fs::exists(path_ / name, error)) continue;
    if (use == Use::begin) {
      ::close(lock_);
      throw Failure(fmt::format("'{}' already holds a run: {} exists", path_.string(), name),
                    "choose another folder (out), or write over it (force)");
    }
    fs::remove(path_ / name, error);
  }
}

RunFolder::~RunFolder() {
  if (lock_ >= 0) ::close(lock_);
}

fs::path default_run_path(const std::string& program, unsigned seed) {
  const auto seconds = std::time(nullptr);
  std::tm now{};
  ::localtime_r(&seconds, &now);
  const auto base = fmt::format("{}/{}-{}-{:%Y%m%d-%H%M%S}", runs_folder, program, seed, now);
  fs::path path = base;
  std::error_code ignored;
  for (int n = 2; fs::exists(path, ignored); ++n) path = fmt::format("{}-{}", base, n);
  return path;
}

}  // namespace layerwise::report
