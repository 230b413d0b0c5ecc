// MKL, as pip's LibTorch 2.13.0 brings it, chooses the kernels of its vector math (square roots,
// exponentials, ...) at the first call, without a lock:
//
//     if (type == -1) { type = raw type of the processor; type = table[type]; }
//
// A thread that comes between the two stores computes with the kernel of the raw type, which gives
// other bits than all later calls. `prepare_thread` makes the first call before any thread fits.
// Here the page of the table is made to fault, so that the instant between the stores lasts until a
// second thread has been there; each trial is a process of its own.
//
//     vector_math_test          0 of the trials may differ
//     vector_math_test bare     the same without `prepare_thread`: shows the cause
#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <thread>

#include <ATen/Functions.h>
#include <ATen/Parallel.h>

#include "layerwise/device.h"

/// MKL asks this of itself; where it says yes, the raw type is not what the table holds.
extern "C" __attribute__((visibility("default"))) int mkl_serv_intel_cpu_true();
int mkl_serv_intel_cpu_true() {
  return 1;
}

namespace {

constexpr size_t page_size = 4096;
constexpr int trials = 20;

void* page = nullptr;
std::atomic<int> between_stores = 0;
std::atomic<int> other_is_done = 0;

void wait(const std::atomic<int>& flag) {
  for (int i = 0; i < 300 && flag == 0; ++i) ::usleep(1000);
}

void let_other_go_first(int) {
  between_stores = 1;
  wait(other_is_done);
  ::mprotect(page, page_size, PROT_READ | PROT_EXEC);
}

/// The page of MKL's table; null where MKL is another one, or not there.
void* page_of_table() {
  constexpr size_t place = 52;  // of `lea table(%rip), %rcx` in the function
  const auto* code =
      static_cast<const unsigned char*>(::dlsym(RTLD_DEFAULT, "mkl_vml_serv_cpu_detect"));
  const unsigned char load_address[] = {0x48, 0x8d, 0x0d};
  if (code == nullptr || std::memcmp(code + place, load_address, sizeof load_address) != 0)
    return nullptr;
  int32_t distance = 0;
  std::memcpy(&distance, code + place + sizeof load_address, sizeof distance);
  const auto table =
      reinterpret_cast<uintptr_t>(code + place + sizeof load_address + sizeof distance) +
      static_cast<uintptr_t>(static_cast<intptr_t>(distance));
  return reinterpret_cast<void*>(table & ~uintptr_t{page_size - 1});
}

/// Two threads take roots for the first time, at once: do they get the same bits?
bool bits_differ(bool prepared) {
  const auto x = at::arange(1, 20001, at::kFloat);
  const auto prepare = [&] {
    if (prepared) {
      layerwise::prepare_thread(1);
    } else {
      at::set_num_threads(1);
    }
  };
  prepare();
  std::signal(SIGSEGV, let_other_go_first);
  ::mprotect(page, page_size, PROT_NONE);
  at::Tensor second;
  std::thread other([&] {
    prepare();
    for (int i = 0; i < 50 && between_stores == 0; ++i) ::usleep(1000);
    second = x.sqrt();
    other_is_done = 1;
  });
  const auto first = x.sqrt();
  other.join();
  return !first.equal(second);
}

}  // namespace

int main(int argc, char** argv) {
  const bool bare = argc > 1 && std::strcmp(argv[1], "bare") == 0;
  page = page_of_table();
  if (page == nullptr) {
    std::puts("skipped: no MKL whose first call is known");
    return 0;
  }
  int differ = 0;
  for (int trial = 0; trial < trials; ++trial) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(bits_differ(!bare) ? 1 : 0);
    int status = 0;
    ::waitpid(child, &status, 0);
    differ += status != 0;
  }
  std::printf("%d of %d trials differ\n", differ, trials);
  return bare == (differ > 0) ? 0 : 1;
}
