// SPDX-License-Identifier: BSD-2-Clause
// The generic netlink family "ethtool" (kernel 5.6 and later), as far as its messages are plain numbers:
// channels, rings, coalescing. What is not sent in a request stays as it is.
#pragma once

#include <array>
#include <optional>
#include <span>

#include "kernel/generic_family.h"

namespace xdpfwd {

// The numbers of a message, by attribute; others are left out, as is what the driver does not have.
class EthtoolNumbers {
 public:
  // The message's length must be trusted to lie within its buffer (mnl_nlmsg_ok).
  static EthtoolNumbers decode(const nlmsghdr& message);
  [[nodiscard]] std::optional<uint32_t> find(uint16_t attribute) const {
    return attribute < numbers_.size() ? numbers_[attribute] : std::nullopt;
  }
  [[nodiscard]] uint32_t get(uint16_t attribute) const { return find(attribute).value_or(0); }

 private:
  std::array<std::optional<uint32_t>, 64> numbers_;
};

struct EthtoolNumber {
  uint16_t attribute = 0;
  uint32_t value = 0;
  bool is_switch = false;  // one byte on the wire
};

class EthtoolFamily {
 public:
  // A kernel without the family answers every request with EOPNOTSUPP.
  static Result<EthtoolFamily> open();
  // `command`: ETHTOOL_MSG_…_GET, ETHTOOL_MSG_…_SET.
  Result<EthtoolNumbers> get(uint8_t command, uint32_t ifindex);
  Result<void> set(uint8_t command, uint32_t ifindex, std::span<const EthtoolNumber> numbers);

 private:
  explicit EthtoolFamily(GenericFamily family) : family_(std::move(family)) {}
  Result<NetlinkRequest> request(uint8_t command, uint32_t ifindex) const;
  GenericFamily family_;
};

}  // namespace xdpfwd
