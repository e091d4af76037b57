// SPDX-License-Identifier: BSD-2-Clause
#include "bench/stage.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>

namespace xdpfwd::bench {
namespace {

Result<std::string> make_stage() {
  if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0)
    return fail_errno("cannot make namespaces", errno, "run as root");
  if (mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) < 0)
    return fail_errno("cannot make / private", errno);
  if (mount("sysfs", "/sys", "sysfs", 0, nullptr) < 0) return fail_errno("cannot mount /sys", errno);
  if (mount("tmpfs", "/mnt", "tmpfs", 0, nullptr) < 0) return fail_errno("cannot mount /mnt", errno);
  if (mkdir("/mnt/bpf", 0700) < 0 || mount("bpf", "/mnt/bpf", "bpf", 0, nullptr) < 0)
    return fail_errno("cannot mount a BPF filesystem", errno);
  return "/mnt/bpf";
}

}  // namespace

Result<std::string> enter_stage() {
  static const Result<std::string> folder = make_stage();
  return folder;
}

Result<void> run(const std::string& command) {
  // Ctrl-C is for the harness, which ends when a step of it is done.
  FILE* pipe = popen(("trap '' INT TERM HUP; exec 2>&1; " + command).c_str(), "re");
  if (!pipe) return fail_errno(fmt::format("cannot run '{}'", command), errno);
  std::array<char, 4096> chunk{};
  std::string output;
  while (const size_t size = std::fread(chunk.data(), 1, chunk.size(), pipe))
    output.append(chunk.data(), size);
  const int status = pclose(pipe);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return fail(fmt::format("'{}' failed: {}", command, output));
  return {};
}

Result<void> add_cable(const std::string& name, const std::string& peer) {
  return run(fmt::format(
      "ip link add {0} type veth peer name {1} && ip link set {0} up && ip link set {1} up", name, peer));
}

}  // namespace xdpfwd::bench
