// SPDX-License-Identifier: BSD-2-Clause
// Network namespaces: opening one by name, and working in it for a while. A thread is in one namespace at a
// time; sockets and taps stay in the one they were opened in.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "base/unique_fd.h"

namespace xdpfwd::pktgen {

class NetNamespace {
 public:
  NetNamespace() = default;  // stands for none: enter() stays where the thread is

  // A name as `ip netns` knows it, a path such as /proc/123/ns/net, or "" for the calling thread's.
  static Result<NetNamespace> open(std::string_view name);

  // Moves the calling thread.
  [[nodiscard]] Result<void> enter() const;
  [[nodiscard]] Result<uint32_t> inode() const;
  [[nodiscard]] Result<NetNamespace> duplicate() const;

 private:
  UniqueFd fd_;
};

// The calling thread is in the namespace while this lives.
class InNamespace {
 public:
  static Result<InNamespace> enter(const NetNamespace& target);
  // A new one, empty but for its loopback device, which is down. It ends with the last NetNamespace of it.
  static Result<InNamespace> enter_new();
  InNamespace(InNamespace&&) noexcept = default;
  InNamespace& operator=(InNamespace&&) = delete;
  ~InNamespace();

 private:
  explicit InNamespace(UniqueFd before) : before_(std::move(before)) {}
  UniqueFd before_;
};

}  // namespace xdpfwd::pktgen
