// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/thread_schedule.h"

#include <fmt/format.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "core/cpus.h"

namespace xdpfwd {
namespace {

using Policy = ThreadSchedule::Policy;

constexpr std::array<std::pair<Policy, uint32_t>, 6> kNumbers = {{{Policy::kOther, SCHED_OTHER},
                                                                  {Policy::kBatch, SCHED_BATCH},
                                                                  {Policy::kIdle, SCHED_IDLE},
                                                                  {Policy::kFifo, SCHED_FIFO},
                                                                  {Policy::kRoundRobin, SCHED_RR},
                                                                  {Policy::kDeadline, 6}}};

// The kernel's struct sched_attr in its first version, which every kernel takes; C libraries before
// glibc 2.41 have neither it nor the calls.
struct Attributes {
  uint32_t size = sizeof(Attributes);
  uint32_t policy = 0;
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t deadline[3] = {};  // runtime, deadline, period
};
static_assert(sizeof(Attributes) == 48);

// Words of 64 bits, as many as the kernel could want.
using Mask = std::array<uint64_t, kMostCpus / 64>;

std::unexpected<Error> cannot(std::string_view what, pid_t thread, int code) {
  return fail_errno(fmt::format("cannot {} of thread {}", what, thread), code);
}

// Kernel threads have all capabilities, and who has less needs this one.
std::unexpected<Error> not_permitted(pid_t thread) {
  return fail(fmt::format("thread {} may not be moved or scheduled: CAP_SYS_NICE is missing", thread),
              "run with CAP_SYS_NICE, as the packaged unit does, or as root", EPERM);
}

}  // namespace

Result<std::string> read_thread_cpus(pid_t thread) {
  Mask mask{};
  const long bytes = syscall(SYS_sched_getaffinity, thread, sizeof(mask), mask.data());
  if (bytes < 0) return cannot("read the CPUs", thread, errno);
  std::vector<uint32_t> cpus;
  for (uint32_t cpu = 0; cpu < static_cast<uint32_t>(bytes) * 8; ++cpu)
    if ((mask[cpu / 64] >> (cpu % 64) & 1) != 0) cpus.push_back(cpu);
  return cpu_list_text(cpus);
}

Result<void> set_thread_cpus(pid_t thread, std::string_view cpus) {
  const auto list = parse_cpu_list(cpus);
  if (!list) return std::unexpected(list.error());
  Mask mask{};
  for (const uint32_t cpu : *list) mask[cpu / 64] |= uint64_t{1} << (cpu % 64);
  if (syscall(SYS_sched_setaffinity, thread, sizeof(mask), mask.data()) < 0)
    return errno == EPERM ? not_permitted(thread) : cannot("set the CPUs", thread, errno);
  return {};
}

Result<ThreadSchedule> read_thread_schedule(pid_t thread) {
  Attributes attributes;
  if (syscall(SYS_sched_getattr, thread, &attributes, sizeof(attributes), 0) < 0)
    return cannot("read the scheduling", thread, errno);
  ThreadSchedule schedule;
  for (const auto& [policy, number] : kNumbers)
    if (number == attributes.policy) schedule.policy = policy;
  const bool real_time = schedule.policy == Policy::kFifo || schedule.policy == Policy::kRoundRobin;
  schedule.number = real_time ? static_cast<int32_t>(attributes.priority) : attributes.nice;
  return schedule;
}

Result<void> set_thread_schedule(pid_t thread, const ThreadSchedule& schedule) {
  Attributes attributes;
  for (const auto& [policy, number] : kNumbers)
    if (policy == schedule.policy) attributes.policy = number;
  if (schedule.policy == Policy::kFifo || schedule.policy == Policy::kRoundRobin)
    attributes.priority = static_cast<uint32_t>(schedule.number);
  else
    attributes.nice = schedule.number;
  if (syscall(SYS_sched_setattr, thread, &attributes, 0) < 0)
    return errno == EPERM ? not_permitted(thread) : cannot("set the scheduling", thread, errno);
  return {};
}

}  // namespace xdpfwd
