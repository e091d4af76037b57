// SPDX-License-Identifier: BSD-2-Clause
#include "daemon_process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <array>
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

constexpr auto kPatience = std::chrono::seconds(20);

void write_file(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::trunc);
  file << text;
  file.close();
  if (!file) throw std::runtime_error("cannot write " + path);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

DaemonProcess::DaemonProcess(const std::string& name)
    : folder_("/mnt/" + name), bpffs_(enter_sandbox() + "/" + name) {
  std::filesystem::remove_all(folder_);
  std::filesystem::create_directories(folder_ + "/etc/xdpfwd.d");
  std::filesystem::create_directories(folder_ + "/state");
  notify_.reset(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  const std::string path = folder_ + "/notify";
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  if (bind(notify_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) < 0)
    throw std::runtime_error("cannot bind " + path);
  reader_ = std::thread([this] {
    std::array<char, 4096> text{};
    for (;;) {
      const ssize_t size = recv(notify_.get(), text.data(), text.size(), 0);
      if (size <= 0) return;  // shut down
      const std::lock_guard lock(mutex_);
      notifications_.emplace_back(text.data(), static_cast<size_t>(size));
      notified_.notify_all();
    }
  });
}

DaemonProcess::~DaemonProcess() {
  if (running()) end(SIGKILL);
  shutdown(notify_.get(), SHUT_RDWR);
  reader_.join();
  // The pins are what holds the programs.
  std::error_code ignored;
  std::filesystem::remove_all(bpffs_, ignored);
}

void DaemonProcess::write_config(const std::string& toml) const {
  write_file(folder_ + "/etc/xdpfwd.toml",
             fmt::format("[daemon]\nbpffs = \"{}\"\nstate_dir = \"{}/state\"\n[control]\nsocket = \"{}\"\n{}",
                         bpffs_, folder_, socket(), toml));
}

void DaemonProcess::write_drop_in(const std::string& file, const std::string& toml) const {
  const std::string path = folder_ + "/etc/xdpfwd.d/" + file;
  if (toml.empty())
    std::filesystem::remove(path);
  else
    write_file(path, toml);
}

void DaemonProcess::spawn() {
  {
    const std::lock_guard lock(mutex_);
    notifications_.clear();
  }
  const std::string config = folder_ + "/etc/xdpfwd.toml";
  const std::string log_path = folder_ + "/log";
  std::vector<const char*> arguments = {XDPFWD_BINARY_DIR "/xdpfwd", "--config", config.c_str(), nullptr};
  const std::string notify = "NOTIFY_SOCKET=" + folder_ + "/notify";
  std::vector<char*> environment;
  for (char** variable = environ; *variable; ++variable) environment.push_back(*variable);
  environment.push_back(const_cast<char*>(notify.c_str()));
  environment.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, log_path.c_str(), O_WRONLY | O_CREAT | O_APPEND,
                                   0600);
  const int error = posix_spawn(&pid_, arguments[0], &actions, nullptr, const_cast<char**>(arguments.data()),
                                environment.data());
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0)
    throw std::runtime_error(fmt::format("cannot start {}: {}", arguments[0], std::strerror(error)));
}

void DaemonProcess::start() {
  spawn();
  wait_notified("READY=1");
}

int DaemonProcess::start_and_fail() {
  spawn();
  return reap();
}

void DaemonProcess::wait_notified(const std::string& what) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  std::unique_lock lock(mutex_);
  for (;;) {
    while (!notifications_.empty()) {
      const std::string text = std::move(notifications_.front());
      notifications_.pop_front();
      if (text.find(what) != std::string::npos) return;
    }
    // The message is an event; the short wait is only for the child's end.
    if (notified_.wait_for(lock, std::chrono::milliseconds(100)) == std::cv_status::no_timeout) continue;
    if (int status = 0; waitpid(pid_, &status, WNOHANG) == pid_) {
      pid_ = -1;
      throw std::runtime_error("the daemon ended: " + log());
    }
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error("no " + what + " from the daemon: " + log());
  }
}

int DaemonProcess::reap() {
  int status = 0;
  if (waitpid(pid_, &status, 0) != pid_) throw std::runtime_error("waitpid");
  pid_ = -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int DaemonProcess::end(int signal) {
  kill(pid_, signal);
  return reap();
}

void DaemonProcess::reload() {
  kill(pid_, SIGHUP);
  wait_notified("RELOADING=1");
  wait_notified("READY=1");
}

std::string DaemonProcess::log() const {
  return read_file(folder_ + "/log");
}

std::string DaemonProcess::ctl(const std::string& arguments, int expected) const {
  std::string output;
  const int status =
      run_status(fmt::format("{}/xdpctl --socket {} {}", XDPFWD_BINARY_DIR, socket(), arguments), &output);
  if (status != expected)
    throw std::runtime_error(
        fmt::format("xdpctl {} exited with {}, not {}: {}", arguments, status, expected, output));
  return output;
}

void DaemonProcess::wait_for_ctl(const std::string& arguments, const std::string& text,
                                 std::chrono::milliseconds at_most) const {
  const auto deadline = std::chrono::steady_clock::now() + at_most;
  for (;;) {
    std::string output;
    run_status(fmt::format("{}/xdpctl --socket {} {}", XDPFWD_BINARY_DIR, socket(), arguments), &output);
    if (output.find(text) != std::string::npos) return;
    if (std::chrono::steady_clock::now() > deadline)
      throw std::runtime_error(fmt::format("xdpctl {} never said '{}', but: {}", arguments, text, output));
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace xdpfwd::test
