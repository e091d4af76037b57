// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/channels.h"

#include <fmt/format.h>
#include <linux/ethtool_netlink.h>

#include <algorithm>
#include <array>

#include "kernel/knob_value.h"

namespace xdpfwd {
namespace {

struct Apart {
  uint32_t rx = 0;
  uint32_t tx = 0;
};

// "4" or "rx 4 tx 2".
Result<Apart> parse_apart(std::string_view value) {
  if (!value.starts_with("rx ")) {
    const auto both = parse_number(value);
    if (!both) return std::unexpected(both.error());
    return Apart{*both, *both};
  }
  const size_t middle = value.find(" tx ");
  if (middle == std::string_view::npos) return fail(fmt::format("'{}' is no number", value), {}, EINVAL);
  const auto rx = parse_number(value.substr(3, middle - 3));
  const auto tx = parse_number(value.substr(middle + 4));
  if (!rx || !tx) return std::unexpected(rx ? tx.error() : rx.error());
  return Apart{*rx, *tx};
}

}  // namespace

Channels channels_of(const EthtoolNumbers& answer) {
  const uint32_t combined = answer.get(ETHTOOL_A_CHANNELS_COMBINED_COUNT);
  const uint32_t rx = answer.get(ETHTOOL_A_CHANNELS_RX_COUNT);
  if (const uint32_t most = answer.get(ETHTOOL_A_CHANNELS_COMBINED_MAX); most != 0)
    return {.max = most, .receiving = combined + rx, .value = fmt::format("{}", combined)};
  const uint32_t tx = answer.get(ETHTOOL_A_CHANNELS_TX_COUNT);
  return {.max = std::min(answer.get(ETHTOOL_A_CHANNELS_RX_MAX), answer.get(ETHTOOL_A_CHANNELS_TX_MAX)),
          .receiving = rx,
          .value = rx == tx ? fmt::format("{}", rx) : fmt::format("rx {} tx {}", rx, tx)};
}

Result<Channels> read_channels(EthtoolFamily& ethtool, uint32_t ifindex) {
  const auto answer = ethtool.get(ETHTOOL_MSG_CHANNELS_GET, ifindex);
  if (!answer) return std::unexpected(answer.error());
  return channels_of(*answer);
}

Result<void> set_channels(EthtoolFamily& ethtool, uint32_t ifindex, std::string_view value) {
  const auto wanted = parse_apart(value);
  if (!wanted) return std::unexpected(wanted.error());
  const auto answer = ethtool.get(ETHTOOL_MSG_CHANNELS_GET, ifindex);
  if (!answer) return std::unexpected(answer.error());
  if (answer->get(ETHTOOL_A_CHANNELS_COMBINED_MAX) != 0) {
    if (wanted->rx != wanted->tx)
      return fail("the driver has combined channels only", "write one number", EINVAL);
    const auto combined =
        std::to_array<EthtoolNumber>({{.attribute = ETHTOOL_A_CHANNELS_COMBINED_COUNT, .value = wanted->rx}});
    return ethtool.set(ETHTOOL_MSG_CHANNELS_SET, ifindex, combined);
  }
  const auto apart =
      std::to_array<EthtoolNumber>({{.attribute = ETHTOOL_A_CHANNELS_RX_COUNT, .value = wanted->rx},
                                    {.attribute = ETHTOOL_A_CHANNELS_TX_COUNT, .value = wanted->tx}});
  return ethtool.set(ETHTOOL_MSG_CHANNELS_SET, ifindex, apart);
}

Rings rings_of(const EthtoolNumbers& answer) {
  return {.max_rx = answer.get(ETHTOOL_A_RINGS_RX_MAX),
          .max_tx = answer.get(ETHTOOL_A_RINGS_TX_MAX),
          .rx = answer.get(ETHTOOL_A_RINGS_RX),
          .tx = answer.get(ETHTOOL_A_RINGS_TX)};
}

Result<Rings> read_rings(EthtoolFamily& ethtool, uint32_t ifindex) {
  const auto answer = ethtool.get(ETHTOOL_MSG_RINGS_GET, ifindex);
  if (!answer) return std::unexpected(answer.error());
  return rings_of(*answer);
}

Result<void> set_rx_ring(EthtoolFamily& ethtool, uint32_t ifindex, uint32_t descriptors) {
  const auto numbers =
      std::to_array<EthtoolNumber>({{.attribute = ETHTOOL_A_RINGS_RX, .value = descriptors}});
  return ethtool.set(ETHTOOL_MSG_RINGS_SET, ifindex, numbers);
}

Result<void> set_tx_ring(EthtoolFamily& ethtool, uint32_t ifindex, uint32_t descriptors) {
  const auto numbers =
      std::to_array<EthtoolNumber>({{.attribute = ETHTOOL_A_RINGS_TX, .value = descriptors}});
  return ethtool.set(ETHTOOL_MSG_RINGS_SET, ifindex, numbers);
}

}  // namespace xdpfwd
