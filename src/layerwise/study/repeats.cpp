#include "layerwise/study/repeats.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include <fmt/format.h>

#include "layerwise/device.h"
#include "layerwise/report/failure.h"
#include "layerwise/study/interrupt.h"

namespace layerwise::study {

int64_t usable_cores() {
  cpu_set_t cores;
  if (::sched_getaffinity(0, sizeof cores, &cores) == 0) return CPU_COUNT(&cores);
  return std::max(1U, std::thread::hardware_concurrency());
}

void for_each_repeat(int64_t count, const Settings& settings,
                     const std::function<void(int64_t)>& work, const std::function<void()>& stop) {
  const int math_threads = static_cast<int>(settings.math_threads);
  std::atomic<int64_t> next = 0;
  std::mutex mutex;
  std::exception_ptr error;
  const auto fail = [&](const std::exception_ptr& what) {
    const std::lock_guard lock(mutex);
    if (!error) error = what;
    stop();
    next = count;
  };
  const auto take_turns = [&] {
    try {
      prepare_thread(math_threads);
      for (int64_t repeat = next++; repeat < count; repeat = next++) work(repeat);
    } catch (...) {
      fail(std::current_exception());
    }
  };
  std::vector<std::thread> threads;
  try {
    for (int64_t i = 1; i < std::min(settings.threads, count); ++i)
      threads.emplace_back(take_turns);
  } catch (const std::system_error&) {
    fail(std::make_exception_ptr(report::Failure(
        fmt::format("cannot start {} threads", settings.threads), "ask for fewer")));
  }
  take_turns();
  for (auto& thread : threads) thread.join();
  if (error) std::rethrow_exception(error);
  throw_if_interrupted();
}

}  // namespace layerwise::study
