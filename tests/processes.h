#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <string>
#include <thread>

#include "testing.h"

/// Processes that tests look at from outside.
namespace layerwise::testing {

/// False for a zombie, too.
inline bool is_alive(pid_t process) {
  const auto stat = content_of("/proc/" + std::to_string(process) + "/stat");
  const auto state = stat.rfind(") ");
  return state != std::string::npos && stat[state + 2] != 'Z' && stat[state + 2] != 'X';
}

/// Waits until something is so, ten seconds at most.
template <typename Condition>
bool soon(const Condition& condition) {
  for (int i = 0; i < 1000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

/// The process number that a file holds, once it is there; 0 if it never is.
inline pid_t process_in(const std::filesystem::path& file) {
  soon([&] { return contains(content_of(file), "\n"); });
  return std::atoi(content_of(file).c_str());
}

}  // namespace layerwise::testing
