// SPDX-License-Identifier: BSD-2-Clause
// The checks of examine(), by subject.
#pragma once

#include "doctor/examine.h"
#include "doctor/findings.h"

namespace xdpfwd {

void check_kernel(const Examined& examined, Findings& findings);
void check_members(const Examined& examined, Findings& findings);
void check_queues(const Examined& examined, Findings& findings);
void check_bonds(const Examined& examined, Findings& findings);
void check_taps(const Examined& examined, Findings& findings);
void check_daemon(const Examined& examined, Findings& findings);

// Those that uplink.devices stand for.
std::vector<const Link*> members_of(const Examined& examined);

}  // namespace xdpfwd
