// SPDX-License-Identifier: BSD-2-Clause
#include "ctl/render_napi.h"

#include <fmt/format.h>

#include <algorithm>

#include "ctl/text_table.h"

namespace xdpfwd {
namespace {

using Align = TextTable::Align;

std::string or_dash(std::string text) {
  return text.empty() ? "-" : text;
}
std::string or_dash(const std::optional<uint32_t>& number) {
  return number ? fmt::format("{}", *number) : "-";
}
// Of thousandths.
std::string percent_or_dash(const std::optional<uint32_t>& thousandths) {
  return thousandths ? fmt::format("{}.{} %", *thousandths / 10, *thousandths % 10) : "-";
}
// Packets.
std::string per_poll_or_dash(const NapiReport& napi) {
  if (!napi.packets || napi.polls.value_or(0) == 0) return "-";
  return fmt::format("{:.1f}", static_cast<double>(*napi.packets) / *napi.polls);
}

std::string packing_text(const PackingReport& packing) {
  if (packing.napis == 0) return {};
  std::string text = fmt::format("packed: {} NAPI instances on {} of {} CPUs, {} moves\n", packing.napis,
                                 packing.cpus_used, packing.cpus_allowed, packing.moves);
  if (!packing.failure.empty()) text += fmt::format("packing failed: {}\n", packing.failure);
  return text;
}

}  // namespace

std::string render_napi_status(const NapiStatusReport& status, Style style) {
  std::string text = fmt::format("mode: {}{}{}\n", status.wanted,
                                 status.by_hand ? " (by hand, until the next reload or start)" : "",
                                 status.held ? "" : "; not applied: xdpctl tune apply");
  text += packing_text(status.packing);
  if (status.napis.empty())
    return text + "no NAPI instance is seen: the members are down, or the kernel does not tell\n";
  const bool polled =
      std::ranges::any_of(status.napis, [](const NapiReport& napi) { return napi.polled.has_value(); });
  std::vector<TextTable::Column> columns = {{"NIC"},
                                            {"QUEUE", Align::kRight},
                                            {"NAPI", Align::kRight},
                                            {"MODE"},
                                            {"CPUS"},
                                            {"IRQ", Align::kRight},
                                            {"IRQ CPUS"},
                                            {"RAN", Align::kRight},
                                            {"WAITED", Align::kRight},
                                            {"PACKETS/S", Align::kRight},
                                            {"A POLL", Align::kRight},
                                            {"MOVES", Align::kRight}};
  if (polled)
    columns.insert(columns.end(),
                   {{"HANDLE"}, {"STATE"}, {"OWN POLLS", Align::kRight}, {"OTHER POLLS", Align::kRight}});
  TextTable table(std::move(columns));
  for (const NapiReport& napi : status.napis) {
    std::vector<TextTable::Cell> row = {napi.device,
                                        or_dash(napi.queue),
                                        fmt::format("{}", napi.napi),
                                        napi.mode,
                                        or_dash(napi.cpus),
                                        or_dash(napi.irq),
                                        or_dash(napi.irq_cpus),
                                        percent_or_dash(napi.ran),
                                        percent_or_dash(napi.waited),
                                        or_dash(napi.packets),
                                        per_poll_or_dash(napi),
                                        fmt::format("{}", napi.moves)};
    if (napi.polled)
      row.insert(row.end(),
                 {napi.polled->handle, napi.polled->state, fmt::format("{}", napi.polled->own_polls),
                  fmt::format("{}", napi.polled->other_polls)});
    else if (polled)
      row.insert(row.end(), 4, "-");
    table.add(std::move(row));
  }
  return text + "\n" + table.text(style.colour);
}

}  // namespace xdpfwd
