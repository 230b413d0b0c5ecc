#pragma once

#include <sanitizer/allocator_interface.h>

#include <cstddef>

/// Ends a fuzz target when one allocation is larger than its input explains.
namespace allocations {

inline size_t largest_allowed = static_cast<size_t>(-1);

inline void check(const volatile void*, size_t size) {
  if (size > largest_allowed) __builtin_trap();
}

/// While it lives, no single allocation may exceed `bytes`.
class Limit {
 public:
  explicit Limit(size_t bytes) {
    static const int installed =
        __sanitizer_install_malloc_and_free_hooks(check, [](const volatile void*) {});
    static_cast<void>(installed);
    largest_allowed = bytes;
  }
  ~Limit() { largest_allowed = static_cast<size_t>(-1); }
};

}  // namespace allocations
