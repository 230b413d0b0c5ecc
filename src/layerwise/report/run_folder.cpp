#include "layerwise/report/run_folder.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>

#include <fmt/chrono.h>
#include <fmt/format.h>

#include "layerwise/report/failure.h"

namespace layerwise::report {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const char* action, const fs::path& path, int error) {
  const auto* hint = error == ENOSPC || error == EFBIG || error == EDQUOT
                         ? "free some space, or choose another folder with --out"
                         : "choose a folder that you may write to with --out";
  throw Failure(fmt::format("cannot {} '{}': {}", action, path.string(), std::strerror(error)),
                hint);
}

/// 0, or the error number.
int write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(file, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<size_t>(written));
  }
  return 0;
}

int write_new_file(const fs::path& path, std::string_view content) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
  if (file < 0) return errno;
  int error = write_all(file, content);
  if (error == 0 && ::fsync(file) != 0 && errno != EINVAL) error = errno;
  if (::close(file) != 0 && error == 0) error = errno;
  return error;
}

}  // namespace

void write_whole(const fs::path& path, std::string_view content) {
  auto part = path;
  part += ".part";
  int error = write_new_file(part, content);
  if (error == 0 && ::rename(part.c_str(), path.c_str()) != 0) error = errno;
  if (error == 0) return;
  ::unlink(part.c_str());
  fail("write", path, error);
}

RowFile::RowFile(fs::path path, std::string_view header) : path_(std::move(path)) {
  write_whole(path_, std::string(header) + "\n");
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

RunFolder::RunFolder(fs::path path, bool force) : path_(std::move(path)) {
  std::error_code error;
  fs::create_directories(path_, error);
  if (error || !fs::is_directory(path_))
    fail("make the folder", path_, error ? error.value() : ENOTDIR);
  const auto description = path_ / "run.json";
  if (fs::exists(description, error) && !force) {
    throw Failure(fmt::format("'{}' already holds a run", path_.string()),
                  "choose another folder with --out, or write over it with --force");
  }
  if (::access(path_.c_str(), W_OK | X_OK) != 0) fail("write to", path_, errno);
  static constexpr std::array known{".json", ".csv", ".png", ".svg", ".gp", ".html", ".part"};
  if (!fs::exists(description, error)) return;
  for (const auto& entry : fs::directory_iterator(path_)) {
    for (const auto* extension : known) {
      if (entry.is_regular_file() && entry.path().extension() == extension)
        fs::remove(entry.path(), error);
    }
  }
}

fs::path default_run_path(const std::string& program, unsigned seed) {
  const auto now = fmt::localtime(std::time(nullptr));
  const auto base = fmt::format("runs/{}-{}-{:%Y%m%d-%H%M%S}", program, seed, now);
  fs::path path = base;
  for (int n = 2; fs::exists(path); ++n) path = fmt::format("{}-{}", base, n);
  return path;
}

}  // namespace layerwise::report
