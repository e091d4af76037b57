// SPDX-License-Identifier: BSD-2-Clause
// What a person or a script asks for: guests, members, sizes, rates; from a JSON file, from flags, or from
// both. Every error names the thing, where it was written, and what would be right.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "pktgen/pace.h"
#include "pktgen/sender.h"
#include "pktgen/stream.h"

namespace xdpfwd::pktgen {

// What a number may be, in a flag and in a file alike.
struct Limits {
  double least;
  double most;
  bool whole = false;

  [[nodiscard]] std::string text() const;
  // NaN is not within any.
  [[nodiscard]] Result<void> check(double value, std::string_view as_written) const;
};
inline constexpr Limits kPpsLimits{0, Pace::kFastest};  // 0: as fast as possible
inline constexpr Limits kCountLimits{1, 1e15, true};
inline constexpr Limits kSecondsLimits{1e-6, 1e9};
inline constexpr Limits kSourcesLimits{1, StreamSet::kMaxSources, true};
inline constexpr Limits kQueueLengthLimits{1, 1 << 20, true};
inline constexpr Limits kControlLimits{0, 1e9, true};  // 0: none

// A cable: frames go in at `tx` and come to the forwarder at `rx`.
struct Member {
  std::string tx;
  std::string rx;
};

struct Scenario {
  std::vector<Guest> guests;
  std::vector<Member> members;
  std::string tx_netns;
  std::string rx_netns;
  std::vector<size_t> sizes;
  std::optional<uint64_t> sources;
  std::optional<double> pps;
  std::optional<uint64_t> count;
  std::optional<double> duration_s;
  std::optional<Backend> backend;
  std::optional<uint32_t> queue_length;
  std::optional<uint64_t> control_frames;

  [[nodiscard]] std::vector<std::string> tx_devices() const;
  [[nodiscard]] std::vector<std::string> rx_devices() const;
  [[nodiscard]] std::vector<std::string> taps() const;  // each once, in order
};

// {"guests": [{"name": "web1", "tap": "tap1", "mac": "52:54:00:00:00:01", "vlan": 100, "inner": 7,
// "priority": 3,
//              "trunk": true}],
//  "members": [{"tx": "sw0", "rx": "up0"}], "tx_netns": "", "rx_netns": "", "sizes": [64], "sources": 1,
//  "pps": 0, "count": 100, "duration": 10, "backend": "live", "queue_length": 16384, "control_frames": 100}
// A VLAN is a number, or text: "100", "ad:100", "untagged". All keys may be left out.
Result<Scenario> parse_scenario(std::string_view json, std::string_view file_name);
Result<Scenario> read_scenario(const std::string& path);

// "mac=52:54:00:00:00:01,vlan=100,tap=tap1,name=web1,inner=7,priority=3,trunk": what is not said has its
// default.
Result<Guest> parse_guest(std::string_view text);
// Bytes of a frame as sent, without FCS; or "imix": 7 of 60, 4 of 566, 1 of 1514, which are 64, 570 and 1518
// on the wire.
Result<std::vector<size_t>> parse_size(std::string_view text);
// "tx=sw0,rx=up0"
Result<Member> parse_member(std::string_view text);

// That names are there, MACs unicast and (VLAN, MAC) pairs unique. `need_taps`: every guest must name its
// tap.
Result<void> check_guests(const std::vector<Guest>& guests, bool need_taps);
// That there are some, each with both ends.
Result<void> check_members(const std::vector<Member>& members);
// That they can be names of devices; what: "tap", "device".
Result<void> check_names(std::string_view what, const std::vector<std::string>& names);

}  // namespace xdpfwd::pktgen
