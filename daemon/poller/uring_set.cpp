// SPDX-License-Identifier: BSD-2-Clause
#include "poller/uring_set.h"

#include <fmt/format.h>
#include <linux/io_uring.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>

namespace xdpfwd::poller {
namespace {

// Debian 12's headers and its liburing (2.3) are older than these: the numbers and layouts are those of
// <linux/io_uring.h> since 6.9 (REGISTER_NAPI) and 6.13 (static tracking).
constexpr unsigned kRegisterNapi = 27;
constexpr uint8_t kNapiRegister = 0;
constexpr uint8_t kNapiStaticAddId = 1;
constexpr uint32_t kTrackingStatic = 1;
struct UringNapi {
  uint32_t busy_poll_us;
  uint8_t prefer_busy_poll;
  uint8_t operation;  // 0 on kernels before static tracking, which refuse any other
  uint8_t padding[2];
  uint32_t parameter;  // a way of tracking, or a NAPI id
  uint32_t reserved;
};
static_assert(sizeof(UringNapi) == 16);
static_assert(offsetof(UringNapi, operation) == 5 && offsetof(UringNapi, parameter) == 8);
static_assert(sizeof(io_uring_getevents_arg) == 24);
static_assert(sizeof(io_uring_params) == 120);

// Of one alone: longer than any period, which the wait's own timeout bounds. (Linux 6.18 takes 10 ms of it.)
constexpr uint32_t kPollAloneUs = 1'000'000;

Result<void> register_napi(const UniqueFd& ring, UringNapi what) {
  if (::syscall(SYS_io_uring_register, ring.get(), kRegisterNapi, &what, 1) < 0)
    return fail_errno("io_uring refuses it", errno);
  return {};
}

}  // namespace

Result<UringSet> UringSet::open(std::chrono::microseconds longest) {
  io_uring_params params{};
  UniqueFd ring(static_cast<int>(::syscall(SYS_io_uring_setup, 1, &params)));
  if (!ring) {
    const int error = errno;
    return fail_errno("io_uring", error,
                      error == EPERM    ? "sysctl kernel.io_uring_disabled=0 allows it"
                      : error == ENOSYS ? "this kernel is built without it"
                                        : "");
  }
  UringSet set(std::move(ring), static_cast<uint32_t>(longest.count()));
  if (auto done = set.tell({}); !done) return std::unexpected(done.error());
  return set;
}

Result<void> UringSet::add(uint32_t napi) {
  std::vector<uint32_t> napis = napis_;
  napis.push_back(napi);
  if (auto told = tell(napis); !told) {
    (void)tell(napis_);
    return told;
  }
  napis_ = std::move(napis);
  return {};
}

void UringSet::remove(uint32_t napi) {
  const auto found = std::ranges::find(napis_, napi);
  if (found == napis_.end()) return;
  napis_.erase(found);
  // Which fails for want of memory alone; then those that are missing have their timers.
  (void)tell(napis_);
}

Result<void> UringSet::tell(std::vector<uint32_t> napis) const {
  std::ranges::sort(napis);
  const auto repeated = std::ranges::unique(napis);
  napis.erase(repeated.begin(), repeated.end());
  // Registering anew forgets the instances before.
  if (auto done = register_napi(ring_, {.busy_poll_us = napis.size() > 1 ? longest_us_ : kPollAloneUs,
                                        .prefer_busy_poll = 1,
                                        .operation = kNapiRegister,
                                        .padding = {},
                                        .parameter = kTrackingStatic,
                                        .reserved = 0});
      !done)
    return fail_in("static NAPI tracking, of Linux 6.13 and later", done.error());
  for (const uint32_t napi : napis)
    if (auto done = register_napi(ring_, {.busy_poll_us = 0,
                                          .prefer_busy_poll = 0,
                                          .operation = kNapiStaticAddId,
                                          .padding = {},
                                          .parameter = napi,
                                          .reserved = 0});
        !done)
      return fail_in(fmt::format("NAPI instance {}", napi), done.error());
  return {};
}

void UringSet::poll(std::chrono::nanoseconds period) {
  // Waits for a completion that never comes. The kernel polls until the timeout; one instance that is gone,
  // or a CPU that another process wants, makes it sleep for the rest. When the timeout is over before it
  // begins to poll, it polls for as long as was registered (seen on 6.18).
  __kernel_timespec timeout{.tv_sec = 0, .tv_nsec = period.count()};
  io_uring_getevents_arg argument{};
  argument.ts = reinterpret_cast<uint64_t>(&timeout);
  ::syscall(SYS_io_uring_enter, ring_.get(), 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument,
            sizeof(argument));
}

}  // namespace xdpfwd::poller
