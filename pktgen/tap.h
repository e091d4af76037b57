// SPDX-License-Identifier: BSD-2-Clause
// A tap as a VM's monitor would open it: created when it is not there, one queue, no packet information, no
// virtio header. The tap lives as long as its descriptor, unless somebody made it persistent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "core/net.h"

namespace xdpfwd::pktgen {

// What every kernel takes for a txqueuelen; later ones (seen: 6.12.117 and 7.2 of Debian) take no more.
inline constexpr uint32_t kLongestQueue = 32'767;

struct TapOptions {
  std::string name;
  std::string netns = {};                     // "" is the caller's
  std::optional<uint32_t> queue_length = {};  // frames that wait for the reader; the kernel's default is 1000
  std::optional<uint32_t> mtu = {};
  bool up = true;
  bool quiet = true;  // no IPv6 on it, so that the host itself sends nothing there
};

// Non-blocking, open for reading and writing.
Result<UniqueFd> open_tap(const TapOptions& options);

// Facts about a network device of the calling thread's namespace.
Result<uint32_t> device_index(const std::string& name);
Result<MacAddress> device_mac(const std::string& name);

}  // namespace xdpfwd::pktgen
