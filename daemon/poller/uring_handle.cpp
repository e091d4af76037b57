// SPDX-License-Identifier: BSD-2-Clause
#include "poller/uring_handle.h"

#include <fmt/format.h>
#include <linux/io_uring.h>
#include <sys/syscall.h>

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

// Longer than any period, which the wait's own timeout bounds.
constexpr uint32_t kPollUs = 1'000'000;

Result<void> register_napi(int ring, UringNapi what) {
  if (::syscall(SYS_io_uring_register, ring, kRegisterNapi, &what, 1) < 0)
    return fail_errno("io_uring refuses it", errno);
  return {};
}

}  // namespace

Result<UringHandle> UringHandle::open() {
  io_uring_params params{};
  UniqueFd ring(static_cast<int>(::syscall(SYS_io_uring_setup, 1, &params)));
  if (!ring) {
    const int error = errno;
    return fail_errno("io_uring", error,
                      error == EPERM    ? "sysctl kernel.io_uring_disabled=0 allows it"
                      : error == ENOSYS ? "this kernel is built without it"
                                        : "");
  }
  return UringHandle(std::move(ring));
}

Result<void> UringHandle::aim(const NapiPlace& place) {
  // Registering anew forgets the instance before.
  if (auto done = register_napi(ring_.get(), {.busy_poll_us = kPollUs,
                                              .prefer_busy_poll = 1,
                                              .operation = kNapiRegister,
                                              .padding = {},
                                              .parameter = kTrackingStatic,
                                              .reserved = 0});
      !done)
    return fail_in("static NAPI tracking, of Linux 6.13 and later", done.error());
  if (auto done = register_napi(ring_.get(), {.busy_poll_us = 0,
                                              .prefer_busy_poll = 0,
                                              .operation = kNapiStaticAddId,
                                              .padding = {},
                                              .parameter = place.napi,
                                              .reserved = 0});
      !done)
    return fail_in(fmt::format("NAPI instance {}", place.napi), done.error());
  return {};
}

void UringHandle::poll(std::chrono::nanoseconds period) {
  // Waits for a completion that never comes. The kernel polls until the timeout; an instance that is gone, or
  // a CPU that another process wants, makes it sleep for the rest.
  __kernel_timespec timeout{.tv_sec = 0, .tv_nsec = period.count()};
  io_uring_getevents_arg argument{};
  argument.ts = reinterpret_cast<uint64_t>(&timeout);
  ::syscall(SYS_io_uring_enter, ring_.get(), 0, 1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument,
            sizeof(argument));
}

}  // namespace xdpfwd::poller
