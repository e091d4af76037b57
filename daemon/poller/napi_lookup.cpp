// SPDX-License-Identifier: BSD-2-Clause
#include "poller/napi_lookup.h"

#include <fmt/format.h>
#include <linux/genetlink.h>

#include <algorithm>

#include "kernel/attributes.h"

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

Result<std::vector<uint32_t>> NapiLookup::queues(uint32_t ifindex) {
  NetlinkRequest request = family_.request(kQueueGet, NLM_F_DUMP);
  mnl_attr_put_u32(request.header(), kQueueIfindex, ifindex);
  std::vector<uint32_t> of_queue;
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
    if (id >= of_queue.size()) of_queue.resize(id + 1);
    of_queue[id] = napi;
  });
  if (answered) return of_queue;
  if (answered.error().code == ENODEV) return fail("the NIC is gone", {}, ENOENT);
  if (answered.error().code == EOPNOTSUPP)
    return fail("this kernel does not tell which NAPI serves a queue", "it needs Linux 6.8 or later",
                EOPNOTSUPP);
  return std::unexpected(answered.error());
}

Result<std::vector<xdpfwd::NapiInstance>> NapiLookup::instances(uint32_t ifindex) {
  auto told = read_napis(family_, ifindex);
  if (!told && told.error().code == ENODEV) return fail("the NIC is gone", {}, ENOENT);
  return told;
}

Result<NicNapis> NapiLookup::read(uint32_t ifindex) {
  auto of_queue = queues(ifindex);
  if (!of_queue) return std::unexpected(of_queue.error());
  const auto told = instances(ifindex);
  if (!told) return std::unexpected(told.error());
  NicNapis nic{.instances = {}, .of_queue = std::move(*of_queue)};
  for (const xdpfwd::NapiInstance& instance : *told) nic.instances.push_back(instance_of(instance));
  return nic;
}

Result<NapiInstance> NicNapis::of(uint32_t queue) const {
  const size_t count = of_queue.size();
  if (count == 0) return fail("the NIC is down", "set it up", ENOENT);
  if (queue >= count)
    return fail(fmt::format("there is no receive queue {}", queue),
                count == 1 ? "there is one, 0" : fmt::format("there are 0 to {}", count - 1), ERANGE);
  if (of_queue[queue] != 0) {
    const auto at = std::ranges::find(instances, of_queue[queue], &NapiInstance::id);
    if (at == instances.end()) return fail("its NAPI has just gone", {}, ENOENT);
    return *at;
  }
  // The driver (veth) does not say which is whose. It makes them in the order of its queues, and ids grow.
  if (instances.empty()) return fail("it has no NAPI", "an XDP program gives it one", ENOENT);
  if (instances.size() != count)
    return fail(fmt::format("the driver does not tell which of its {} NAPIs serves which of its {} queues",
                            instances.size(), count),
                {}, EOPNOTSUPP);
  return instances[queue];
}

bool NicNapis::has(uint32_t napi) const {
  return std::ranges::find(instances, napi, &NapiInstance::id) != instances.end();
}

Result<NapiInstance> NapiLookup::find(uint32_t ifindex, uint32_t queue) {
  const auto nic = read(ifindex);
  if (!nic) return std::unexpected(nic.error());
  return nic->of(queue);
}

Result<uint64_t> NapiLookup::value(uint32_t ifindex, uint32_t napi, NapiValue which) {
  const auto told = instances(ifindex);
  if (!told) return std::unexpected(told.error());
  // Of drivers that say so, the kernel keeps id and values for when the NIC is up again.
  if (told->empty()) return fail("the NIC is down", "set it up", ENETDOWN);
  const auto at = std::ranges::find(*told, napi, &xdpfwd::NapiInstance::id);
  if (at == told->end()) return fail(fmt::format("NAPI instance {} is gone", napi), {}, ENOENT);
  std::optional<uint64_t> value;
  if (which == NapiValue::kDefer) value = at->defer;
  if (which == NapiValue::kFlush) value = at->flush_ns;
  if (which == NapiValue::kThreaded) value = at->threaded;
  if (!value) return fail("this kernel has no such value of a NAPI instance", {}, EOPNOTSUPP);
  return *value;
}

Result<void> NapiLookup::set(uint32_t napi, NapiValue which, uint64_t value) {
  return set_napi(family_, napi, which, value);
}

}  // namespace xdpfwd::poller
