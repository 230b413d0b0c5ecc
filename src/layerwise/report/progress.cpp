#include "layerwise/report/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include <fmt/format.h>

#include "layerwise/report/print.h"

namespace layerwise::report {

Progress::Style Progress::style_for(std::FILE* stream, bool quiet) {
  if (quiet) return Style::off;
  const char* terminal = std::getenv("TERM");
  const bool dumb = terminal == nullptr || std::string_view(terminal) == "dumb";
  return ::isatty(::fileno(stream)) != 0 && !dumb ? Style::live : Style::lines;
}

Progress::Progress(Style style, double total, std::FILE* stream)
    : style_(style), total_(total), stream_(stream) {}

Progress::~Progress() {
  clear_locked();
}

void Progress::begin(double done) {
  const std::lock_guard lock(mutex_);
  before_ = done_ = done;
  start_ = Clock::now();
}

void Progress::advance(const std::string& what, double work) {
  const std::lock_guard lock(mutex_);
  done_ += work;
  const auto now = Clock::now();
  if (style_ != Style::live || now - drawn_ < std::chrono::milliseconds(100)) return;
  drawn_ = now;
  line_shown_ = true;
  write(fmt::format("\r\x1b[K{:3.0f}%  {}  {}", 100 * std::min(1.0, done_ / total_), what,
                    time_left()));
}

void Progress::stage_done(const std::string& what) {
  const std::lock_guard lock(mutex_);
  if (style_ == Style::lines) write(fmt::format("{}, {}\n", what, time_left()));
}

void Progress::note(const std::string& remark) {
  const std::lock_guard lock(mutex_);
  if (style_ == Style::off) return;
  clear_locked();
  write(remark);
}

void Progress::print(const std::string& result) {
  const std::lock_guard lock(mutex_);
  clear_locked();
  print_result(result);
}

void Progress::clear_locked() {
  if (!line_shown_) return;
  line_shown_ = false;
  write("\r\x1b[K");
}

void Progress::write(const std::string& text) const {
  std::fputs(text.c_str(), stream_);
  std::fflush(stream_);
}

std::string Progress::time_left() const {
  const double spent = std::chrono::duration<double>(Clock::now() - start_).count();
  if (done_ <= before_) return "time left unknown";
  return duration_text(spent * std::max(0.0, total_ - done_) / (done_ - before_)) + " left";
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<long long>(std::llround(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

}  // namespace layerwise::report
