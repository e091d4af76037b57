// SPDX-License-Identifier: BSD-2-Clause
// `xdpctl napi record`: the load of this host's NAPI instances, for `napi pack --simulate`.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/napi_report.h"
#include "ctl/commands.h"

namespace xdpfwd {

struct RecordArguments {
  uint64_t seconds = 60;     // 1 to kLongestRecording
  double every_seconds = 1;  // 0.1 to 60
};
inline constexpr uint64_t kLongestRecording = 86'400;
// They are kept until the end, 0.2 KiB a NAPI instance.
inline constexpr unsigned kMostLoadSamples = 10'000;

struct LoadSample {
  uint64_t time_ms = 0;  // since the recording began
  std::vector<NapiReport> napis;
};

// What a NAPI instance takes, in frames of what one cost it on average over the whole recording: the CPU time
// of each sample is exact, its frames are not, for a frame costs less in a full poll.
struct RecordedLoad {
  uint64_t time_ms = 0;
  uint32_t napi = 0;
  double frames_per_s = 0;
  double cost_ns = 0;
  bool counted = false;  // otherwise the cost is assumed
};
// Sorted by time; of a NAPI that is not sampled any more, no frames.
std::vector<RecordedLoad> recorded_loads(std::span<const LoadSample> samples);
// Lines time_ms,napi,frames_per_s,cost_ns.
std::string recording_text(std::span<const LoadSample> samples);

int record_load(const Session& session, const RecordArguments& arguments);

}  // namespace xdpfwd
