// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/link_decoder.h"

#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_bonding.h>
#include <linux/if_link.h>
#include <linux/if_tun.h>
#include <linux/rtnetlink.h>

#include <string_view>

#include "kernel/attributes.h"

namespace xdpfwd {
namespace {

std::string_view text_of(const nlattr* attribute) {
  const std::string_view text(static_cast<const char*>(mnl_attr_get_payload(attribute)),
                              mnl_attr_get_payload_len(attribute));
  return text.substr(0, text.find('\0'));
}

// The value if the attribute is long enough for it, else 0.
uint32_t u32_of(const nlattr* attribute) {
  return mnl_attr_get_payload_len(attribute) >= sizeof(uint32_t) ? mnl_attr_get_u32(attribute) : 0;
}
uint8_t u8_of(const nlattr* attribute) {
  return mnl_attr_get_payload_len(attribute) >= sizeof(uint8_t) ? mnl_attr_get_u8(attribute) : uint8_t{0};
}

bool holds_attributes(const nlattr* attribute) {
  return mnl_attr_get_payload_len(attribute) >= sizeof(nlattr);
}

void decode_tun(const nlattr* data, DecodedLink& decoded) {
  Link& link = decoded.link;
  for (const nlattr* attribute : Attributes::in(data)) {
    switch (mnl_attr_get_type(attribute)) {
      case IFLA_TUN_TYPE:
        if (u8_of(attribute) == IFF_TAP) link.kind = LinkKind::kTap;
        break;
      case IFLA_TUN_PI:
        decoded.packet_info = u8_of(attribute) != 0;
        break;
      case IFLA_TUN_MULTI_QUEUE:
        link.multi_queue = u8_of(attribute) != 0;
        break;
      case IFLA_TUN_NUM_QUEUES:
        link.queues = u32_of(attribute);
        break;
      default:
        break;
    }
  }
}

void decode_bond(const nlattr* data, Link& link) {
  for (const nlattr* attribute : Attributes::in(data))
    if (mnl_attr_get_type(attribute) == IFLA_BOND_MODE && mnl_attr_get_payload_len(attribute) > 0)
      link.bond_keeps_backups = u8_of(attribute) == BOND_MODE_ACTIVEBACKUP;
}

void decode_bond_member(const nlattr* data, Link& link) {
  bool active = false;
  bool mii_up = false;
  for (const nlattr* attribute : Attributes::in(data)) {
    if (mnl_attr_get_type(attribute) == IFLA_BOND_SLAVE_STATE)
      active = mnl_attr_get_payload_len(attribute) > 0 && u8_of(attribute) == BOND_STATE_ACTIVE;
    if (mnl_attr_get_type(attribute) == IFLA_BOND_SLAVE_MII_STATUS)
      mii_up = mnl_attr_get_payload_len(attribute) > 0 && u8_of(attribute) == BOND_LINK_UP;
  }
  link.bond_active = active && mii_up;
}

void decode_linkinfo(const nlattr* linkinfo, DecodedLink& decoded) {
  Link& link = decoded.link;
  std::string_view kind;
  std::string_view member_kind;
  const nlattr* data = nullptr;
  const nlattr* member_data = nullptr;
  for (const nlattr* attribute : Attributes::in(linkinfo)) {
    switch (mnl_attr_get_type(attribute)) {
      case IFLA_INFO_KIND:
        kind = text_of(attribute);
        break;
      case IFLA_INFO_DATA:
        data = attribute;
        break;
      case IFLA_INFO_SLAVE_KIND:
        member_kind = text_of(attribute);
        break;
      case IFLA_INFO_SLAVE_DATA:
        member_data = attribute;
        break;
      default:
        break;
    }
  }
  link.kind_text = kind;
  if (kind == "bond") {
    link.kind = LinkKind::kBond;
    if (data && holds_attributes(data)) decode_bond(data, link);
  }
  if (kind == "tun" && data && holds_attributes(data)) decode_tun(data, decoded);
  if (member_kind == "bond") {
    link.bond_member = true;
    if (member_data && holds_attributes(member_data)) decode_bond_member(member_data, link);
  }
}

XdpAttached decode_xdp(const nlattr* xdp) {
  for (const nlattr* attribute : Attributes::in(xdp)) {
    if (mnl_attr_get_type(attribute) != IFLA_XDP_ATTACHED) continue;
    switch (u8_of(attribute)) {
      case XDP_ATTACHED_NONE:
        return XdpAttached::kNone;
      case XDP_ATTACHED_DRV:
        return XdpAttached::kNative;
      case XDP_ATTACHED_SKB:
        return XdpAttached::kGeneric;
      default:
        return XdpAttached::kOther;
    }
  }
  return XdpAttached::kNone;
}

}  // namespace

std::optional<DecodedLink> decode_link(const nlmsghdr& message) {
  if (message.nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(&message) < sizeof(ifinfomsg))
    return std::nullopt;
  const auto* header = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(&message));
  DecodedLink decoded;
  Link& link = decoded.link;
  link.ifindex = static_cast<uint32_t>(header->ifi_index);
  link.admin_up = (header->ifi_flags & IFF_UP) != 0;
  link.lower_up = (header->ifi_flags & IFF_LOWER_UP) != 0;
  link.promisc = (header->ifi_flags & IFF_PROMISC) != 0;
  bool lower_is_elsewhere = false;  // in another network namespace, where ifindexes mean other devices
  for (const nlattr* attribute : Attributes::of(message, sizeof(ifinfomsg))) {
    switch (mnl_attr_get_type(attribute)) {
      case IFLA_IFNAME:
        if (auto name = InterfaceName::parse(text_of(attribute))) link.name = *name;
        break;
      case IFLA_MTU:
        link.mtu = u32_of(attribute);
        break;
      case IFLA_TXQLEN:
        decoded.tx_queue_len = u32_of(attribute);
        break;
      case IFLA_MASTER:
        link.master = u32_of(attribute);
        break;
      case IFLA_PROMISCUITY:
        link.promiscuity = u32_of(attribute);
        break;
      case IFLA_LINK:
        link.lower = u32_of(attribute);
        break;
      case IFLA_LINK_NETNSID:
        lower_is_elsewhere = true;
        break;
      case IFLA_LINKINFO:
        if (holds_attributes(attribute)) decode_linkinfo(attribute, decoded);
        break;
      case IFLA_XDP:
        if (holds_attributes(attribute)) decoded.xdp = decode_xdp(attribute);
        break;
      default:
        break;
    }
  }
  // Other kinds mean other things by IFLA_LINK: a veth its peer, a tunnel its way out.
  if (link.kind_text != "vlan" || lower_is_elsewhere) link.lower = 0;
  if (link.name.empty() || link.ifindex == 0) return std::nullopt;
  return decoded;
}

}  // namespace xdpfwd
