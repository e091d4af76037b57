// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/ethtool.h"

#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>
#include <string_view>
#include <vector>

namespace xdpfwd {
namespace {

constexpr std::string_view kRxVlan = "rx-vlan-hw-parse";

// 0 or an errno value.
int call(int socket, const InterfaceName& device, void* command) {
  ifreq request{};
  std::memcpy(request.ifr_name, device.c_str(), IFNAMSIZ);
  request.ifr_data = static_cast<char*>(command);
  return ioctl(socket, SIOCETHTOOL, &request) < 0 ? errno : 0;
}

// ethtool structures end in arrays of a length known at run time.
template <typename Header, typename Element>
std::vector<char> with_elements(size_t count) {
  return std::vector<char>(sizeof(Header) + count * sizeof(Element));
}

}  // namespace

Result<Ethtool> Ethtool::open() {
  UniqueFd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket) return fail_errno("cannot open a socket for ethtool", errno);
  return Ethtool(std::move(socket));
}

Result<uint32_t> Ethtool::feature_index(const InterfaceName& device) {
  if (feature_index_ >= 0) return static_cast<uint32_t>(feature_index_);
  auto info_bytes = with_elements<ethtool_sset_info, uint32_t>(1);
  auto* info = reinterpret_cast<ethtool_sset_info*>(info_bytes.data());
  info->cmd = ETHTOOL_GSSET_INFO;
  info->sset_mask = uint64_t{1} << ETH_SS_FEATURES;
  if (const int error = call(socket_.get(), device, info))
    return fail_errno(fmt::format("cannot count the features of {}", device.view()), error);
  const uint32_t count = info->data[0];
  auto names_bytes = with_elements<ethtool_gstrings, char[ETH_GSTRING_LEN]>(count);
  auto* names = reinterpret_cast<ethtool_gstrings*>(names_bytes.data());
  names->cmd = ETHTOOL_GSTRINGS;
  names->string_set = ETH_SS_FEATURES;
  names->len = count;
  if (const int error = call(socket_.get(), device, names))
    return fail_errno(fmt::format("cannot list the features of {}", device.view()), error);
  for (uint32_t i = 0; i < names->len && i < count; ++i) {
    const char* name = reinterpret_cast<const char*>(names->data) + size_t{i} * ETH_GSTRING_LEN;
    if (std::string_view(name, strnlen(name, ETH_GSTRING_LEN)) == kRxVlan) {
      feature_index_ = static_cast<int>(i);
      feature_count_ = count;
      return i;
    }
  }
  return fail("the kernel has no feature named rx-vlan-hw-parse");
}

Result<RxVlan> Ethtool::rxvlan(const InterfaceName& device) {
  const auto index = feature_index(device);
  if (!index) return std::unexpected(index.error());
  const uint32_t blocks = (feature_count_ + 31) / 32;
  auto bytes = with_elements<ethtool_gfeatures, ethtool_get_features_block>(blocks);
  auto* features = reinterpret_cast<ethtool_gfeatures*>(bytes.data());
  features->cmd = ETHTOOL_GFEATURES;
  features->size = blocks;
  if (const int error = call(socket_.get(), device, features))
    return fail_errno(fmt::format("cannot read the features of {}", device.view()), error);
  const ethtool_get_features_block& block = features->features[*index / 32];
  const uint32_t bit = uint32_t{1} << (*index % 32);
  const bool changeable = (block.available & bit) != 0 && (block.never_changed & bit) == 0;
  return RxVlan{.on = (block.active & bit) != 0, .fixed = !changeable};
}

Result<void> Ethtool::set_rxvlan(const InterfaceName& device, bool on) {
  const auto index = feature_index(device);
  if (!index) return std::unexpected(index.error());
  const uint32_t blocks = (feature_count_ + 31) / 32;
  auto bytes = with_elements<ethtool_sfeatures, ethtool_set_features_block>(blocks);
  auto* features = reinterpret_cast<ethtool_sfeatures*>(bytes.data());
  features->cmd = ETHTOOL_SFEATURES;
  features->size = blocks;
  const uint32_t bit = uint32_t{1} << (*index % 32);
  features->features[*index / 32] = {.valid = bit, .requested = on ? bit : 0};
  if (const int error = call(socket_.get(), device, features))
    return fail_errno(fmt::format("cannot turn rxvlan of {} {}", device.view(), on ? "on" : "off"), error,
                      error == EPERM ? "run with CAP_NET_ADMIN" : "");
  const auto now = rxvlan(device);
  if (!now) return std::unexpected(now.error());
  if (now->on != on)
    return fail(fmt::format("the driver of {} accepted rxvlan {} and did not do it", device.view(),
                            on ? "on" : "off"),
                fmt::format("ethtool -K {} rxvlan {}", device.view(), on ? "on" : "off"), EOPNOTSUPP);
  return {};
}

}  // namespace xdpfwd
