// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/coalescing.h"

#include <fmt/format.h>
#include <linux/ethtool.h>
#include <linux/ethtool_netlink.h>

#include <algorithm>
#include <cstring>

#include "kernel/knob_value.h"

namespace xdpfwd {
namespace {

struct Row {
  uint16_t attribute;
  uint32_t ethtool_coalesce::* member;
  bool is_switch = false;
};
// In the order of kCoalescingKnobs.
constexpr auto kRows = std::to_array<Row>({
    {ETHTOOL_A_COALESCE_USE_ADAPTIVE_RX, &ethtool_coalesce::use_adaptive_rx_coalesce, true},
    {ETHTOOL_A_COALESCE_USE_ADAPTIVE_TX, &ethtool_coalesce::use_adaptive_tx_coalesce, true},
    {ETHTOOL_A_COALESCE_RX_USECS, &ethtool_coalesce::rx_coalesce_usecs},
    {ETHTOOL_A_COALESCE_RX_MAX_FRAMES, &ethtool_coalesce::rx_max_coalesced_frames},
    {ETHTOOL_A_COALESCE_TX_USECS, &ethtool_coalesce::tx_coalesce_usecs},
    {ETHTOOL_A_COALESCE_TX_MAX_FRAMES, &ethtool_coalesce::tx_max_coalesced_frames},
});
static_assert(kRows.size() == kCoalescingKnobs.size());

size_t place_of(Knob knob) {
  return static_cast<size_t>(std::ranges::find(kCoalescingKnobs, knob) - kCoalescingKnobs.begin());
}

Result<uint32_t> parse_value(const Row& row, std::string_view value) {
  if (!row.is_switch) return parse_number(value);
  const auto on = parse_switch(value);
  if (!on) return std::unexpected(on.error());
  return *on ? 1 : 0;
}

// ETHTOOL_PERQUEUE with room for `count` answers.
class PerQueue {
 public:
  PerQueue(uint32_t command, uint32_t first, uint32_t count)
      : bytes_(sizeof(ethtool_per_queue_op) + count * sizeof(ethtool_coalesce)) {
    op()->cmd = ETHTOOL_PERQUEUE;
    op()->sub_command = command;
    for (uint32_t queue = first; queue < first + count; ++queue)
      op()->queue_mask[queue / 32] |= uint32_t{1} << (queue % 32);
    for (uint32_t i = 0; i < count; ++i) put(i, {.cmd = command});
  }
  ethtool_per_queue_op* op() { return reinterpret_cast<ethtool_per_queue_op*>(bytes_.data()); }
  [[nodiscard]] ethtool_coalesce at(uint32_t i) const {
    ethtool_coalesce value{};
    std::memcpy(&value, bytes_.data() + sizeof(ethtool_per_queue_op) + i * sizeof(value), sizeof(value));
    return value;
  }
  void put(uint32_t i, const ethtool_coalesce& value) {
    std::memcpy(bytes_.data() + sizeof(ethtool_per_queue_op) + i * sizeof(value), &value, sizeof(value));
  }

 private:
  std::vector<char> bytes_;
};

bool within_mask(uint32_t first, uint32_t count) {
  return first < MAX_NUM_QUEUE && count <= MAX_NUM_QUEUE - first;
}

}  // namespace

bool is_coalescing(Knob knob) {
  return place_of(knob) < kCoalescingKnobs.size();
}

std::optional<std::string> text_in(const Coalescing& coalescing, Knob knob) {
  const size_t place = place_of(knob);
  if (place >= coalescing.size() || !coalescing[place]) return std::nullopt;
  const uint32_t value = *coalescing[place];
  return kRows[place].is_switch ? std::string(switch_text(value != 0)) : fmt::format("{}", value);
}

Coalescing coalescing_of(const EthtoolNumbers& answer) {
  Coalescing coalescing;
  for (size_t i = 0; i < kRows.size(); ++i) coalescing[i] = answer.find(kRows[i].attribute);
  return coalescing;
}

Coalescing coalescing_of(const ethtool_coalesce& answer) {
  Coalescing coalescing;
  for (size_t i = 0; i < kRows.size(); ++i) coalescing[i] = answer.*kRows[i].member;
  return coalescing;
}

Result<Coalescing> read_coalescing(EthtoolFamily& ethtool, uint32_t ifindex) {
  const auto answer = ethtool.get(ETHTOOL_MSG_COALESCE_GET, ifindex);
  if (!answer) return std::unexpected(answer.error());
  return coalescing_of(*answer);
}

Result<void> set_coalescing(EthtoolFamily& ethtool, uint32_t ifindex, Knob knob, std::string_view value) {
  const Row& row = kRows[place_of(knob)];
  const auto wanted = parse_value(row, value);
  if (!wanted) return std::unexpected(wanted.error());
  const auto numbers = std::to_array<EthtoolNumber>(
      {{.attribute = row.attribute, .value = *wanted, .is_switch = row.is_switch}});
  return ethtool.set(ETHTOOL_MSG_COALESCE_SET, ifindex, numbers);
}

Result<std::vector<Coalescing>> read_queue_coalescing(Ethtool& ethtool, const InterfaceName& device,
                                                      uint32_t first, uint32_t count) {
  if (!within_mask(first, count)) return fail(fmt::format("there is no queue {}", first), {}, EINVAL);
  PerQueue get(ETHTOOL_GCOALESCE, first, count);
  if (const int error = ethtool.call(device, get.op()))
    return fail_errno("the driver does not tell the coalescing of a queue", error);
  std::vector<Coalescing> queues;
  queues.reserve(count);
  for (uint32_t i = 0; i < count; ++i) queues.push_back(coalescing_of(get.at(i)));
  return queues;
}

Result<void> set_queue_coalescing(Ethtool& ethtool, const InterfaceName& device, uint32_t queue, Knob knob,
                                  std::string_view value) {
  const Row& row = kRows[place_of(knob)];
  const auto wanted = parse_value(row, value);
  if (!wanted) return std::unexpected(wanted.error());
  if (!within_mask(queue, 1)) return fail(fmt::format("there is no queue {}", queue), {}, EINVAL);
  PerQueue operation(ETHTOOL_GCOALESCE, queue, 1);
  if (const int error = ethtool.call(device, operation.op()))
    return fail_errno("the driver does not tell the coalescing of a queue", error);
  ethtool_coalesce all = operation.at(0);
  all.cmd = ETHTOOL_SCOALESCE;
  all.*row.member = *wanted;
  PerQueue set(ETHTOOL_SCOALESCE, queue, 1);
  set.put(0, all);
  if (const int error = ethtool.call(device, set.op()))
    return fail_errno("the driver refused it for the queue", error);
  return {};
}

}  // namespace xdpfwd
