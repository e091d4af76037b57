// SPDX-License-Identifier: BSD-2-Clause
#include "ctl/render_effect.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "core/report_names.h"
#include "ctl/text_table.h"

namespace xdpfwd {
namespace {

using Align = TextTable::Align;

std::string per_second(uint64_t count, uint64_t period_ns) {
  if (period_ns == 0) return "-";
  const double rate = static_cast<double>(count) * 1e9 / static_cast<double>(period_ns);
  return count != 0 && rate < 10 ? fmt::format("{:.1f}", rate) : fmt::format("{:.0f}", rate);
}

std::string percent(uint64_t part, uint64_t whole) {
  return whole == 0 ? "-"
                    : fmt::format("{:.1f} %", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string ratio(uint64_t count, uint64_t of) {
  return of == 0 ? "-" : fmt::format("{:.1f}", static_cast<double>(count) / static_cast<double>(of));
}

template <typename T>
std::string number_or_dash(const std::optional<T>& number) {
  return number ? fmt::format("{}", *number) : "-";
}

std::string rate_or_dash(const std::optional<uint64_t>& count, uint64_t period_ns) {
  return count ? per_second(*count, period_ns) : "-";
}

std::string napi_text(uint32_t napi) {
  return napi == 0 ? "-" : fmt::format("{}", napi);
}

Colour colour_of(Verdict verdict) {
  return verdict == Verdict::kPass   ? Colour::kGood
         : verdict == Verdict::kWarn ? Colour::kWaiting
                                     : Colour::kBad;
}

double seconds_of(uint64_t ns) {
  return static_cast<double>(ns) / 1e9;
}

}  // namespace

std::string render_polls(const PollsReport& polls, Style style) {
  std::string text = fmt::format("{:.1f} s watched; {:.3f} s of CPU time in network softirqs\n\n",
                                 seconds_of(polls.period_ns), seconds_of(polls.net_softirq_ns));
  TextTable rates({{"NIC"},
                   {"QUEUE", Align::kRight},
                   {"NAPI", Align::kRight},
                   {"INTERRUPTS/S", Align::kRight},
                   {"POLLS/S", Align::kRight},
                   {"ZERO-WORK", Align::kRight},
                   {"PACKETS/S", Align::kRight},
                   {"PACKETS/POLL", Align::kRight}});
  std::vector<TextTable::Column> columns = {{"NIC"}, {"QUEUE", Align::kRight}, {"NAPI", Align::kRight}};
  for (const std::string_view bucket : kPollBuckets) columns.push_back({bucket, Align::kRight});
  TextTable work(std::move(columns));
  for (const QueueReport& queue : polls.queues) {
    const uint64_t all = queue.polls();
    rates.add({queue.device, number_or_dash(queue.queue), napi_text(queue.napi),
               rate_or_dash(queue.interrupts, polls.period_ns), per_second(all, polls.period_ns),
               percent(queue.by_work[0], all),
               per_second(all == 0 && queue.received ? *queue.received : queue.packets, polls.period_ns),
               ratio(queue.packets, all)});
    if (all == 0) continue;
    std::vector<TextTable::Cell> cells = {queue.device, number_or_dash(queue.queue), napi_text(queue.napi)};
    for (const uint64_t count : queue.by_work) cells.emplace_back(fmt::format("{}", count));
    work.add(std::move(cells));
  }
  text += rates.text(style.colour);
  text += work.empty() ? "\nno NIC was polled: there was no traffic\n"
                       : "\nPolls, by how many packets each took:\n" + work.text(style.colour);
  if (!polls.delivered.empty()) {
    TextTable delivered({{"NIC"},
                         {"QUEUE", Align::kRight},
                         {"NAPI", Align::kRight},
                         {"TAP"},
                         {"FRAMES/S", Align::kRight},
                         {"LOST", Align::kRight}});
    for (const DeliveryReport& delivery : polls.delivered)
      delivered.add({delivery.device, number_or_dash(delivery.queue), napi_text(delivery.napi), delivery.tap,
                     per_second(delivery.taken, polls.period_ns), fmt::format("{}", delivery.lost)});
    text += "\nFrames handed to taps:\n" + delivered.text(style.colour);
  }
  if (polls.backlog_dropped != 0)
    text += fmt::format("\nthe stack's backlog dropped {} packets\n", polls.backlog_dropped);
  if (polls.budget_exhausted != 0)
    text += fmt::format("\n{} softirqs ended with work left over\n", polls.budget_exhausted);
  if (polls.uncounted != 0)
    text +=
        fmt::format("\n{} polls or deliveries are not in these counts: there are too many queues and taps\n",
                    polls.uncounted);
  return text;
}

std::string render_findings(const std::vector<Finding>& findings, Style style) {
  TextTable table({{"VERDICT"}, {"CHECK"}, {"OF"}, {"FOUND"}});
  std::array<size_t, 3> counts{};
  std::string remedies;
  for (const Finding& finding : findings) {
    ++counts[static_cast<size_t>(finding.verdict)];
    table.add({{std::string(name_of(finding.verdict)), colour_of(finding.verdict)},
               finding.check,
               finding.thing,
               finding.what});
    if (finding.verdict != Verdict::kPass && !finding.remedy.empty())
      remedies += fmt::format("  {} ({}): {}\n", finding.check, finding.thing, finding.remedy);
  }
  std::string text = table.text(style.colour);
  if (!remedies.empty()) text += "\nWhat to do:\n" + remedies;
  return text + fmt::format("\n{} pass, {} warn, {} fail\n", counts[0], counts[1], counts[2]);
}

std::string render_verified(const VerifyReport& verified, Style style) {
  return render_findings(verified.findings, style) + "\n" + render_polls(verified.polls, style);
}

std::string render_suggestion(const SuggestReport& suggestion, Style style) {
  TextTable table({{"TX-USECS", Align::kRight},
                   {"INTERRUPTS/S", Align::kRight},
                   {"POLLS/S", Align::kRight},
                   {"ZERO-WORK/S", Align::kRight},
                   {"ZERO-WORK", Align::kRight},
                   {"PACKETS/S", Align::kRight},
                   {"PACKETS/POLL", Align::kRight},
                   {"SOFTIRQ CPU", Align::kRight}});
  for (const TxRung& rung : suggestion.rungs)
    table.add({fmt::format("{}{}", rung.usecs, rung.usecs == suggestion.present ? " (now)" : ""),
               per_second(rung.interrupts, rung.period_ns), per_second(rung.polls, rung.period_ns),
               per_second(rung.zero_polls, rung.period_ns), percent(rung.zero_polls, rung.polls),
               per_second(rung.packets, rung.period_ns), ratio(rung.packets, rung.polls - rung.zero_polls),
               percent(rung.net_softirq_ns, rung.period_ns)});
  std::string text = fmt::format("{}: tx-usecs under the present load\n\n", suggestion.device) +
                     table.text(style.colour) + "\n";
  if (!suggestion.suggested) return text + fmt::format("no other value is recommended: {}\n", suggestion.why);
  return text + fmt::format(
                    "recommended: tx-usecs {}: {}\nNothing was changed. To have it: tx_usecs = {} in "
                    "[tuning], then xdpctl reload\n",
                    *suggestion.suggested, suggestion.why, *suggestion.suggested);
}

}  // namespace xdpfwd
