// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/steering_rules.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/ethtool.h>

#include <algorithm>
#include <cstring>
#include <optional>

namespace xdpfwd {
namespace {

// More than any NIC takes: what is above is no count.
constexpr uint32_t kMostRules = 1U << 16;
// mlx5 wants the VLAN's number matched whole, and nothing else of the tag (en_fs_ethtool.c, validate_vlan()).
constexpr uint16_t kVlanIdMask = 0x0fff;

bool is_all(const unsigned char* bytes, size_t count, unsigned char value) {
  return std::all_of(bytes, bytes + count, [&](unsigned char byte) { return byte == value; });
}

std::string_view name_of_type(uint32_t type) {
  switch (type) {
    case ETHER_FLOW:
      return "ether";
    case IP_USER_FLOW:
      return "ip4";
    case TCP_V4_FLOW:
      return "tcp4";
    case UDP_V4_FLOW:
      return "udp4";
    case SCTP_V4_FLOW:
      return "sctp4";
    case IPV6_USER_FLOW:
      return "ip6";
    case TCP_V6_FLOW:
      return "tcp6";
    case UDP_V6_FLOW:
      return "udp6";
    case SCTP_V6_FLOW:
      return "sctp6";
    default:
      return {};
  }
}

std::string target_text(uint64_t cookie) {
  if (cookie == RX_CLS_FLOW_DISC) return "drop";
  if (cookie == RX_CLS_FLOW_WAKE) return "wake";
  if (ethtool_get_flow_spec_ring_vf(cookie) != 0)
    return fmt::format("virtual function {} queue {}", ethtool_get_flow_spec_ring_vf(cookie) - 1,
                       ethtool_get_flow_spec_ring(cookie));
  return fmt::format("queue {}", cookie);
}

// Nothing if we could not have written it.
std::optional<SteeringRule> rule_of(const ethtool_rx_flow_spec& flow) {
  const ethhdr& mask = flow.m_u.ether_spec;
  if ((flow.flow_type & ~FLOW_EXT) != ETHER_FLOW || flow.ring_cookie > UINT32_MAX ||
      !is_all(mask.h_dest, sizeof(mask.h_dest), 0xff) || !is_all(mask.h_source, sizeof(mask.h_source), 0) ||
      mask.h_proto != 0)
    return std::nullopt;
  SteeringRule rule{.queue = static_cast<uint32_t>(flow.ring_cookie)};
  std::array<uint8_t, 6> mac{};
  std::memcpy(mac.data(), flow.h_u.ether_spec.h_dest, mac.size());
  rule.mac = MacAddress(mac);
  if ((flow.flow_type & FLOW_EXT) == 0) return rule;
  const ethtool_flow_ext& ext = flow.m_ext;
  if (ext.vlan_etype != 0 || ext.data[0] != 0 || ext.data[1] != 0) return std::nullopt;
  if (ext.vlan_tci == 0) return rule;
  const auto vlan = VlanTag::make(ntohs(flow.h_ext.vlan_tci) & kVlanIdMask);
  if (ntohs(ext.vlan_tci) != kVlanIdMask || !vlan || *vlan == VlanTag()) return std::nullopt;
  rule.vlan = *vlan;
  return rule;
}

Result<ethtool_rxnfc> ask(Ethtool& ethtool, const InterfaceName& device, uint32_t command,
                          uint32_t location) {
  ethtool_rxnfc rxnfc{};
  rxnfc.cmd = command;
  rxnfc.fs.location = location;
  if (const int error = ethtool.call(device, &rxnfc))
    return fail_errno("the driver refused to tell its rules", error);
  return rxnfc;
}

Result<void> remove_rule(Ethtool& ethtool, const InterfaceName& device, uint32_t location) {
  const auto there = read_rule(ethtool, device, location);
  if (!there) return std::unexpected(there.error());
  if (there->empty()) return {};
  ethtool_rxnfc rxnfc{};
  rxnfc.cmd = ETHTOOL_SRXCLSRLDEL;
  rxnfc.fs.location = location;
  const int error = ethtool.call(device, &rxnfc);
  if (error != 0 && error != ENOENT) return fail_errno("the driver refused to delete the rule", error);
  return {};
}

}  // namespace

Result<ethtool_rx_flow_spec> flow_of(const SteeringRule& rule, uint32_t location) {
  if (rule.vlan.tpid() == VlanTag::Tpid::k8021ad)
    return fail("no driver steers by an 802.1ad tag", "leave the VLAN out of the rule", EOPNOTSUPP);
  ethtool_rx_flow_spec flow{};
  flow.flow_type = ETHER_FLOW;
  std::memcpy(flow.h_u.ether_spec.h_dest, rule.mac.bytes().data(), ETH_ALEN);
  std::memset(flow.m_u.ether_spec.h_dest, 0xff, ETH_ALEN);
  if (rule.vlan != VlanTag()) {
    flow.flow_type |= FLOW_EXT;
    flow.h_ext.vlan_tci = htons(rule.vlan.id());
    flow.m_ext.vlan_tci = htons(kVlanIdMask);
  }
  flow.ring_cookie = rule.queue;
  flow.location = location == kWholeDevice ? RX_CLS_LOC_ANY : location;
  return flow;
}

std::string text_of(const ethtool_rx_flow_spec& flow) {
  if (const auto rule = rule_of(flow)) return rule->text();
  const uint32_t type = flow.flow_type & ~uint32_t{FLOW_EXT | FLOW_MAC_EXT | FLOW_RSS};
  const std::string_view name = name_of_type(type);
  return fmt::format("flow-type {} {}{}", name.empty() ? fmt::format("{}", type) : std::string(name),
                     (flow.flow_type & FLOW_RSS) != 0 ? "spread from " : "", target_text(flow.ring_cookie));
}

Result<SteeringRules> read_rules(Ethtool& ethtool, const InterfaceName& device) {
  SteeringRules rules;
  const auto count = ask(ethtool, device, ETHTOOL_GRXCLSRLCNT, 0);
  if (!count) return std::unexpected(count.error());
  const uint32_t room = std::min(count->rule_cnt, kMostRules);
  std::vector<char> bytes(sizeof(ethtool_rxnfc) + size_t{room} * sizeof(uint32_t));
  auto* all = reinterpret_cast<ethtool_rxnfc*>(bytes.data());
  all->cmd = ETHTOOL_GRXCLSRLALL;
  all->rule_cnt = room;
  if (const int error = ethtool.call(device, all))
    return fail_errno("the driver refused to list its rules", error);
  const auto ntuple = ethtool.feature(device, kFeatureNtuple);
  if (ntuple && (!ntuple->fixed || ntuple->on)) {
    rules.chooses_locations = (count->data & RX_CLS_LOC_SPECIAL) != 0;
    // Some drivers tell the table's size with the count, mlx5 with the list only.
    rules.capacity = static_cast<uint32_t>((all->data != 0 ? all->data : count->data) & ~RX_CLS_LOC_SPECIAL);
  }
  const char* locations = bytes.data() + offsetof(ethtool_rxnfc, rule_locs);
  for (uint32_t i = 0; i < std::min(all->rule_cnt, room); ++i) {
    uint32_t location = 0;
    std::memcpy(&location, locations + size_t{i} * sizeof(location), sizeof(location));
    // One that goes meanwhile is not there.
    const auto rule = read_rule(ethtool, device, location);
    if (rule && !rule->empty()) rules.rules.emplace_back(location, *rule);
  }
  std::ranges::sort(rules.rules);
  return rules;
}

Result<std::string> read_rule(Ethtool& ethtool, const InterfaceName& device, uint32_t location) {
  const auto rule = ask(ethtool, device, ETHTOOL_GRXCLSRULE, location);
  if (rule) return text_of(rule->fs);
  // mlx5 and ice say ENOENT where there is none, igb, ixgbe and i40e EINVAL.
  if (rule.error().code == ENOENT || rule.error().code == EINVAL) return std::string();
  return std::unexpected(rule.error());
}

Result<void> set_rule(Ethtool& ethtool, const InterfaceName& device, uint32_t location,
                      std::string_view text) {
  if (text.empty()) return remove_rule(ethtool, device, location);
  const auto rule = SteeringRule::parse(text);
  if (!rule) return std::unexpected(rule.error());
  const auto flow = flow_of(*rule, location);
  if (!flow) return std::unexpected(flow.error());
  ethtool_rxnfc rxnfc{};
  rxnfc.cmd = ETHTOOL_SRXCLSRLINS;
  rxnfc.fs = *flow;
  const int error = ethtool.call(device, &rxnfc);
  if (error == 0) return {};
  std::string remedy;
  if (error == ENOSPC) remedy = "the table is full, or ends before this location";
  // ixgbe and others want the switch on first.
  if (const auto ntuple = ethtool.feature(device, kFeatureNtuple);
      error == EOPNOTSUPP && ntuple && !ntuple->on && !ntuple->fixed)
    remedy = fmt::format("ethtool -K {} ntuple on", device.view());
  return fail_errno("the driver refused the rule", error, std::move(remedy));
}

}  // namespace xdpfwd
