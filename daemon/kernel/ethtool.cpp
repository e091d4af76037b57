// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/ethtool.h"

#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/netlink.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace xdpfwd {
namespace {

// Far more than any kernel has: what is above is no count.
constexpr uint32_t kMostFeatures = 4096;

// ethtool structures end in arrays of a length known at run time.
template <typename Header, typename Element>
std::vector<char> with_elements(size_t count) {
  return std::vector<char>(sizeof(Header) + count * sizeof(Element));
}

}  // namespace

Result<Ethtool> Ethtool::open() {
  // Any socket takes the ioctls; this kind spares the unit a family.
  UniqueFd socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
  if (!socket) return fail_errno("cannot open a socket for ethtool", errno);
  return Ethtool(std::move(socket));
}

int Ethtool::call(const InterfaceName& device, void* command) {
  ifreq request{};
  std::memcpy(request.ifr_name, device.c_str(), IFNAMSIZ);
  request.ifr_data = static_cast<char*>(command);
  return ioctl(socket_.get(), SIOCETHTOOL, &request) < 0 ? errno : 0;
}

bool Ethtool::is_there(uint32_t ifindex, const InterfaceName& device) const {
  ifreq request{};
  request.ifr_ifindex = static_cast<int>(ifindex);
  return ioctl(socket_.get(), SIOCGIFNAME, &request) == 0 &&
         device.view() == std::string_view(request.ifr_name, strnlen(request.ifr_name, IFNAMSIZ));
}

Result<std::string> Ethtool::driver(const InterfaceName& device) {
  ethtool_drvinfo info{};
  info.cmd = ETHTOOL_GDRVINFO;
  if (const int error = call(device, &info))
    return fail_errno(fmt::format("cannot ask for the driver of {}", device.view()), error);
  return std::string(info.driver, strnlen(info.driver, sizeof(info.driver)));
}

Result<void> Ethtool::learn_features(const InterfaceName& device) {
  auto info_bytes = with_elements<ethtool_sset_info, uint32_t>(1);
  auto* info = reinterpret_cast<ethtool_sset_info*>(info_bytes.data());
  info->cmd = ETHTOOL_GSSET_INFO;
  info->sset_mask = uint64_t{1} << ETH_SS_FEATURES;
  if (const int error = call(device, info))
    return fail_errno(fmt::format("cannot count the features of {}", device.view()), error);
  const uint32_t count = std::min(info->data[0], kMostFeatures);
  auto names_bytes = with_elements<ethtool_gstrings, char[ETH_GSTRING_LEN]>(count);
  auto* names = reinterpret_cast<ethtool_gstrings*>(names_bytes.data());
  names->cmd = ETHTOOL_GSTRINGS;
  names->string_set = ETH_SS_FEATURES;
  names->len = count;
  if (const int error = call(device, names))
    return fail_errno(fmt::format("cannot list the features of {}", device.view()), error);
  for (uint32_t i = 0; i < names->len && i < count; ++i) {
    const char* name = reinterpret_cast<const char*>(names->data) + size_t{i} * ETH_GSTRING_LEN;
    features_.emplace_back(name, strnlen(name, ETH_GSTRING_LEN));
  }
  return {};
}

Result<uint32_t> Ethtool::feature_index(const InterfaceName& device, FeatureName name) {
  if (features_.empty())
    if (auto learnt = learn_features(device); !learnt) return std::unexpected(learnt.error());
  const auto at = std::ranges::find(features_, name.kernel);
  if (at == features_.end())
    return fail(fmt::format("the kernel has no feature named {}", name.kernel), {}, EOPNOTSUPP);
  return static_cast<uint32_t>(at - features_.begin());
}

Result<Feature> Ethtool::feature(const InterfaceName& device, FeatureName name) {
  const auto index = feature_index(device, name);
  if (!index) return std::unexpected(index.error());
  const auto blocks = static_cast<uint32_t>((features_.size() + 31) / 32);
  auto bytes = with_elements<ethtool_gfeatures, ethtool_get_features_block>(blocks);
  auto* features = reinterpret_cast<ethtool_gfeatures*>(bytes.data());
  features->cmd = ETHTOOL_GFEATURES;
  features->size = blocks;
  if (const int error = call(device, features))
    return fail_errno(fmt::format("cannot read the features of {}", device.view()), error);
  const ethtool_get_features_block& block = features->features[*index / 32];
  const uint32_t bit = uint32_t{1} << (*index % 32);
  const bool changeable = (block.available & bit) != 0 && (block.never_changed & bit) == 0;
  return Feature{.on = (block.active & bit) != 0, .fixed = !changeable};
}

Result<void> Ethtool::set_feature(const InterfaceName& device, FeatureName name, bool on) {
  const auto index = feature_index(device, name);
  if (!index) return std::unexpected(index.error());
  const auto blocks = static_cast<uint32_t>((features_.size() + 31) / 32);
  auto bytes = with_elements<ethtool_sfeatures, ethtool_set_features_block>(blocks);
  auto* features = reinterpret_cast<ethtool_sfeatures*>(bytes.data());
  features->cmd = ETHTOOL_SFEATURES;
  features->size = blocks;
  const uint32_t bit = uint32_t{1} << (*index % 32);
  features->features[*index / 32] = {.valid = bit, .requested = on ? bit : 0};
  const std::string_view wanted = on ? "on" : "off";
  if (const int error = call(device, features))
    return fail_errno(fmt::format("cannot turn {} of {} {}", name.people, device.view(), wanted), error,
                      error == EPERM ? "run with CAP_NET_ADMIN" : "");
  const auto now = feature(device, name);
  if (!now) return std::unexpected(now.error());
  if (now->on != on)
    return fail(
        fmt::format("the driver of {} accepted {} {} and did not do it", device.view(), name.people, wanted),
        fmt::format("ethtool -K {} {} {}", device.view(), name.people, wanted), EOPNOTSUPP);
  return {};
}

}  // namespace xdpfwd
