// SPDX-License-Identifier: BSD-2-Clause
#include "support/sandbox.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace xdpfwd::test {
namespace {

[[noreturn]] void give_up(const std::string& what) {
  throw std::runtime_error(fmt::format("{}: {}", what, std::strerror(errno)));
}

std::string make_sandbox() {
  if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0) give_up("unshare");
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0) give_up("mount --make-rprivate /");
  // A fresh /sys shows the new network namespace's interfaces.
  if (mount("sysfs", "/sys", "sysfs", 0, nullptr) < 0) give_up("mount /sys");
  if (mount("tmpfs", "/mnt", "tmpfs", 0, nullptr) < 0) give_up("mount tmpfs on /mnt");
  if (mkdir("/mnt/bpf", 0700) < 0) give_up("mkdir /mnt/bpf");
  if (mount("bpf", "/mnt/bpf", "bpf", 0, nullptr) < 0) give_up("mount bpf on /mnt/bpf");
  run("ip link set lo up");
  return "/mnt/bpf";
}

}  // namespace

bool is_root() {
  return geteuid() == 0;
}

const std::string& enter_sandbox() {
  static const std::string folder = make_sandbox();
  return folder;
}

int run_status(const std::string& command, std::string* output) {
  FILE* pipe = popen(("exec 2>&1; " + command).c_str(), "re");
  if (!pipe) give_up(command);
  std::array<char, 4096> chunk{};
  std::string text;
  while (const size_t size = std::fread(chunk.data(), 1, chunk.size(), pipe)) text.append(chunk.data(), size);
  const int status = pclose(pipe);
  if (output) *output = text;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void run(const std::string& command) {
  std::string output;
  const int status = run_status(command, &output);
  if (status != 0) throw std::runtime_error(fmt::format("'{}' exited with {}: {}", command, status, output));
}

bool kernel_is_before(int major, int minor) {
  utsname about{};
  int has[2] = {0, 0};
  if (::uname(&about) != 0 || std::sscanf(about.release, "%d.%d", &has[0], &has[1]) != 2) return false;
  return std::pair(has[0], has[1]) < std::pair(major, minor);
}

uint32_t ifindex_of(const std::string& name) {
  return if_nametoindex(name.c_str());
}

UniqueFd open_tap(const std::string& name, TapOptions options) {
  UniqueFd fd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
  if (!fd) give_up("/dev/net/tun");
  ifreq request{};
  std::strncpy(request.ifr_name, name.c_str(), IFNAMSIZ - 1);
  request.ifr_flags = static_cast<short>(IFF_TAP | IFF_NO_PI | (options.multi_queue ? IFF_MULTI_QUEUE : 0));
  if (ioctl(fd.get(), TUNSETIFF, &request) < 0) give_up("TUNSETIFF " + name);
  if (options.persist && ioctl(fd.get(), TUNSETPERSIST, 1) < 0) give_up("TUNSETPERSIST " + name);
  if (options.up) run(fmt::format("ip link set {} up", name));
  return fd;
}

void add_veth(const std::string& name, const std::string& peer) {
  run(fmt::format("ip link add {} type veth peer name {}", name, peer));
  run(fmt::format("ip link set {} up && ip link set {} up", name, peer));
}

}  // namespace xdpfwd::test
