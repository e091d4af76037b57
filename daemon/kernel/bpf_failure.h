// SPDX-License-Identifier: BSD-2-Clause
// What a refusal of bpf() means to an operator: a permission, or something this kernel was built without.
#pragma once

#include <string>

#include "base/result.h"

namespace xdpfwd {

// Like strerror(), and what it leaves unknown or would mislead with.
std::string bpf_meaning(int error);
// What to do about it; empty for an errno that says nothing about the kernel.
std::string bpf_remedy(int error);

// For a failed call to libbpf, after clear_libbpf_log(): with what libbpf said, and the remedy.
std::unexpected<Error> bpf_failure(std::string what, int error);

}  // namespace xdpfwd
