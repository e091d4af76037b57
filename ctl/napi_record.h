// SPDX-License-Identifier: BSD-2-Clause
// `xdpctl napi record`: the load of this host's NAPI instances, for `napi pack --simulate`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/napi_report.h"
#include "ctl/commands.h"

namespace xdpfwd {

struct RecordArguments {
  uint64_t seconds = 60;     // 1 to kLongestRecording
  double every_seconds = 1;  // 0.1 to 60
};
inline constexpr uint64_t kLongestRecording = 86'400;
inline constexpr unsigned kMostLoadSamples = 10'000;
// Of all samples and NAPI instances. They are kept until the end, 16 bytes each: 61 MiB.
inline constexpr uint64_t kMostLoads = 4'000'000;

struct NapiLoad {
  uint32_t napi = 0;
  uint32_t ran = 0;                 // as in NapiReport
  std::optional<uint32_t> packets;  // as there
};
static_assert(sizeof(NapiLoad) == 16);

class Recording {
 public:
  // `time_ms`: since it began. Of what is not sampled, only the name is kept.
  void add(uint64_t time_ms, std::span<const NapiReport> napis);

  struct Sample {
    uint64_t time_ms = 0;
    std::vector<NapiLoad> napis;
  };
  [[nodiscard]] const std::vector<Sample>& samples() const { return samples_; }
  [[nodiscard]] const std::map<uint32_t, std::string>& names() const { return names_; }

 private:
  std::vector<Sample> samples_;
  std::map<uint32_t, std::string> names_;  // by id: "eth0 queue 3"
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
// By time; of a NAPI that is not sampled any more, no frames.
void for_each_load(const Recording& recording, const std::function<void(const RecordedLoad&)>& use);
// Lines time_ms,napi,frames_per_s,cost_ns.
std::string recording_text(const Recording& recording);

// Whether that much is kept, with so many instances.
Result<void> check_size(const RecordArguments& arguments, size_t napis);
int record_load(const Session& session, const RecordArguments& arguments);

}  // namespace xdpfwd
