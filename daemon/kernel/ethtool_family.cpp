// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/ethtool_family.h"

#include <linux/ethtool_netlink.h>
#include <linux/genetlink.h>

#include "kernel/attributes.h"

namespace xdpfwd {
namespace {

// The first attribute of each message is this header: ETHTOOL_A_CHANNELS_HEADER and so on.
constexpr uint16_t kHeader = 1;

}  // namespace

EthtoolNumbers EthtoolNumbers::decode(const nlmsghdr& message) {
  EthtoolNumbers decoded;
  if (mnl_nlmsg_get_payload_len(&message) < sizeof(genlmsghdr)) return decoded;
  for (const nlattr* attribute : Attributes::of(message, sizeof(genlmsghdr))) {
    const uint16_t type = mnl_attr_get_type(attribute);
    if (type == kHeader || type >= decoded.numbers_.size()) continue;
    if (mnl_attr_get_payload_len(attribute) == sizeof(uint32_t))
      decoded.numbers_[type] = mnl_attr_get_u32(attribute);
    if (mnl_attr_get_payload_len(attribute) == sizeof(uint8_t))
      decoded.numbers_[type] = mnl_attr_get_u8(attribute);
  }
  return decoded;
}

Result<EthtoolFamily> EthtoolFamily::open() {
  auto family = GenericFamily::open(ETHTOOL_GENL_NAME);
  if (!family) return std::unexpected(family.error());
  return EthtoolFamily(std::move(*family));
}

Result<NetlinkRequest> EthtoolFamily::request(uint8_t command, uint32_t ifindex) const {
  if (!family_.exists())
    return fail("the kernel has no ethtool by netlink", "CONFIG_ETHTOOL_NETLINK", EOPNOTSUPP);
  NetlinkRequest request = family_.request(command);
  nlattr* header = mnl_attr_nest_start(request.header(), kHeader);
  mnl_attr_put_u32(request.header(), ETHTOOL_A_HEADER_DEV_INDEX, ifindex);
  mnl_attr_nest_end(request.header(), header);
  return request;
}

Result<EthtoolNumbers> EthtoolFamily::get(uint8_t command, uint32_t ifindex) {
  auto asked = request(command, ifindex);
  if (!asked) return std::unexpected(asked.error());
  EthtoolNumbers numbers;
  const auto answered =
      family_.transact(*asked, [&](const nlmsghdr& message) { numbers = EthtoolNumbers::decode(message); });
  if (!answered) return std::unexpected(answered.error());
  return numbers;
}

Result<void> EthtoolFamily::set(uint8_t command, uint32_t ifindex, std::span<const EthtoolNumber> numbers) {
  auto told = request(command, ifindex);
  if (!told) return std::unexpected(told.error());
  for (const EthtoolNumber& number : numbers) {
    if (number.is_switch)
      mnl_attr_put_u8(told->header(), number.attribute, number.value != 0 ? 1 : 0);
    else
      mnl_attr_put_u32(told->header(), number.attribute, number.value);
  }
  return family_.transact(*told, [](const nlmsghdr&) {});
}

}  // namespace xdpfwd
