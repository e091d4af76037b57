// SPDX-License-Identifier: BSD-2-Clause
// What a knob's value may be, and its one form. Pure; whether a driver takes it is the driver's to say.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/setting.h"

namespace xdpfwd {

Result<uint32_t> parse_number(std::string_view text);
Result<bool> parse_switch(std::string_view text);  // "on", "off"
std::string_view switch_text(bool on);
inline constexpr std::string_view kBusyPollText = "busy-poll";  // beside "on" and "off", of napi-threaded

// As an observation would show it: "1,0" as a CPU list is "0-1". Fails with EINVAL on what is no such value.
Result<std::string> canonical_value(Knob knob, std::string_view value);

}  // namespace xdpfwd
