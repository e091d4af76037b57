// SPDX-License-Identifier: BSD-2-Clause
#include "bench/site.h"

#include <net/if.h>

#include "bench/stage.h"

namespace xdpfwd::bench {

Result<void> Site::run(const std::string& command) const {
  const auto inside = enter();
  if (!inside) return std::unexpected(inside.error());
  return bench::run(command);
}

uint32_t Site::ifindex(const std::string& device) const {
  const auto inside = enter();
  return inside ? ::if_nametoindex(device.c_str()) : 0;
}

}  // namespace xdpfwd::bench
