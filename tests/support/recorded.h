// SPDX-License-Identifier: BSD-2-Clause
// A netlink message recorded from a kernel, written as hexadecimal digits; and what cuts one short.
#pragma once

#include <linux/netlink.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace xdpfwd::test {

class RecordedMessage {
 public:
  explicit RecordedMessage(std::string_view digits) {
    for (size_t i = 0; i + 1 < digits.size(); i += 2)
      bytes_.push_back(static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16)));
  }
  [[nodiscard]] const nlmsghdr& header() const { return *reinterpret_cast<const nlmsghdr*>(bytes_.data()); }
  [[nodiscard]] size_t size() const { return bytes_.size(); }
  // Only the first `length` bytes exist, and the header says so.
  [[nodiscard]] RecordedMessage cut(uint32_t length) const {
    RecordedMessage shorter{std::vector<char>(bytes_.begin(), bytes_.begin() + length)};
    std::memcpy(shorter.bytes_.data(), &length, sizeof(length));
    return shorter;
  }

 private:
  explicit RecordedMessage(std::vector<char> bytes) : bytes_(std::move(bytes)) {}
  std::vector<char> bytes_;
};

}  // namespace xdpfwd::test
