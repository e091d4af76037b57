// SPDX-License-Identifier: BSD-2-Clause
// A family of generic netlink ("netdev", "ethtool"): its number is the kernel's to choose, and asked by name.
#pragma once

#include <map>
#include <string>

#include "kernel/netlink.h"

namespace xdpfwd {

class GenericFamily {
 public:
  // Succeeds without the family too, on a kernel that has none.
  static Result<GenericFamily> open(const std::string& name);
  [[nodiscard]] bool exists() const { return number_ != 0; }
  // The number of a group that the family tells its news to; 0 = the kernel has none of this name.
  [[nodiscard]] uint32_t group(const std::string& name) const;
  // A request of the family, ready for its attributes.
  [[nodiscard]] NetlinkRequest request(uint8_t command, uint16_t flags = 0) const;
  Result<void> transact(NetlinkRequest& request, const NetlinkSocket::OnMessage& on_message) {
    return socket_.transact(request, on_message);
  }

 private:
  GenericFamily(NetlinkSocket socket, uint16_t number, std::map<std::string, uint32_t> groups)
      : socket_(std::move(socket)), number_(number), groups_(std::move(groups)) {}
  NetlinkSocket socket_;
  uint16_t number_;  // 0 = the kernel has none
  std::map<std::string, uint32_t> groups_;
};

}  // namespace xdpfwd
