#pragma once

#include <chrono>
#include <cstdio>
#include <mutex>
#include <string>

namespace layerwise::report {

/// Shows on stderr the progress of a program and the time left. Safe to call from several threads.
class Progress {
 public:
  enum class Style {
    off,
    lines,  ///< one line per stage
    live,   ///< one line that is redrawn
  };
  /// `off` if quiet, `live` on a terminal, else `lines`.
  static Style style_for(std::FILE* stream, bool quiet);

  /// @param total amount of work, in any unit
  Progress(Style style, double total, std::FILE* stream = stderr);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Starts the clock by which the time left is estimated; before, it runs from the construction.
  /// @param done work that an earlier run did, in another time
  void begin(double done);
  /// Reports that some work was done.
  void advance(const std::string& what, double work);
  /// Reports the end of a stage; prints a line in the style `lines`.
  void stage_done(const std::string& what);
  /// Prints a remark after removing the live line; prints nothing in the style `off`.
  void note(const std::string& remark);
  /// Prints a result after removing the live line.
  void print(const std::string& result);

 private:
  using Clock = std::chrono::steady_clock;
  std::string time_left() const;
  void write(const std::string& text) const;
  void clear_locked();

  const Style style_;
  const double total_;
  std::FILE* const stream_;
  std::mutex mutex_;
  double before_ = 0;
  double done_ = 0;
  Clock::time_point start_ = Clock::now();
  Clock::time_point drawn_{};
  bool line_shown_ = false;
};

/// A duration as text: `45 s`, `3 min 20 s`, `2 h 05 min`.
std::string duration_text(double seconds);

}  // namespace layerwise::report
