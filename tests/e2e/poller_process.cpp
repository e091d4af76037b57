// SPDX-License-Identifier: BSD-2-Clause
#include "poller_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <array>
#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "support/sandbox.h"

extern char** environ;

namespace xdpfwd::test {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kPatience = std::chrono::seconds(60);
constexpr const char* kProgram = XDPFWD_BINARY_DIR "/xdpfwd-poller";

cpu_set_t allowed_cpus() {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  if (sched_getaffinity(0, sizeof(cpus), &cpus) < 0) throw std::runtime_error("sched_getaffinity");
  return cpus;
}

}  // namespace

PollerProcess::PollerProcess(const std::string& folder, std::string name)
    : folder_("/mnt/" + folder), counters_(folder_ + "/" + std::move(name)) {
  enter_sandbox();
  std::filesystem::remove_all(folder_);
  std::filesystem::create_directories(folder_);
  notify_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  const std::string path = folder_ + "/notify";
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  const timeval at_most{.tv_sec = 0, .tv_usec = 100'000};
  if (bind(notify_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) < 0 ||
      setsockopt(notify_.get(), SOL_SOCKET, SO_RCVTIMEO, &at_most, sizeof(at_most)) < 0)
    throw std::runtime_error("cannot bind " + path);
}

PollerProcess::~PollerProcess() {
  if (pid_ > 0) end(SIGKILL);
}

void PollerProcess::spawn(const std::vector<std::string>& arguments) {
  const std::string log_path = folder_ + "/log";
  std::filesystem::remove(log_path);
  std::vector<const char*> all = {kProgram, "--runtime-dir", counters_.c_str()};
  for (const std::string& argument : arguments) all.push_back(argument.c_str());
  all.push_back(nullptr);
  const std::string notify = "NOTIFY_SOCKET=" + folder_ + "/notify";
  std::vector<char*> environment;
  for (char** variable = environ; *variable; ++variable) environment.push_back(*variable);
  environment.push_back(const_cast<char*>(notify.c_str()));
  environment.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                   0600);
  const int error =
      posix_spawn(&pid_, kProgram, &actions, nullptr, const_cast<char**>(all.data()), environment.data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0)
    throw std::runtime_error(fmt::format("cannot start {}: {}", kProgram, std::strerror(error)));
}

void PollerProcess::start(const std::vector<std::string>& arguments) {
  spawn(arguments);
  for (const auto until = Clock::now() + kPatience; Clock::now() < until;) {
    std::array<char, 256> text{};
    if (recv(notify_.get(), text.data(), text.size() - 1, 0) > 0 && std::strstr(text.data(), "READY=1"))
      return;
    if (int status = 0; waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      throw std::runtime_error("the poller ended: " + log());
    }
  }
  throw std::runtime_error("the poller is not ready: " + log());
}

int PollerProcess::start_and_fail(const std::vector<std::string>& arguments) {
  spawn(arguments);
  return reap();
}

void PollerProcess::signal(int signal) const {
  if (kill(pid_, signal) < 0) throw std::runtime_error("kill");
}

int PollerProcess::end(int signal) {
  kill(pid_, signal);
  return reap();
}

int PollerProcess::reap() {
  int status = 0;
  if (waitpid(pid_, &status, 0) != pid_) throw std::runtime_error("waitpid");
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int PollerProcess::release() const {
  return run_status(fmt::format("{} --release --name test --runtime-dir {}", kProgram, counters_));
}

std::string PollerProcess::changes() const {
  std::ifstream file(counters_ + "/changes");
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string PollerProcess::log() const {
  std::ifstream file(folder_ + "/log");
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

nlohmann::json PollerProcess::status() const {
  std::string text;
  if (run_status(fmt::format("{} --status --name test --runtime-dir {}", kProgram, counters_), &text) != 0)
    return {};
  return nlohmann::json::parse(text);
}

bool PollerProcess::wait_queue(const std::function<bool(const nlohmann::json&)>& wanted) const {
  for (const auto until = Clock::now() + kPatience; Clock::now() < until;
       std::this_thread::sleep_for(std::chrono::milliseconds(10)))
    if (wanted(queue())) return true;
  return false;
}

unsigned poller_cpu() {
  const cpu_set_t cpus = allowed_cpus();
  unsigned last = 0;
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &cpus)) last = cpu;
  return last;
}

unsigned other_cpu() {
  const cpu_set_t cpus = allowed_cpus();
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu)
    if (CPU_ISSET(cpu, &cpus)) return cpu;
  return 0;
}

}  // namespace xdpfwd::test
