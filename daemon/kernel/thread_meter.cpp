// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/thread_meter.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <ctime>
#include <map>

#include "base/unique_fd.h"
#include "kernel/napi_knobs.h"

namespace xdpfwd {
namespace {

uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// Files that stay open: reading one again takes a microsecond, and one of a thread that has ended says so,
// whoever has its number by then.
class Meter final : public ThreadMeter {
 public:
  explicit Meter(std::vector<UniqueFd> files) : files_(std::move(files)) {}

  Result<ThreadReading> read() override {
    ThreadReading reading{.time_ns = monotonic_ns(), .threads = {}};
    reading.threads.reserve(files_.size());
    for (const UniqueFd& file : files_) {
      char text[96];
      const ssize_t length = ::pread(file.get(), text, sizeof text, 0);
      if (length < 0) return fail_errno("a thread of NAPI", errno, "look again: a reset makes others");
      ThreadTimes times;
      const auto ran = std::from_chars(text, text + length, times.ran_ns);
      if (ran.ec != std::errc() || ran.ptr == text + length || *ran.ptr != ' ')
        return fail("schedstat of a thread of NAPI cannot be read", "the kernel needs CONFIG_SCHED_INFO",
                    EINVAL);
      std::from_chars(ran.ptr + 1, text + length, times.waited_ns);
      reading.threads.push_back(times);
    }
    return reading;
  }

 private:
  std::vector<UniqueFd> files_;
};

}  // namespace

Result<std::unique_ptr<ThreadMeter>> meter_threads(NetdevFamily& netdev, const HostRoots& roots,
                                                   const std::vector<NapiThread>& threads) {
  std::map<uint32_t, std::vector<NapiInstance>> instances;  // by ifindex
  std::vector<UniqueFd> files;
  files.reserve(threads.size());
  for (const NapiThread& thread : threads) {
    const auto [of_nic, is_new] = instances.try_emplace(thread.nic.ifindex);
    if (is_new) of_nic->second = read_napi_instances(netdev, roots, thread.nic);
    const auto napi = std::ranges::find(of_nic->second, thread.napi, &NapiInstance::id);
    if (napi == of_nic->second.end() || napi->pid == 0)
      return fail(fmt::format("NAPI {} of {} has no thread", thread.napi, thread.nic.name.view()),
                  "look again: a reset makes others", ESRCH);
    const std::string path = fmt::format("{}/{}/schedstat", roots.proc, napi->pid);
    files.emplace_back(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!files.back()) return fail_errno(path, errno, "the kernel needs CONFIG_SCHED_INFO");
  }
  return std::make_unique<Meter>(std::move(files));
}

}  // namespace xdpfwd
