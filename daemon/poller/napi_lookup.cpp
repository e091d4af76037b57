// SPDX-License-Identifier: BSD-2-Clause
#include "poller/napi_lookup.h"

#include <fmt/format.h>
#include <linux/genetlink.h>

#include "kernel/attributes.h"
#include "kernel/napi_instance.h"

namespace xdpfwd::poller {
namespace {

// From the kernel's uapi <linux/netdev.h>, which Debian 12's headers do not have.
constexpr uint8_t kQueueGet = 10;
constexpr uint16_t kQueueId = 1;
constexpr uint16_t kQueueIfindex = 2;
constexpr uint16_t kQueueType = 3;  // 0 = receive
constexpr uint16_t kQueueNapi = 4;

uint32_t u32_of(const nlattr* attribute) {
  return mnl_attr_get_payload_len(attribute) == sizeof(uint32_t) ? mnl_attr_get_u32(attribute) : 0;
}

NapiInstance instance_of(const xdpfwd::NapiInstance& told) {
  NapiInstance instance{.id = told.id, .thread = told.pid, .deferral = {}};
  if (told.defer)
    instance.deferral = {.hard_irqs = *told.defer, .flush_timeout_ns = told.flush_ns.value_or(0)};
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
  const auto told = read_napis(family_, ifindex);
  if (!told) {
    if (told.error().code == ENODEV) return fail("the NIC is gone", {}, ENOENT);
    return std::unexpected(told.error());
  }
  std::vector<NapiInstance> found;
  for (const xdpfwd::NapiInstance& instance : *told) found.push_back(instance_of(instance));
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
  if (auto set = set_napi(family_, napi, NapiValue::kDefer, deferral.hard_irqs); !set) return set;
  return set_napi(family_, napi, NapiValue::kFlush, deferral.flush_timeout_ns);
}

Result<void> NapiLookup::set_threaded(uint32_t napi, Threaded threaded) {
  return set_napi(family_, napi, NapiValue::kThreaded, static_cast<uint32_t>(threaded));
}

}  // namespace xdpfwd::poller
