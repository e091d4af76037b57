// SPDX-License-Identifier: BSD-2-Clause
// What each field of a guest may be, wherever it was written: a TOML file, the state file, a call over the
// control socket. The rules between guests are check_guests() in config.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/config.h"
#include "core/net.h"

namespace xdpfwd {

// The largest table that can be asked for, and so the most (VLAN, MAC) pairs that guests can have together.
inline constexpr uint64_t kMostRows = 16777216;

// 1 to 64 bytes, no spaces or control characters, not starting with '-' (it is an argument of xdpctl).
Result<std::string> parse_guest_name(std::string_view text);
// A MAC that frames to one guest can carry: neither group nor all zero.
Result<MacAddress> parse_guest_mac(std::string_view text);
// From any integer of a file or message. Fails outside 0..4094.
Result<VlanTag> make_guest_vlan(int64_t id, VlanTag::Tpid tpid);

Result<VlanTag::Tpid> parse_tpid(std::string_view text);  // "802.1q", "802.1ad"
Result<bool> parse_mode(std::string_view text);           // "access" = false, "trunk" = true: keep the tag
Result<std::optional<Profile>> parse_guest_profile(std::string_view text);  // "inherit", "latency", ...
Result<uint32_t> parse_guest_cpu(int64_t cpu);
std::string_view profile_text(Profile profile);  // "latency"
std::string_view tpid_text(VlanTag::Tpid tpid);
std::string_view mode_text(bool keep_tag);

// The tag kind of all of the guest's VLANs. Every source gives a guest one kind.
VlanTag::Tpid tpid_of(const Guest& guest);
// (VLAN, MAC) pairs.
inline uint64_t rows_of(const Guest& guest) {
  return uint64_t{guest.macs.size()} * guest.vlans.size();
}

}  // namespace xdpfwd
