#pragma once

#include <sys/wait.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <string>
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
