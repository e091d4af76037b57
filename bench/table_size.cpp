// SPDX-License-Identifier: BSD-2-Clause
#include "bench/table_size.h"

#include <fmt/format.h>

namespace xdpfwd::bench {
std::vector<const ContenderKind*> holders_of(Run& run, std::vector<const ContenderKind*> present,
                                             double macs) {
  std::erase_if(present, [&](const ContenderKind* kind) {
    if (macs <= kind->most_macs) return false;
    leave_out(run, fmt::format("{} with {:.0f} MACs", kind->name, macs), {kind->why_no_more, "", 0});
    return true;
  });
  return present;
}

}  // namespace xdpfwd::bench
