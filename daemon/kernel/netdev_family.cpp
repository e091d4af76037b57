// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/netdev_family.h"

#include <linux/genetlink.h>

#include "kernel/attributes.h"

namespace xdpfwd {
namespace {

// From the kernel's uapi <linux/netdev.h>, which Debian 12's headers do not have.
constexpr const char* kFamilyName = "netdev";
constexpr uint8_t kCmdDevGet = 1;
constexpr uint16_t kAttrIfindex = 1;
constexpr uint16_t kAttrRxMetadataFeatures = 5;
constexpr uint64_t kRxMetadataVlanTag = 4;

}  // namespace

Result<NetdevFamily> NetdevFamily::open() {
  auto socket = NetlinkSocket::open(NETLINK_GENERIC);
  if (!socket) return std::unexpected(socket.error());
  NetlinkRequest request(GENL_ID_CTRL, 0);
  *request.family_header<genlmsghdr>() = {.cmd = CTRL_CMD_GETFAMILY, .version = 1, .reserved = 0};
  mnl_attr_put_strz(request.header(), CTRL_ATTR_FAMILY_NAME, kFamilyName);
  uint16_t family = 0;
  const auto answered = socket->transact(request, [&](const nlmsghdr& message) {
    for (const nlattr* attribute : Attributes::of(message, sizeof(genlmsghdr))) {
      if (mnl_attr_get_type(attribute) == CTRL_ATTR_FAMILY_ID) family = mnl_attr_get_u16(attribute);
    }
  });
  if (!answered && answered.error().code != ENOENT) return std::unexpected(answered.error());
  return NetdevFamily(std::move(*socket), family);
}

bool NetdevFamily::has_vlan_hint(uint32_t ifindex) {
  if (family_ == 0) return false;
  NetlinkRequest request(family_, 0);
  *request.family_header<genlmsghdr>() = {.cmd = kCmdDevGet, .version = 1, .reserved = 0};
  mnl_attr_put_u32(request.header(), kAttrIfindex, ifindex);
  uint64_t features = 0;
  const auto answered = socket_.transact(request, [&](const nlmsghdr& message) {
    for (const nlattr* attribute : Attributes::of(message, sizeof(genlmsghdr))) {
      if (mnl_attr_get_type(attribute) == kAttrRxMetadataFeatures &&
          mnl_attr_get_payload_len(attribute) == sizeof(features))
        features = mnl_attr_get_u64(attribute);
    }
  });
  return answered && (features & kRxMetadataVlanTag) != 0;
}

}  // namespace xdpfwd
