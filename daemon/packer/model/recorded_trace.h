// SPDX-License-Identifier: BSD-2-Clause
// A load trace that somebody recorded: lines `time_ms,napi,frames_per_s[,cost_ns]`. A NAPI's rate holds from
// its time until the NAPI's next line. Pure: whoever has the text, has the file's name too.
#pragma once

#include <memory>
#include <string_view>

#include "base/result.h"
#include "packer/model/trace.h"

namespace xdpfwd::packer {

// Bounds on what is taken from a file, so that a wrong one ends in an error and not in all of the memory.
inline constexpr size_t kMostNapis = 4096;
inline constexpr uint64_t kLongestTrace = 24ULL * 3600 * kStepsPerSecond;
inline constexpr size_t kMostSamples = 10'000'000;
inline constexpr double kMostCostNs = 1e6;

Result<std::unique_ptr<Trace>> parse_trace(std::string_view text, std::string_view file, float cost_ns);

}  // namespace xdpfwd::packer
