// SPDX-License-Identifier: BSD-2-Clause
// ethtool's ioctl: features and the driver's name here; rules and coalescing of a queue, which netlink does
// not have, in steering_rules.h and coalescing.h. Devices are named by name: whoever calls has looked
// whether it is still the same device.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "core/net.h"

namespace xdpfwd {

// A switch of a driver, as the kernel calls it and as people do.
struct FeatureName {
  std::string_view kernel;
  std::string_view people;
};
// The one that decides where VLAN tags are.
inline constexpr FeatureName kFeatureRxVlan{"rx-vlan-hw-parse", "rxvlan"};
inline constexpr FeatureName kFeatureLro{"rx-lro", "lro"};
inline constexpr FeatureName kFeatureHwGro{"rx-gro-hw", "rx-gro-hw"};
inline constexpr FeatureName kFeatureNtuple{"rx-ntuple-filter", "ntuple"};

// A device without the feature has it off and fixed.
struct Feature {
  bool on = false;
  bool fixed = true;
};

class Ethtool {
 public:
  static Result<Ethtool> open();
  Result<Feature> feature(const InterfaceName& device, FeatureName name);
  // Sets, reads back, and fails if the driver did not do it.
  Result<void> set_feature(const InterfaceName& device, FeatureName name, bool on);
  Result<std::string> driver(const InterfaceName& device);

  // The device with this number has this name now. One cheap look (SIOCGIFNAME).
  [[nodiscard]] bool is_there(uint32_t ifindex, const InterfaceName& device) const;
  // One of ethtool's structures, read and written in place. 0 or an errno value.
  int call(const InterfaceName& device, void* command);

 private:
  explicit Ethtool(UniqueFd socket) : socket_(std::move(socket)) {}
  Result<void> learn_features(const InterfaceName& device);
  Result<uint32_t> feature_index(const InterfaceName& device, FeatureName name);

  UniqueFd socket_;
  std::vector<std::string> features_;  // the same for every device of a kernel
};

}  // namespace xdpfwd
