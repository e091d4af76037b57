// SPDX-License-Identifier: BSD-2-Clause
#include "bench/table_size.h"

#include <fmt/format.h>

namespace xdpfwd::bench {
namespace {

constexpr double kMostOfOvs = 100;

}  // namespace

std::string too_many_macs(const std::string& contender, double macs) {
  if (macs > 1 && contender == "testpmd") return "it looks nothing up";
  if (macs > kMostOfOvs && contender.starts_with("ovs"))
    return "it takes static entries one call of a program each, and learnt ones age: minutes for 10 000";
  return "";
}

std::vector<const ContenderKind*> holders_of(Run& run, std::vector<const ContenderKind*> present,
                                             double macs) {
  std::erase_if(present, [&](const ContenderKind* kind) {
    const std::string why = too_many_macs(kind->name, macs);
    if (!why.empty()) leave_out(run, fmt::format("{} with {:.0f} MACs", kind->name, macs), {why, "", 0});
    return !why.empty();
  });
  return present;
}

}  // namespace xdpfwd::bench
