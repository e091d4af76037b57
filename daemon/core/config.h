// SPDX-License-Identifier: BSD-2-Clause
// The configuration as values, and how text becomes them. Reading the files is sources/'s work; here is only
// text -> Config, with errors that say file, line and column. Every key is a row of the option table
// (options.h).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
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

// One guest NIC: every MAC on every VLAN goes to the tap.
struct Guest {
  std::string name;  // unique
  InterfaceName tap;
  std::vector<MacAddress> macs;  // at least one
  std::vector<VlanTag> vlans;    // at least one; VlanTag() = untagged
  bool keep_tag = false;         // trunk: the guest sees the tags
  SourceLocation where;          // for messages; file is empty for guests added over the control socket

  // What the guest is, not where it was written.
  [[nodiscard]] bool same_as(const Guest& other) const {
    return name == other.name && tap == other.tap && macs == other.macs && vlans == other.vlans &&
           keep_tag == other.keep_tag;
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
