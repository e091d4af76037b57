// SPDX-License-Identifier: BSD-2-Clause
// What is good and bad about a host for forwarding into VMs' taps: every precondition, and every pitfall that
// others fell into, each with what to do about it. Pure: the facts are read elsewhere.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/effect_report.h"
#include "core/host_facts.h"

namespace xdpfwd {

struct Examined {
  HostFacts facts;
  Settings settings;
  std::vector<Guest> guests;
  std::optional<StatusReport> daemon;  // empty: none answers
};

std::vector<Finding> examine(const Examined& examined);

}  // namespace xdpfwd
