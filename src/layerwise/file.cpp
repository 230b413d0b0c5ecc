#include "layerwise/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fmt/format.h>

namespace layerwise {

namespace fs = std::filesystem;

namespace {

[[noreturn]] void fail(const char* action, const fs::path& path, int error) {
  throw FileError(fmt::format("cannot {} '{}': {}", action, path.string(), std::strerror(error)),
                  error);
}

/// Writes a file through a buffer. After the first error nothing more is written.
class Writer {
 public:
  Writer(const fs::path& path, int flags)
      : file_(::open(path.c_str(), O_WRONLY | O_CLOEXEC | flags, 0666)),
        error_(file_ < 0 ? errno : 0) {}
  ~Writer() {
    if (file_ >= 0) ::close(file_);
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void add(std::string_view bytes) {
    buffer_ += bytes;
    if (buffer_.size() >= buffer_size) write_buffer();
  }
  /// Flushes what was written to the disk; returns 0 on success, else the error number.
  int end() {
    write_buffer();
    if (error_ == 0 && ::fsync(file_) != 0 && errno != EINVAL && errno != EROFS) error_ = errno;
    if (file_ >= 0 && ::close(file_) != 0 && error_ == 0) error_ = errno;
    file_ = -1;
    return error_;
  }

 private:
  static constexpr size_t buffer_size = 1 << 16;

  void write_buffer() {
    std::string_view bytes = buffer_;
    while (error_ == 0 && !bytes.empty()) {
      const auto written = ::write(file_, bytes.data(), bytes.size());
      if (written >= 0) bytes.remove_prefix(static_cast<size_t>(written));
      if (written < 0 && errno != EINTR) error_ = errno;
    }
    buffer_.clear();
  }

  int file_;
  int error_;
  std::string buffer_;
};

/// Writes the pieces to a file; returns 0 on success, else the error number.
int write_file(const fs::path& path, const Pieces& content, int flags) {
  Writer writer(path, flags);
  content([&](std::string_view piece) { writer.add(piece); });
  return writer.end();
}

}  // namespace

std::string read_file(const fs::path& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (file < 0) fail("read", path, errno);
  struct stat status {};
  int error = ::fstat(file, &status) == 0 ? 0 : errno;
  if (error == 0 && !S_ISREG(status.st_mode)) error = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
  std::string content;
  if (error == 0) content.resize(static_cast<size_t>(status.st_size));
  size_t size = 0;
  while (error == 0 && size < content.size()) {
    const auto got = ::read(file, content.data() + size, content.size() - size);
    if (got == 0) break;
    if (got > 0) size += static_cast<size_t>(got);
    if (got < 0 && errno != EINTR) error = errno;
  }
  ::close(file);
  if (error != 0) fail("read", path, error);
  content.resize(size);
  return content;
}

void write_whole(const fs::path& path, std::string_view content) {
  write_whole(path, [&](const auto& add) { add(content); });
}

void write_whole(const fs::path& path, const Pieces& content) {
  std::error_code ignored;
  if (fs::exists(path, ignored) && !fs::is_regular_file(path, ignored)) {
    const int error = write_file(path, content, 0);
    if (error != 0) fail("write", path, error);
    return;
  }
  const auto target = fs::exists(path, ignored) ? fs::canonical(path, ignored) : path;
  auto part = target;
  part += ".part";
  int error = 0;
  try {
    error = write_file(part, content, O_CREAT | O_TRUNC);
  } catch (...) {
    ::unlink(part.c_str());
    throw;
  }
  if (error == 0 && ::rename(part.c_str(), target.c_str()) != 0) error = errno;
  if (error == 0) return;
  ::unlink(part.c_str());
  fail("write", path, error);
}

}  // namespace layerwise
