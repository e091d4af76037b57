// SPDX-License-Identifier: BSD-2-Clause
// The configuration as values, and how text becomes them. Reading the files is sources/'s work; here is only
// text -> Config, with errors that say file, line and column. Every key is a row of the option table
// (options.h).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "core/napi_wish.h"
#include "core/net.h"

namespace xdpfwd {

struct SourceLocation {
  std::string file;
  uint32_t line = 0;                       // from 1; 0 = unknown
  uint32_t column = 0;                     // from 1
  [[nodiscard]] std::string text() const;  // "file:line:column"
};

enum class VlanTagSource { kAuto, kHint, kFrame };  // uplink.vlan_tag
enum class XdpMode { kNative, kGeneric };           // uplink.xdp_mode

enum class TuningApply { kOff, kManual, kAuto };                 // tuning.apply
enum class Profile { kNone, kLatency, kBalanced, kThroughput };  // tuning.profile, guest.profile
enum class Switch { kAuto, kKeep, kOff, kOn };                   // tuning.adaptive_rx, ...
enum class NoQueue { kTaps, kHost, kOff };                       // tuning.noqueue

// What a number should be: chosen by us, left as it is, or given.
struct NumberWish {
  enum class Kind { kAuto, kKeep, kGiven };
  Kind kind = Kind::kKeep;
  uint32_t given = 0;
  bool operator==(const NumberWish&) const = default;
};

// Which CPUs serve the NICs' queues.
struct CpuWish {
  enum class Kind { kAuto, kKeep, kGiven };
  Kind kind = Kind::kAuto;
  std::vector<uint32_t> given;  // sorted, not empty when kGiven
  bool operator==(const CpuWish&) const = default;
};

// [tuning]: the knobs of NICs, taps and host. What the values become is decided in tuning/.
struct TuningSettings {
  TuningApply apply = TuningApply::kManual;
  bool revert_on_stop = false;
  Profile profile = Profile::kBalanced;
  bool steering = true;
  CpuWish cpus;
  bool ban_irqbalance = true;
  NumberWish channels;
  NumberWish ring_rx;  // descriptors
  NumberWish ring_tx;
  Switch adaptive_rx = Switch::kAuto;
  Switch adaptive_tx = Switch::kAuto;
  NumberWish rx_usecs{NumberWish::Kind::kAuto, 0};
  NumberWish rx_frames{NumberWish::Kind::kAuto, 0};
  NumberWish tx_usecs{NumberWish::Kind::kAuto, 0};
  NumberWish tx_frames{NumberWish::Kind::kAuto, 0};
  bool force = false;    // tx_usecs beyond what TCP can wait for
  bool rps_off = true;   // false: left alone
  bool xps_off = false;  // likewise
  bool lro_off = true;   // likewise; LRO and hardware GRO
  NoQueue noqueue = NoQueue::kTaps;
  NapiWish napi;
  NumberWish napi_usecs{NumberWish::Kind::kAuto, 0};    // deferred, busy-poll: to the timer
  NumberWish napi_polls{NumberWish::Kind::kAuto, 0};    // likewise: empty ones, until interrupts
  NumberWish napi_idle_ms{NumberWish::Kind::kAuto, 0};  // busy-poll: without frames, until interrupts
  NumberWish napi_target{NumberWish::Kind::kAuto, 0};   // auto: percent that a CPU is filled to
  std::optional<ThreadSchedule> napi_thread;            // nothing: left alone
  bool operator==(const TuningSettings&) const = default;
};

// One guest NIC: every MAC on every VLAN goes to the tap.
struct Guest {
  std::string name;  // unique
  InterfaceName tap;
  std::vector<MacAddress> macs;  // at least one
  std::vector<VlanTag> vlans;    // at least one; VlanTag() = untagged
  bool keep_tag = false;         // trunk: the guest sees the tags
  SourceLocation where;          // for messages; file is empty for guests added over the control socket
  std::optional<Profile> profile = {};  // of its queue; empty: the one in [tuning]
  std::optional<uint32_t> cpu = {};     // that serves its queue; empty: chosen by us

  // What the guest is, not where it was written.
  [[nodiscard]] bool same_as(const Guest& other) const {
    return name == other.name && tap == other.tap && macs == other.macs && vlans == other.vlans &&
           keep_tag == other.keep_tag && profile == other.profile && cpu == other.cpu;
  }
};

struct Settings {
  // [uplink]
  std::vector<InterfaceName> devices;  // bonds (their members are used) or NICs
  VlanTagSource vlan_tag = VlanTagSource::kAuto;
  XdpMode xdp_mode = XdpMode::kNative;
  bool drop_reflected = false;
  bool promisc = true;      // set NICs promiscuous that nobody else does
  uint32_t relearn_s = 60;  // 0 .. 3600; 0 = never
  // [fdb]
  uint32_t max_entries = 65536;  // 1 .. 16 777 216
  // [daemon]
  std::string bpffs = "/sys/fs/bpf/xdpfwd";
  std::string state_dir = "/var/lib/xdpfwd";
  // [control]
  std::string socket = "/run/xdpfwd/control.sock";
  std::string socket_group;  // empty: the daemon's own
  // [log]
  std::string log_level = "info";
  TuningSettings tuning;

  bool operator==(const Settings&) const = default;
};

struct Config {
  Settings settings;
  std::vector<Guest> guests;
  std::map<std::string, SourceLocation, std::less<>>
      places;  // of the settings that are written, by "section.key"
};

struct ConfigText {
  std::string file;  // for messages
  std::string text;  // TOML
};

// Merges the texts in order: a later file's setting replaces an earlier one's, guests add up. Refuses unknown
// keys (with the nearest known one), wrong types, values out of range, and any (VLAN, MAC) or guest name
// given twice (naming both places). All or nothing.
Result<Config> parse_config(const std::vector<ConfigText>& texts);

// The rules that hold between guests, whatever their source: unique names, unique (VLAN, MAC).
Result<void> check_guests(const std::vector<Guest>& guests);

}  // namespace xdpfwd
