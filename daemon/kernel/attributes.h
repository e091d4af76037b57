// SPDX-License-Identifier: BSD-2-Clause
// Walks netlink attributes with a range-for; libmnl's own macros do not compile as C++. Stops at the first
// attribute that does not fit.
#pragma once

#include <libmnl/libmnl.h>

#include <cstddef>

namespace xdpfwd {

class Attributes {
 public:
  class Iterator {
   public:
    Iterator() = default;  // the end
    Iterator(const nlattr* at, const char* end) : at_(at), end_(end) { stop_if_broken(); }
    const nlattr* operator*() const { return at_; }
    Iterator& operator++() {
      at_ = mnl_attr_next(at_);
      stop_if_broken();
      return *this;
    }
    bool operator!=(const Iterator& other) const { return at_ != other.at_; }

   private:
    void stop_if_broken() {
      const std::ptrdiff_t rest = end_ - reinterpret_cast<const char*>(at_);
      if (rest < 0 || !mnl_attr_ok(at_, static_cast<int>(rest))) at_ = nullptr;
    }
    const nlattr* at_ = nullptr;
    const char* end_ = nullptr;
  };

  // Those of a message, behind a family header of `header_size` bytes.
  static Attributes of(const nlmsghdr& message, size_t header_size) {
    // Not mnl_nlmsg_get_payload_tail(), which rounds up: the last bytes need not be there.
    return {mnl_nlmsg_get_payload_offset(&message, header_size),
            reinterpret_cast<const char*>(&message) + message.nlmsg_len};
  }
  static Attributes in(const nlattr* nest) {
    const auto* payload = static_cast<const char*>(mnl_attr_get_payload(nest));
    return {payload, payload + mnl_attr_get_payload_len(nest)};
  }
  [[nodiscard]] Iterator begin() const { return {static_cast<const nlattr*>(first_), end_}; }
  [[nodiscard]] Iterator end() const { return {}; }

 private:
  Attributes(const void* first, const void* end) : first_(first), end_(static_cast<const char*>(end)) {}
  const void* first_;
  const char* end_;
};

}  // namespace xdpfwd
