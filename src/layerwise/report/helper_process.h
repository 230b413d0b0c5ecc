#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace layerwise::report {

/// A program that does a short piece of work for this one.
struct Helper {
  std::filesystem::path program;
  std::vector<std::string> arguments;  ///< without the program's name
  std::filesystem::path folder;        ///< its working directory
  std::filesystem::path log;           ///< gets its standard output and standard error
  std::string hint;                    ///< of the failure if it cannot start or takes too long
  std::chrono::milliseconds time_limit = std::chrono::seconds(60);
};

/// Runs a helper and waits until it ends.
///
/// The helper has a process group of its own, so that Ctrl-C in a terminal reaches only this
/// program; its signals have their default actions, and its standard input is empty. At its time
/// limit, and when `check` throws, the whole group is killed. The helper also dies with the thread
/// that called this function, even if that is killed.
/// @param check called every few milliseconds; run_helper passes on what it throws
/// @returns the exit status, or 128 + n if signal n ended the helper
/// @throws Failure if the helper cannot start or exceeds its time limit
int run_helper(const Helper& helper, const std::function<void()>& check = {});

}  // namespace layerwise::report
