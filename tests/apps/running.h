#pragma once

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "testing.h"

/// Runs the programs as their user does.
namespace layerwise::testing {

struct Outcome {
  int status;
  std::string out;
  std::string err;
};

inline std::string program(const std::string& name) {
  return fmt::format("{}/{}", LAYERWISE_PROGRAMS_DIR, name);
}

inline std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

/// A row of a table, cut at its commas.
inline std::vector<std::string> fields_of(const std::string& line) {
  std::vector<std::string> fields(1);
  for (const char c : line) {
    if (c == ',') {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return fields;
}

/// Runs a shell command in a folder.
inline Outcome run(const TemporaryFolder& folder, const std::string& command) {
  const auto out = folder.file("stdout.txt");
  const auto err = folder.file("stderr.txt");
  const auto shell =
      fmt::format("cd '{}' && {{ {}; }} >'{}' 2>'{}'", folder.path().string(), command, out, err);
  const int status = std::system(shell.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), content_of(out),
          content_of(err)};
}

/// Starts a shell command in a folder, and ends it by a signal as soon as something is so (or after
/// a minute).
/// @returns what `waitpid` says of it
template <typename Condition>
int end_when(const TemporaryFolder& folder, const std::string& command, int signal,
             const Condition& condition) {
  const auto shell =
      fmt::format("cd '{}' && exec env {} >out.txt 2>err.txt", folder.path().string(), command);
  const pid_t child = ::fork();
  if (child == 0) {
    ::execl("/bin/sh", "sh", "-c", shell.c_str(), nullptr);
    ::_exit(3);
  }
  for (int i = 0; i < 6000 && !condition(); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  ::kill(child, signal);
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

inline void require_two_lines(const Outcome& outcome, int status) {
  INFO("stderr: " << outcome.err);
  REQUIRE(outcome.status == status);
  const auto lines = lines_of(outcome.err);
  REQUIRE(lines.size() >= 2);
  REQUIRE(lines[lines.size() - 2].rfind("error: ", 0) == 0);
  REQUIRE(lines.back().rfind("hint: ", 0) == 0);
  REQUIRE(std::count_if(lines.begin(), lines.end(),
                        [](const auto& line) { return contains(line, "error"); }) == 1);
}

}  // namespace layerwise::testing
