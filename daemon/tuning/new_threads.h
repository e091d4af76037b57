// SPDX-License-Identifier: BSD-2-Clause
// A NAPI thread that is not there yet, and what the kernel will start it with. It is planned for together
// with what makes it, so that it has its CPU and class right after: until then it runs anywhere, behind
// everybody, and frames wait.
#pragma once

#include <optional>
#include <string_view>

#include "core/setting.h"

namespace xdpfwd {

bool is_of_thread(Knob knob);

// Of a knob of a thread whose instance has none now and can have one; nothing otherwise, and where it is not
// known with what threads start.
std::optional<std::string_view> value_of_new_thread(const HostTuning& host, const Setting& setting);

}  // namespace xdpfwd
