// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/napi_instance.h"

#include <linux/genetlink.h>

#include <algorithm>

#include "kernel/attributes.h"

namespace xdpfwd {
namespace {

// From the kernel's uapi <linux/netdev.h>, which Debian 12's headers do not have.
constexpr uint8_t kCmdNapiGet = 11;
constexpr uint8_t kCmdNapiSet = 14;
constexpr uint16_t kNapiIfindex = 1;
constexpr uint16_t kNapiId = 2;
constexpr uint16_t kNapiPid = 4;

// The kernel's "uint" takes 4 bytes where they do, 8 where not.
std::optional<uint64_t> number_in(const nlattr* attribute) {
  switch (mnl_attr_get_payload_len(attribute)) {
    case sizeof(uint32_t):
      return mnl_attr_get_u32(attribute);
    case sizeof(uint64_t):
      return mnl_attr_get_u64(attribute);
    default:
      return std::nullopt;
  }
}

NapiInstance instance_in(const nlmsghdr& message) {
  NapiInstance napi;
  for (const nlattr* attribute : Attributes::of(message, sizeof(genlmsghdr))) {
    const auto number = number_in(attribute);
    if (!number) continue;
    switch (mnl_attr_get_type(attribute)) {
      case kNapiId:
        napi.id = static_cast<uint32_t>(*number);
        break;
      case kNapiPid:
        napi.pid = static_cast<uint32_t>(*number);
        break;
      case static_cast<uint16_t>(NapiValue::kDefer):
        napi.defer = static_cast<uint32_t>(*number);
        break;
      case static_cast<uint16_t>(NapiValue::kFlush):
        napi.flush_ns = *number;
        break;
      case static_cast<uint16_t>(NapiValue::kThreaded):
        napi.threaded = static_cast<uint32_t>(*number);
        break;
      default:
        break;
    }
  }
  return napi;
}

}  // namespace

Result<std::vector<NapiInstance>> read_napis(GenericFamily& family, uint32_t ifindex) {
  if (!family.exists()) return fail("the kernel tells nothing of NAPI instances", {}, EOPNOTSUPP);
  std::vector<NapiInstance> napis;
  NetlinkRequest request = family.request(kCmdNapiGet, NLM_F_DUMP);
  mnl_attr_put_u32(request.header(), kNapiIfindex, ifindex);
  auto answered = family.transact(request, [&](const nlmsghdr& message) {
    const NapiInstance napi = instance_in(message);
    if (napi.id != 0) napis.push_back(napi);
  });
  if (!answered) return std::unexpected(std::move(answered).error());
  std::ranges::sort(napis, {}, &NapiInstance::id);
  return napis;
}

Result<void> set_napi(GenericFamily& family, uint32_t id, NapiValue which, uint64_t value) {
  if (!family.exists()) return fail("the kernel has no values of a NAPI instance", {}, EOPNOTSUPP);
  NetlinkRequest request = family.request(kCmdNapiSet, NLM_F_ACK);
  mnl_attr_put_u32(request.header(), kNapiId, id);
  if (value > UINT32_MAX)
    mnl_attr_put_u64(request.header(), static_cast<uint16_t>(which), value);
  else
    mnl_attr_put_u32(request.header(), static_cast<uint16_t>(which), static_cast<uint32_t>(value));
  return family.transact(request, [](const nlmsghdr&) {});
}

}  // namespace xdpfwd
