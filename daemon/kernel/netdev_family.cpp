// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/netdev_family.h"

#include <linux/genetlink.h>

#include <algorithm>
#include <unordered_map>

#include "kernel/attributes.h"

namespace xdpfwd {
namespace {

// From the kernel's uapi <linux/netdev.h>, which Debian 12's headers do not have.
constexpr uint8_t kCmdDevGet = 1;
constexpr uint8_t kCmdQueueGet = 10;
constexpr uint8_t kCmdNapiGet = 11;
constexpr uint16_t kDevIfindex = 1;
constexpr uint16_t kDevXdpFeatures = 3;
constexpr uint16_t kDevRxMetadataFeatures = 5;
constexpr uint64_t kRxMetadataVlanTag = 4;
constexpr uint16_t kQueueId = 1;
constexpr uint16_t kQueueIfindex = 2;
constexpr uint16_t kQueueType = 3;  // 0 = rx, 1 = tx
constexpr uint16_t kQueueNapi = 4;
constexpr uint16_t kNapiIfindex = 1;
constexpr uint16_t kNapiId = 2;
constexpr uint16_t kNapiIrq = 3;

// The attributes 1 to 4 of a message, each 32 bits; 0 where there is none.
struct Numbers {
  uint32_t of[5] = {};
  explicit Numbers(const nlmsghdr& message) {
    for (const nlattr* attribute : Attributes::of(message, sizeof(genlmsghdr)))
      if (mnl_attr_get_type(attribute) < std::size(of) &&
          mnl_attr_get_payload_len(attribute) == sizeof(uint32_t))
        of[mnl_attr_get_type(attribute)] = mnl_attr_get_u32(attribute);
  }
};

}  // namespace

Result<NetdevFamily> NetdevFamily::open() {
  auto family = GenericFamily::open("netdev");
  if (!family) return std::unexpected(family.error());
  return NetdevFamily(std::move(*family));
}

std::optional<uint64_t> NetdevFamily::device_features(uint32_t ifindex, uint16_t attribute_type) {
  if (!family_.exists()) return std::nullopt;
  NetlinkRequest request = family_.request(kCmdDevGet);
  mnl_attr_put_u32(request.header(), kDevIfindex, ifindex);
  std::optional<uint64_t> features;
  const auto answered = family_.transact(request, [&](const nlmsghdr& message) {
    for (const nlattr* attribute : Attributes::of(message, sizeof(genlmsghdr))) {
      if (mnl_attr_get_type(attribute) == attribute_type &&
          mnl_attr_get_payload_len(attribute) == sizeof(uint64_t))
        features = mnl_attr_get_u64(attribute);
    }
  });
  return answered ? features : std::nullopt;
}

bool NetdevFamily::has_vlan_hint(uint32_t ifindex) {
  return (device_features(ifindex, kDevRxMetadataFeatures).value_or(0) & kRxMetadataVlanTag) != 0;
}

std::optional<uint64_t> NetdevFamily::xdp_features(uint32_t ifindex) {
  return device_features(ifindex, kDevXdpFeatures);
}

Result<std::vector<NapiInstance>> NetdevFamily::napis(uint32_t ifindex) {
  return read_napis(family_, ifindex);
}

Result<void> NetdevFamily::set_napi(uint32_t id, NapiValue which, uint64_t value) {
  return xdpfwd::set_napi(family_, id, which, value);
}

std::vector<Queue> NetdevFamily::queues(uint32_t ifindex, uint32_t count) {
  std::vector<Queue> queues(count);
  std::vector<uint32_t> tx_napis(count);
  if (!family_.exists()) return queues;
  NetlinkRequest of_queues = family_.request(kCmdQueueGet, NLM_F_DUMP);
  mnl_attr_put_u32(of_queues.header(), kQueueIfindex, ifindex);
  // A kernel before 6.8 refuses, and a device may go meanwhile: then nothing is known.
  (void)family_.transact(of_queues, [&](const nlmsghdr& message) {
    const Numbers numbers(message);
    if (numbers.of[kQueueId] >= count) return;
    if (numbers.of[kQueueType] == 0)
      queues[numbers.of[kQueueId]].napi = numbers.of[kQueueNapi];
    else if (numbers.of[kQueueType] == 1)
      tx_napis[numbers.of[kQueueId]] = numbers.of[kQueueNapi];
  });
  std::unordered_map<uint32_t, uint32_t> irq_of_napi;
  for (const Queue& queue : queues)
    if (queue.napi != 0) irq_of_napi[queue.napi] = 0;
  for (const uint32_t napi : tx_napis)
    if (napi != 0) irq_of_napi[napi] = 0;
  if (irq_of_napi.empty()) return queues;
  NetlinkRequest of_napis = family_.request(kCmdNapiGet, NLM_F_DUMP);
  mnl_attr_put_u32(of_napis.header(), kNapiIfindex, ifindex);
  (void)family_.transact(of_napis, [&](const nlmsghdr& message) {
    const Numbers numbers(message);
    if (const auto napi = irq_of_napi.find(numbers.of[kNapiId]); napi != irq_of_napi.end())
      napi->second = numbers.of[kNapiIrq];
  });
  for (size_t i = 0; i < queues.size(); ++i) {
    Queue& queue = queues[i];
    if (queue.napi != 0) queue.irq = irq_of_napi[queue.napi];
    if (tx_napis[i] != 0 && tx_napis[i] != queue.napi) queue.tx_irq = irq_of_napi[tx_napis[i]];
    if (queue.tx_irq == queue.irq) queue.tx_irq = 0;
  }
  return queues;
}

}  // namespace xdpfwd
