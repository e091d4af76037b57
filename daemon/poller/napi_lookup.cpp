// SPDX-License-Identifier: BSD-2-Clause
#include "poller/napi_lookup.h"

#include <fmt/format.h>
#include <linux/genetlink.h>

#include <algorithm>
#include <cstring>

#include "kernel/attributes.h"

namespace xdpfwd::poller {
namespace {

// From the kernel's uapi <linux/netdev.h>, which Debian 12's headers do not have.
constexpr uint8_t kQueueGet = 10;
constexpr uint8_t kNapiGet = 11;
constexpr uint8_t kNapiSet = 14;
constexpr uint16_t kQueueId = 1;
constexpr uint16_t kQueueIfindex = 2;
constexpr uint16_t kQueueType = 3;  // 0 = receive
constexpr uint16_t kQueueNapi = 4;
constexpr uint16_t kNapiIfindex = 1;
constexpr uint16_t kNapiId = 2;
constexpr uint16_t kNapiPid = 4;
constexpr uint16_t kNapiDeferHardIrqs = 5;
constexpr uint16_t kNapiFlushTimeout = 6;
constexpr uint16_t kNapiThreaded = 8;

// The kernel writes its "uint" in 4 bytes, or in 8 when it must.
uint64_t unsigned_of(const nlattr* attribute) {
  uint64_t value = 0;
  const size_t size = mnl_attr_get_payload_len(attribute);
  if (size == sizeof(uint32_t)) {
    uint32_t half = 0;
    std::memcpy(&half, mnl_attr_get_payload(attribute), sizeof(half));
    value = half;
  } else if (size == sizeof(uint64_t)) {
    std::memcpy(&value, mnl_attr_get_payload(attribute), sizeof(value));
  }
  return value;
}
uint32_t u32_of(const nlattr* attribute) {
  return static_cast<uint32_t>(unsigned_of(attribute));
}

NapiInstance instance_in(const nlmsghdr& message) {
  NapiInstance instance;
  Deferral deferral;
  bool told = false;
  for (const nlattr* attribute : Attributes::of(message, sizeof(genlmsghdr))) {
    switch (mnl_attr_get_type(attribute)) {
      case kNapiId:
        instance.id = u32_of(attribute);
        break;
      case kNapiPid:
        instance.thread = u32_of(attribute);
        break;
      case kNapiDeferHardIrqs:
        deferral.hard_irqs = u32_of(attribute);
        told = true;
        break;
      case kNapiFlushTimeout:
        deferral.flush_timeout_ns = unsigned_of(attribute);
        break;
      default:
        break;
    }
  }
  if (told) instance.deferral = deferral;
  return instance;
}

}  // namespace

Result<NapiLookup> NapiLookup::open() {
  auto family = GenericFamily::open("netdev");
  if (!family) return std::unexpected(family.error());
  if (!family->exists())
    return fail("this kernel does not tell which NAPI serves a queue", "it needs Linux 6.8 or later",
                EOPNOTSUPP);
  return NapiLookup(std::move(*family));
}

Result<NapiLookup::Queues> NapiLookup::queues(uint32_t ifindex, uint32_t queue) {
  NetlinkRequest request = family_.request(kQueueGet, NLM_F_DUMP);
  mnl_attr_put_u32(request.header(), kQueueIfindex, ifindex);
  Queues seen;
  const auto answered = family_.transact(request, [&](const nlmsghdr& message) {
    uint32_t id = 0;
    uint32_t type = 0;
    uint32_t napi = 0;
    for (const nlattr* attribute : Attributes::of(message, sizeof(genlmsghdr))) {
      const uint16_t kind = mnl_attr_get_type(attribute);
      if (kind == kQueueId) id = u32_of(attribute);
      if (kind == kQueueType) type = u32_of(attribute);
      if (kind == kQueueNapi) napi = u32_of(attribute);
    }
    if (type != 0) return;
    ++seen.count;
    if (id == queue) seen.napi = napi;
  });
  if (answered) return seen;
  if (answered.error().code == ENODEV) return fail("the NIC is gone", {}, ENOENT);
  if (answered.error().code == EOPNOTSUPP)
    return fail("this kernel does not tell which NAPI serves a queue", "it needs Linux 6.8 or later",
                EOPNOTSUPP);
  return std::unexpected(answered.error());
}

Result<std::vector<NapiInstance>> NapiLookup::instances(uint32_t ifindex) {
  NetlinkRequest request = family_.request(kNapiGet, NLM_F_DUMP);
  mnl_attr_put_u32(request.header(), kNapiIfindex, ifindex);
  std::vector<NapiInstance> found;
  const auto answered =
      family_.transact(request, [&](const nlmsghdr& message) { found.push_back(instance_in(message)); });
  if (!answered) {
    if (answered.error().code == ENODEV) return fail("the NIC is gone", {}, ENOENT);
    return std::unexpected(answered.error());
  }
  std::ranges::sort(found, {}, &NapiInstance::id);
  return found;
}

Result<NapiInstance> NapiLookup::find(uint32_t ifindex, uint32_t queue) {
  const auto seen = queues(ifindex, queue);
  if (!seen) return std::unexpected(seen.error());
  if (seen->count == 0) return fail("the NIC is down", "set it up", ENOENT);
  if (queue >= seen->count)
    return fail(fmt::format("there is no receive queue {}", queue),
                seen->count == 1 ? "there is one, 0" : fmt::format("there are 0 to {}", seen->count - 1),
                ERANGE);
  const auto all = instances(ifindex);
  if (!all) return std::unexpected(all.error());
  if (seen->napi != 0) {
    for (const NapiInstance& instance : *all)
      if (instance.id == seen->napi) return instance;
    return fail("its NAPI has just gone", {}, ENOENT);
  }
  // The driver (veth) does not say which is whose. It makes them in the order of its queues, and ids grow.
  if (all->empty()) return fail("it has no NAPI", "an XDP program gives it one", ENOENT);
  if (all->size() != seen->count)
    return fail(fmt::format("the driver does not tell which of its {} NAPIs serves which of its {} queues",
                            all->size(), seen->count),
                {}, EOPNOTSUPP);
  return (*all)[queue];
}

Result<void> NapiLookup::set_deferral(uint32_t napi, const Deferral& deferral) {
  NetlinkRequest request = family_.request(kNapiSet);
  mnl_attr_put_u32(request.header(), kNapiId, napi);
  mnl_attr_put_u32(request.header(), kNapiDeferHardIrqs, deferral.hard_irqs);
  mnl_attr_put_u64(request.header(), kNapiFlushTimeout, deferral.flush_timeout_ns);
  return family_.transact(request, [](const nlmsghdr&) {});
}

Result<void> NapiLookup::set_threaded(uint32_t napi, Threaded threaded) {
  NetlinkRequest request = family_.request(kNapiSet);
  mnl_attr_put_u32(request.header(), kNapiId, napi);
  mnl_attr_put_u32(request.header(), kNapiThreaded, static_cast<uint32_t>(threaded));
  return family_.transact(request, [](const nlmsghdr&) {});
}

}  // namespace xdpfwd::poller
