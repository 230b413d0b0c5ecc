#include "layerwise/study/interrupt.h"

#include <atomic>
#include <csignal>
#include <utility>

namespace layerwise::study {

namespace {

std::atomic<int> noted_signal = 0;
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may set it");

extern "C" void note_signal(int signal) {
  noted_signal = signal;
}

std::string name_of(int signal) {
  return signal == SIGINT ? "Ctrl-C" : "SIGTERM";
}

}  // namespace

Interrupted::Interrupted(int signal, std::string hint)
    : std::runtime_error("stopped by " + name_of(signal)),
      signal_(signal),
      hint_(std::move(hint)) {}

void note_interrupts() {
  struct sigaction action {};
  action.sa_handler = note_signal;
  action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : {SIGINT, SIGTERM}) {
    struct sigaction before {};
    sigaction(signal, nullptr, &before);
    if (before.sa_handler != SIG_IGN) sigaction(signal, &action, nullptr);  // as under nohup
  }
}

void throw_if_interrupted(const char* hint) {
  if (noted_signal != 0) throw Interrupted(noted_signal, hint);
}

}  // namespace layerwise::study
