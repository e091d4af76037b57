// SPDX-License-Identifier: BSD-2-Clause
#include "bench/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/unique_fd.h"

namespace xdpfwd::bench {
namespace {

// Between fork and exec: only what is allowed there. The parent hears by the pipe why it failed.
[[noreturn]] void become(const ChildOptions& options, char* const* argv, char* const* envp, int log,
                         int failed) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setsid();  // Ctrl-C is for the harness
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const sched_param usual{};
  ::sched_setscheduler(0, SCHED_OTHER, &usual);
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  if (options.cpu)
    CPU_SET(*options.cpu, &cpus);
  else
    for (size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) CPU_SET(cpu, &cpus);
  bool good = ::sched_setaffinity(0, sizeof(cpus), &cpus) == 0;
  good =
      good && ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  // A /sys that shows the network namespace the process is in. Busy: the one that is there does.
  good = good && (::mount("sysfs", "/sys", "sysfs", 0, nullptr) == 0 || errno == EBUSY);
  const int nothing = ::open("/dev/null", O_RDONLY);
  good = good && ::dup2(nothing, 0) == 0 && ::dup2(log, 1) == 1 && ::dup2(log, 2) == 2;
  if (good) ::execvpe(argv[0], argv, envp);
  const int code = errno;
  (void)!::write(failed, &code, sizeof(code));
  ::_exit(127);
}

}  // namespace

std::string beside_this_program(const std::string& name) {
  std::error_code failed;
  const auto beside = std::filesystem::read_symlink("/proc/self/exe", failed).parent_path() / name;
  return std::filesystem::exists(beside, failed) ? beside.string() : "/usr/sbin/" + name;
}

Result<Child> Child::start(const ChildOptions& options) {
  const UniqueFd log(::open(options.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600));
  if (!log) return fail_errno(options.log, errno);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("a pipe", errno);
  const UniqueFd from(ends[0]);
  UniqueFd to(ends[1]);
  std::vector<char*> argv;
  argv.reserve(options.arguments.size() + 1);
  for (const std::string& argument : options.arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  std::vector<char*> envp;
  for (char** variable = environ; *variable != nullptr; ++variable) envp.push_back(*variable);
  // By this a child that outlived its harness would be known.
  static const std::string mark = fmt::format("XDPFWD_BENCH={}", ::getpid());
  envp.push_back(const_cast<char*>(mark.c_str()));
  for (const std::string& variable : options.environment) envp.push_back(const_cast<char*>(variable.c_str()));
  envp.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno(fmt::format("starting {}", options.arguments[0]), errno);
  if (pid == 0) become(options, argv.data(), envp.data(), log.get(), to.get());
  to.reset();
  Child child(pid, options);
  int code = 0;
  if (::read(from.get(), &code, sizeof(code)) == sizeof(code))
    return fail_errno(fmt::format("starting {}", options.arguments[0]), code,
                      code == ENOENT ? "deploy/dependencies.sh bench installs the contenders" : "");
  return child;
}

Child& Child::operator=(Child&& other) noexcept {
  if (this != &other) {
    end(SIGKILL);
    pid_ = std::exchange(other.pid_, -1);
    options_ = std::move(other.options_);
  }
  return *this;
}

void Child::end(int signal) {
  if (pid_ <= 0) return;
  const UniqueFd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
  ::kill(pid_, signal);
  ::kill(pid_, SIGCONT);  // a stopped process hears nothing
  pollfd event{handle.get(), POLLIN, 0};
  if (!handle || ::poll(&event, 1, 5000) != 1) ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void Child::freeze() const {
  if (pid_ > 0) ::kill(pid_, SIGSTOP);
}

void Child::thaw() const {
  if (pid_ > 0) ::kill(pid_, SIGCONT);
}

bool Child::running() const {
  if (pid_ <= 0) return false;
  siginfo_t info{};
  return ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
         info.si_pid == 0;
}

ProcessCost Child::cost() const {
  ProcessCost cost;
  std::ifstream status(fmt::format("/proc/{}/status", pid_));
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmRSS:")) cost.rss_mib = std::stod(line.substr(6)) / 1024;
  std::error_code gone;
  for (const auto& task : std::filesystem::directory_iterator(fmt::format("/proc/{}/task", pid_), gone)) {
    std::ifstream schedstat(task.path() / "schedstat");
    uint64_t on_cpu_ns = 0;
    schedstat >> on_cpu_ns;
    cost.cpu_ns += on_cpu_ns;
  }
  // PID (NAME) STATE and ten numbers; a name may have spaces.
  std::ifstream file(fmt::format("/proc/{}/stat", pid_));
  std::string stat;
  std::getline(file, stat);
  std::istringstream fields(stat.substr(std::min(stat.size(), stat.rfind(')') + 1)));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  fields >> cost.user_ticks >> cost.system_ticks;
  return cost;
}

ProcessCost operator-(const ProcessCost& later, const ProcessCost& earlier) {
  return {.rss_mib = later.rss_mib,
          .cpu_ns = later.cpu_ns - earlier.cpu_ns,
          .user_ticks = later.user_ticks - earlier.user_ticks,
          .system_ticks = later.system_ticks - earlier.system_ticks};
}

std::string Child::last_words() const {
  std::ifstream file(options_.log);
  std::stringstream text;
  text << file.rdbuf();
  std::string words = text.str();
  if (words.size() > 1500) words.erase(0, words.size() - 1500);
  return words;
}

}  // namespace xdpfwd::bench
