// SPDX-License-Identifier: BSD-2-Clause
#include "doctor/examine.h"

#include "core/compile.h"
#include "doctor/checks.h"

namespace xdpfwd {

std::vector<const Link*> members_of(const Examined& examined) {
  // The links are the caller's: what is returned points into them.
  std::vector<const Link*> members;
  State state;
  state.links = examined.facts.links;
  for (const Link* link : resolve_members(examined.settings.devices, state, nullptr))
    for (const Link& ours : examined.facts.links)
      if (ours.ifindex == link->ifindex) members.push_back(&ours);
  return members;
}

std::vector<Finding> examine(const Examined& examined) {
  std::vector<Finding> list;
  Findings findings(list);
  for (const std::string& unseen : examined.facts.unseen)
    findings.warn("sight", "doctor", "it cannot see " + unseen, "run it as root, in the host's namespaces");
  check_kernel(examined, findings);
  check_members(examined, findings);
  check_queues(examined, findings);
  check_bonds(examined, findings);
  check_taps(examined, findings);
  check_daemon(examined, findings);
  return list;
}

}  // namespace xdpfwd
