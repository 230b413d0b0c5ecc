#include "layerwise/report/helper_process.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>

#include <fmt/format.h>

#include "layerwise/report/failure.h"

namespace layerwise::report {

namespace {

class File {
 public:
  explicit File(int number) : number_(number) {}
  ~File() { close(); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int number() const { return number_; }
  void close() {
    if (number_ >= 0) ::close(number_);
    number_ = -1;
  }

 private:
  int number_;
};

/// A child process that leads a process group. The destructor kills the group.
class Child {
 public:
  explicit Child(pid_t id) : id_(id) {}
  ~Child() {
    if (!reaped_) end();
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  bool has_ended() const {
    siginfo_t info{};
    const int error = ::waitid(P_PID, static_cast<id_t>(id_), &info, WEXITED | WNOHANG | WNOWAIT);
    return error == 0 ? info.si_pid != 0 : errno != EINTR;
  }

  /// Kills the rest of the group, and returns how the child ended: its exit status, or 128 + n
  /// after signal n.
  int end() {
    // Before the child is reaped: until then no other group can have this number.
    ::kill(-id_, SIGKILL);
    int status = 0;
    while (::waitpid(id_, &status, 0) < 0 && errno == EINTR) {
    }
    reaped_ = true;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

 private:
  pid_t id_;
  bool reaped_ = false;
};

/// The data that a child needs to become the helper.
struct Start {
  pid_t parent;
  const char* program;
  char* const* arguments;
  const char* folder;
  int log;
  int errors;  ///< the pipe for an error number if it fails
};

/// Runs in the child after `fork`, where other threads' locks may be held. So it calls only
/// functions that are safe in a signal handler.
[[noreturn]] void become_helper(const Start& start) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != start.parent) ::_exit(127);  // it died before this was set
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  for (int signal = 1; signal < NSIG; ++signal) ::sigaction(signal, &by_default, nullptr);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const int input = ::open("/dev/null", O_RDONLY);
  if (input >= 0 && ::dup2(input, STDIN_FILENO) >= 0 && ::dup2(start.log, STDOUT_FILENO) >= 0 &&
      ::dup2(start.log, STDERR_FILENO) >= 0 && ::chdir(start.folder) == 0) {
    ::execv(start.program, start.arguments);
  }
  const int error = errno;
  if (::write(start.errors, &error, sizeof error) < 0) ::_exit(126);
  ::_exit(127);
}

[[noreturn]] void fail_to_start(const Helper& helper, int error) {
  throw Failure(fmt::format("cannot start '{}': {}", helper.program.string(), std::strerror(error)),
                helper.hint);
}

/// Starts the helper, and returns its process ID after it leads a group and runs its own program.
pid_t start(const Helper& helper) {
  const File log(::open(helper.log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  int ends[2];
  if (log.number() < 0 || ::pipe2(ends, O_CLOEXEC) != 0) fail_to_start(helper, errno);
  const File errors(ends[0]);
  File errors_of_child(ends[1]);

  auto words = helper.arguments;
  words.insert(words.begin(), helper.program.filename().string());
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const Start start{::getpid(),   helper.program.c_str(),  arguments.data(), helper.folder.c_str(),
                    log.number(), errors_of_child.number()};
  // Not posix_spawn: only code of ours in the child can ask to be killed when this program dies.
  const pid_t child = ::fork();
  if (child < 0) fail_to_start(helper, errno);
  if (child == 0) become_helper(start);

  errors_of_child.close();
  int error = 0;
  ssize_t got = 0;
  do {
    got = ::read(errors.number(), &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    Child(child).end();
    fail_to_start(helper, error);
  }
  return child;
}

}  // namespace

int run_helper(const Helper& helper, const std::function<void()>& check) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + helper.time_limit;
  Child child(start(helper));
  while (!child.has_ended()) {
    if (check) check();
    if (Clock::now() > deadline) {
      throw Failure(fmt::format("'{}' did not end within {} s", helper.program.string(),
                                std::chrono::duration<double>(helper.time_limit).count()),
                    helper.hint);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return child.end();
}

}  // namespace layerwise::report
