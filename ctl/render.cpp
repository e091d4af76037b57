// SPDX-License-Identifier: BSD-2-Clause
#include "ctl/render.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "core/guest_fields.h"
#include "core/report_names.h"
#include "ctl/quantity.h"
#include "ctl/text_table.h"

namespace xdpfwd {
namespace {

using Align = TextTable::Align;

std::string_view yes_no(bool yes) {
  return yes ? "yes" : "no";
}

Colour colour_of(PortState state) {
  switch (state) {
    case PortState::kOpen:
      return Colour::kGood;
    case PortState::kMissing:
    case PortState::kDown:
    case PortState::kNoReader:
    case PortState::kPending:
      return Colour::kWaiting;
    case PortState::kNotATap:
    case PortState::kNoSlot:
      return Colour::kBad;
  }
  return Colour::kNone;
}

Colour colour_of_state(std::string_view state) {
  return state == "forwarding" ? Colour::kGood : Colour::kBad;
}

TextTable::Cell state_cell(PortState state) {
  return {std::string(name_of(state)), colour_of(state)};
}

template <size_t N>
uint64_t sum(const std::array<uint64_t, N>& values) {
  uint64_t total = 0;
  for (const uint64_t value : values) total += value;
  return total;
}

struct Verdicts {
  uint64_t forwarded = 0, passed = 0, dropped = 0;
};

Verdicts verdicts_of(const std::array<uint64_t, XDPFWD_REASON_COUNT>& packets) {
  Verdicts verdicts;
  for (size_t i = 0; i < packets.size(); ++i) {
    const std::string_view verdict = verdict_of_reason(i);
    (verdict == "redirect" ? verdicts.forwarded
     : verdict == "pass"   ? verdicts.passed
                           : verdicts.dropped) += packets[i];
  }
  return verdicts;
}

std::string render_problems(const std::vector<Problem>& problems, Style style) {
  std::string text;
  for (const bool waiting : {false, true}) {
    std::string part;
    for (const Problem& problem : problems) {
      if (problem.waiting != waiting) continue;
      part += fmt::format("  {}: {}\n",
                          coloured(problem.thing, waiting ? Colour::kWaiting : Colour::kBad, style.colour),
                          problem.why);
      if (!problem.remedy.empty()) part += fmt::format("    {}\n", problem.remedy);
      if (problem.retry_ms) part += fmt::format("    tried again in {}\n", duration_text(*problem.retry_ms));
    }
    if (!part.empty()) text += fmt::format("\n{}:\n{}", waiting ? "Waiting for" : "Problems", part);
  }
  return text;
}

std::string macs_of(const Guest& guest) {
  std::vector<std::string> texts;
  texts.reserve(guest.macs.size());
  for (const MacAddress& mac : guest.macs) texts.push_back(mac.text());
  return fmt::format("{}", fmt::join(texts, ","));
}

std::string vlan_text(VlanTag vlan) {
  return vlan == VlanTag() ? "untagged" : vlan.text();
}

std::string vlans_of(const Guest& guest) {
  std::vector<std::string> texts;
  texts.reserve(guest.vlans.size());
  for (const VlanTag vlan : guest.vlans) texts.push_back(vlan_text(vlan));
  return fmt::format("{}", fmt::join(texts, ","));
}

// A counter's growth for each second; a counter that went back belongs to another tap now.
double rate(uint64_t now, uint64_t before, double seconds) {
  return now < before || seconds <= 0 ? 0 : static_cast<double>(now - before) / seconds;
}

std::string rate_text(double per_second) {
  return count_text(static_cast<uint64_t>(std::llround(per_second)));
}

const MemberReport* earlier_member(const StatsReport& stats, const MemberReport& like) {
  const auto found = std::ranges::find_if(stats.members, [&](const MemberReport& member) {
    return member.name == like.name && member.ifindex == like.ifindex;
  });
  return found == stats.members.end() ? nullptr : &*found;
}

const PortReport* earlier_port(const StatsReport& stats, const PortReport& like) {
  const auto found = std::ranges::find_if(
      stats.ports, [&](const PortReport& port) { return port.name == like.name && port.slot == like.slot; });
  return found == stats.ports.end() ? nullptr : &*found;
}

std::string render_member_stats(const StatsReport& now, const StatsReport* before, double seconds,
                                Style style) {
  std::vector<TextTable::Column> columns = {
      {"MEMBER"}, {"FORWARDED", Align::kRight}, {"PASSED", Align::kRight}, {"DROPPED", Align::kRight}};
  if (before)
    columns.insert(
        columns.end(),
        {{"FORWARDED/S", Align::kRight}, {"PASSED/S", Align::kRight}, {"DROPPED/S", Align::kRight}});
  TextTable table(std::move(columns));
  for (const MemberReport& member : now.members) {
    const Verdicts totals = verdicts_of(member.packets);
    std::vector<TextTable::Cell> row = {member.name, count_text(totals.forwarded), count_text(totals.passed),
                                        count_text(totals.dropped)};
    if (before) {
      const MemberReport* earlier = earlier_member(*before, member);
      const Verdicts then = earlier ? verdicts_of(earlier->packets) : totals;
      row.insert(row.end(), {rate_text(rate(totals.forwarded, then.forwarded, seconds)),
                             rate_text(rate(totals.passed, then.passed, seconds)),
                             rate_text(rate(totals.dropped, then.dropped, seconds))});
    }
    table.add(std::move(row));
  }
  return table.text(style.colour);
}

std::string render_port_stats(const StatsReport& now, const StatsReport* before, double seconds,
                              Style style) {
  std::vector<TextTable::Column> columns = {
      {"TAP"}, {"STATE"}, {"PACKETS", Align::kRight}, {"BYTES", Align::kRight}, {"LOST", Align::kRight}};
  if (before)
    columns.insert(columns.end(),
                   {{"PACKETS/S", Align::kRight}, {"RATE", Align::kRight}, {"LOST/S", Align::kRight}});
  TextTable table(std::move(columns));
  for (const PortReport& port : now.ports) {
    const uint64_t lost = sum(port.counters.losses);
    std::vector<TextTable::Cell> row = {port.name,
                                        state_cell(port.state),
                                        count_text(port.counters.packets),
                                        bytes_text(port.counters.bytes),
                                        {count_text(lost), lost == 0 ? Colour::kNone : Colour::kWaiting}};
    if (before) {
      const PortReport* earlier = earlier_port(*before, port);
      const PortSample& then = earlier ? earlier->counters : port.counters;
      row.insert(row.end(), {rate_text(rate(port.counters.packets, then.packets, seconds)),
                             bit_rate_text(8 * rate(port.counters.bytes, then.bytes, seconds)),
                             rate_text(rate(lost, sum(then.losses), seconds))});
    }
    table.add(std::move(row));
  }
  return table.text(style.colour);
}

// Every reason that has counted something, over all members; and every loss, over all taps.
std::string render_reasons(const StatsReport& now, Style style) {
  TextTable table({{"REASON"}, {"PACKETS", Align::kRight}, {"VERDICT"}, {"MEANING"}});
  for (size_t i = 0; i < reasons().size(); ++i) {
    uint64_t total = 0;
    for (const MemberReport& member : now.members) total += member.packets[i];
    if (total != 0)
      table.add({reasons()[i].name, count_text(total), verdict_of_reason(i), reasons()[i].help});
  }
  for (size_t i = 0; i < losses().size(); ++i) {
    uint64_t total = 0;
    for (const PortReport& port : now.ports) total += port.counters.losses[i];
    if (total != 0) table.add({losses()[i].name, count_text(total), "lost", losses()[i].help});
  }
  return table.empty() ? "" : "\n" + table.text(style.colour);
}

}  // namespace

std::string render_status(const StatusReport& status, Style style) {
  std::string text = fmt::format("xdpfwd {}: {}, up {}\n", status.version,
                                 coloured(status.state, colour_of_state(status.state), style.colour),
                                 duration_text(status.uptime_ms));
  text += fmt::format("{}, {} of {} in the table (room for {}), {} of {} open\n",
                      counted(status.guests, "guest"), count_text(status.rows_installed),
                      counted(status.rows_wanted, "row"), count_text(status.table_capacity),
                      count_text(status.ports_open), counted(status.ports_wanted, "tap"));
  if (!status.config_files.empty())
    text += fmt::format("configuration: {}\n", fmt::join(status.config_files, ", "));
  TextTable members({{"MEMBER"},
                     {"BOND"},
                     {"ATTACHED"},
                     {"VLAN TAG"},
                     {"XDP"},
                     {"ACTIVE"},
                     {"PROMISC"},
                     {"FORWARDED", Align::kRight},
                     {"PASSED", Align::kRight},
                     {"DROPPED", Align::kRight}});
  for (const MemberReport& member : status.members) {
    const Verdicts totals = verdicts_of(member.packets);
    members.add({member.name,
                 member.bond.empty() ? "-" : member.bond,
                 {std::string(yes_no(member.attached)), member.attached ? Colour::kGood : Colour::kBad},
                 name_of(member.flavour),
                 name_of(member.mode),
                 yes_no(member.active),
                 name_of(member.promisc),
                 count_text(totals.forwarded),
                 count_text(totals.passed),
                 count_text(totals.dropped)});
  }
  if (!members.empty()) text += "\n" + members.text(style.colour);
  return text + render_problems(status.problems, style);
}

std::string render_guests(const std::vector<GuestReport>& guests, Style style) {
  if (guests.empty()) return "no guests\n";
  TextTable table({{"NAME"}, {"TAP"}, {"STATE"}, {"VLAN"}, {"MAC"}, {"MODE"}, {"FROM"}});
  for (const GuestReport& report : guests)
    table.add({report.guest.name, report.guest.tap.view(), state_cell(report.port), vlans_of(report.guest),
               macs_of(report.guest), mode_text(report.guest.keep_tag), name_of(report.source)});
  return table.text(style.colour);
}

std::string render_ports(const std::vector<PortReport>& ports, Style style) {
  if (ports.empty()) return "no taps\n";
  TextTable table({{"TAP"},
                   {"STATE"},
                   {"IFINDEX", Align::kRight},
                   {"SLOT", Align::kRight},
                   {"MTU", Align::kRight},
                   {"ROWS", Align::kRight},
                   {"PACKETS", Align::kRight},
                   {"BYTES", Align::kRight},
                   {"LOST", Align::kRight}});
  for (const PortReport& port : ports)
    table.add({port.name, state_cell(port.state), port.ifindex ? fmt::format("{}", port.ifindex) : "-",
               port.slot ? fmt::format("{}", *port.slot) : "-",
               port.ifindex ? fmt::format("{}", port.mtu) : "-", count_text(port.rows),
               count_text(port.counters.packets), bytes_text(port.counters.bytes),
               count_text(sum(port.counters.losses))});
  return table.text(style.colour);
}

std::string render_plan(const PlanReport& plan, Style style) {
  std::string text;
  if (plan.actions.empty()) {
    text = "nothing would change\n";
  } else {
    text = fmt::format("{} added, {} removed, {} changed; in this order:\n", counted(plan.rows_added, "row"),
                       count_text(plan.rows_removed), count_text(plan.rows_changed));
    for (const std::string& action : plan.actions) text += fmt::format("  {}\n", action);
  }
  return text + render_problems(plan.problems, style);
}

std::string render_tuning(const TuningReport& tuning, std::string_view heading, Style style) {
  std::string text =
      tuning.changes.empty() ? fmt::format("{}: nothing\n", heading) : fmt::format("{}:\n", heading);
  const auto value = [](const std::string& of) { return of.empty() ? std::string("none") : of; };
  if (!tuning.changes.empty()) {
    TextTable table({{"DEVICE"}, {"KNOB"}, {"FROM"}, {"TO"}, {"WHY"}});
    for (const TuningChange& change : tuning.changes)
      table.add({change.device.empty() ? "host" : change.device, change.knob, value(change.from),
                 value(change.to), change.reason + (change.resets ? " (resets the NIC)" : "")});
    text += table.text(style.colour);
  }
  if (tuning.waiting != 0)
    text += fmt::format("{} to follow, when the NIC that was reset has its link back\n",
                        counted(tuning.waiting, "change"));
  std::vector<Problem> wrong;
  std::string notes;
  for (const Problem& problem : tuning.problems) {
    if (!problem.waiting) {
      wrong.push_back(problem);
      continue;
    }
    notes += fmt::format("  {}: {}\n", problem.thing, problem.why);
    if (!problem.remedy.empty()) notes += fmt::format("    {}\n", problem.remedy);
  }
  text += render_problems(wrong, style);
  return notes.empty() ? text : text + "\nWorth knowing:\n" + notes;
}

std::string render_stats(const StatsReport& now, const StatsReport* before, Style style) {
  const double seconds =
      before && now.time_ns > before->time_ns ? static_cast<double>(now.time_ns - before->time_ns) / 1e9 : 0;
  std::string text = render_member_stats(now, before, seconds, style);
  if (!now.ports.empty()) text += "\n" + render_port_stats(now, before, seconds, style);
  return text + render_reasons(now, style);
}

std::string render_fdb(std::span<const FdbReport> rows, bool titles, Style style) {
  TextTable table({{"VLAN", Align::kLeft, 8},
                   {"MAC", Align::kLeft, 17},
                   {"TAP", Align::kLeft, 15},
                   {"MODE", Align::kLeft, 6},
                   {"INSTALLED", Align::kLeft, 9},
                   {"GUEST"}});
  for (const FdbReport& row : rows)
    table.add({vlan_text(row.key.vlan()),
               row.key.mac().text(),
               row.port,
               mode_text(row.keep_tag),
               {std::string(yes_no(row.installed)), row.installed ? Colour::kGood : Colour::kWaiting},
               row.guest});
  return table.text(style.colour, titles);
}

}  // namespace xdpfwd
