// SPDX-License-Identifier: BSD-2-Clause
// A load trace by what a user calls it: one of the synthetic ones' names, else a file of a recorded one.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "packer/model/synthetic_trace.h"
#include "packer/model/trace.h"

namespace xdpfwd::packer {

inline constexpr size_t kLargestRecording = 256UL << 20;  // bytes

bool is_synthetic(std::string_view name);

// `read` gives a file's text. Of `settings`, a recording only takes the cost of a frame.
Result<std::unique_ptr<Trace>> make_trace(const std::string& name, const SyntheticSettings& settings,
                                          const std::function<Result<std::string>(const std::string&)>& read);

}  // namespace xdpfwd::packer
