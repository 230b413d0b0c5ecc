#pragma once

#include <stdexcept>
#include <string>
#include <utility>

namespace layerwise::report {

/// An error that the user can fix: what is wrong, with the value, and a hint on what to do about
/// it. The program exits with status 1.
class Failure : public std::runtime_error {
 public:
  Failure(const std::string& what, std::string hint)
      : std::runtime_error(what), hint_(std::move(hint)) {}
  const std::string& hint() const { return hint_; }

 private:
  std::string hint_;
};

}  // namespace layerwise::report
