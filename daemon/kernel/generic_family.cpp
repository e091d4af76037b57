// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/generic_family.h"

#include <linux/genetlink.h>

#include <cstring>

#include "kernel/attributes.h"

namespace xdpfwd {
namespace {

NetlinkRequest request_of(uint16_t family, uint8_t command, uint16_t flags) {
  NetlinkRequest request(family, flags);
  *request.family_header<genlmsghdr>() = {.cmd = command, .version = 1, .reserved = 0};
  return request;
}

std::pair<std::string, uint32_t> group_in(const nlattr* nest) {
  std::pair<std::string, uint32_t> group;
  for (const nlattr* attribute : Attributes::in(nest)) {
    const auto* payload = static_cast<const char*>(mnl_attr_get_payload(attribute));
    const size_t size = mnl_attr_get_payload_len(attribute);
    if (mnl_attr_get_type(attribute) == CTRL_ATTR_MCAST_GRP_NAME)
      group.first.assign(payload, strnlen(payload, size));
    else if (mnl_attr_get_type(attribute) == CTRL_ATTR_MCAST_GRP_ID && size >= sizeof(uint32_t))
      group.second = mnl_attr_get_u32(attribute);
  }
  return group;
}

}  // namespace

Result<GenericFamily> GenericFamily::open(const std::string& name) {
  auto socket = NetlinkSocket::open(NETLINK_GENERIC);
  if (!socket) return std::unexpected(socket.error());
  NetlinkRequest request = request_of(GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
  mnl_attr_put_strz(request.header(), CTRL_ATTR_FAMILY_NAME, name.c_str());
  uint16_t number = 0;
  std::map<std::string, uint32_t> groups;
  const auto answered = socket->transact(request, [&](const nlmsghdr& message) {
    for (const nlattr* attribute : Attributes::of(message, sizeof(genlmsghdr))) {
      if (mnl_attr_get_type(attribute) == CTRL_ATTR_FAMILY_ID &&
          mnl_attr_get_payload_len(attribute) >= sizeof(number))
        number = mnl_attr_get_u16(attribute);
      if (mnl_attr_get_type(attribute) == CTRL_ATTR_MCAST_GROUPS)
        for (const nlattr* nest : Attributes::in(attribute)) groups.insert(group_in(nest));
    }
  });
  if (!answered && answered.error().code != ENOENT) return std::unexpected(answered.error());
  return GenericFamily(std::move(*socket), number, std::move(groups));
}

uint32_t GenericFamily::group(const std::string& name) const {
  const auto at = groups_.find(name);
  return at == groups_.end() ? 0 : at->second;
}

NetlinkRequest GenericFamily::request(uint8_t command, uint16_t flags) const {
  return request_of(number_, command, flags);
}

}  // namespace xdpfwd
