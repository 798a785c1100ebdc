#include "tests/support/process.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "common/base/check.h"

namespace sluice::test {
namespace {

int OpenOrDie(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
  SLUICE_CHECK(fd >= 0);
  return fd;
}

int ShellStatus(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

}  // namespace

Process::Process(const std::vector<std::string>& command, const ProcessOptions& options) {
  const int in = OpenOrDie(dir_.Write("in", options.stdin_text), O_RDONLY);
  const int out = OpenOrDie(dir_.File("out"), O_CREAT | O_WRONLY | O_APPEND);
  const int err =
      OpenOrDie(options.standard_error.empty() ? dir_.File("err") : options.standard_error,
                O_CREAT | O_WRONLY | O_APPEND);
  std::vector<char*> argv;
  for (const std::string& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);

  const pid_t parent = ::getpid();
  pid_ = ::fork();
  SLUICE_CHECK(pid_ >= 0);
  if (pid_ == 0) {
    ::dup2(in, 0);
    ::dup2(out, 1);
    ::dup2(err, 2);
    if (options.max_open_files) {
      const rlimit limit{*options.max_open_files, *options.max_open_files};
      ::setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (options.usual_open_files) {
      rlimit limit{};
      ::getrlimit(RLIMIT_NOFILE, &limit);
      limit.rlim_cur = *options.usual_open_files;
      ::setrlimit(RLIMIT_NOFILE, &limit);
    }
    if (options.user && ::geteuid() == 0) {
      if (::setgroups(0, nullptr) != 0 || ::setgid(*options.user) != 0 ||
          ::setuid(*options.user) != 0) {
        ::_exit(126);
      }
    }
    // After setuid, which clears it.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(126);
    sigset_t blocked;
    sigemptyset(&blocked);
    for (const int signal : options.blocked_signals) {
      sigaddset(&blocked, signal);
      ::signal(signal, SIG_IGN);
    }
    ::sigprocmask(SIG_BLOCK, &blocked, nullptr);
    for (const auto& [name, value] : options.environment) {
      ::setenv(name.c_str(), value.c_str(), 1);
    }
    ::execvp(argv[0], argv.data());
    const char message[] = "cannot start the program\n";
    [[maybe_unused]] const auto written = ::write(2, message, sizeof(message) - 1);
    ::_exit(127);
  }
  ::close(in);
  ::close(out);
  ::close(err);
}

Process::~Process() {
  if (Running()) {
    ::kill(pid_, SIGKILL);
    Wait();
  }
}

bool Process::Running() {
  if (status_) return false;
  int wait_status = 0;
  if (::waitpid(pid_, &wait_status, WNOHANG) != pid_) return true;
  status_ = ShellStatus(wait_status);
  return false;
}

void Process::Signal(int signal) {
  if (Running()) ::kill(pid_, signal);
}

std::optional<int> Process::Wait(std::chrono::milliseconds deadline) {
  if (!Eventually([this] { return !Running(); }, deadline)) return std::nullopt;
  return status_;
}

ProcessResult Run(const std::vector<std::string>& command, const ProcessOptions& options,
                  std::chrono::milliseconds deadline) {
  Process process(command, options);
  const std::optional<int> status = process.Wait(deadline);
  return {status.value_or(-1), process.Out(), process.Err()};
}

std::size_t ResidentBytes(pid_t pid) {
  std::ifstream statm("/proc/" + std::to_string(pid) + "/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace sluice::test
