// SPDX-License-Identifier: BSD-2-Clause
#include "core/action.h"

#include <fmt/format.h>

namespace xdpfwd {
namespace {

template <typename... Ts>
struct Overloaded : Ts... {
  using Ts::operator()...;
};

std::string_view flavour_text(Flavour flavour) {
  return flavour == Flavour::kHint ? "tag from the descriptor" : "tag in the frame";
}

std::string member_text(const Member& member) {
  return fmt::format("{} (ifindex {}, {}, {}{})", member.name.view(), member.ifindex,
                     flavour_text(member.flavour), member.mode == XdpMode::kGeneric ? "generic XDP, " : "",
                     member.active ? "active" : "not active");
}

}  // namespace

std::string describe(const Action& action) {
  return std::visit(
      Overloaded{
          [](const CreateTable& a) { return fmt::format("create a table of {} rows", a.capacity); },
          [](const ClosePort& a) {
            return fmt::format("close port slot {} (ifindex {})", a.slot, a.ifindex);
          },
          [](const OpenPort& a) {
            return fmt::format("open port {} (slot {}, ifindex {}, frames up to {} bytes)",
                               a.port.name.view(), a.port.slot, a.port.ifindex, a.port.max_len);
          },
          [](const DeleteRows& a) { return fmt::format("delete {} rows", a.keys.size()); },
          [](const SetRows& a) { return fmt::format("set {} rows", a.rows.size()); },
          [](const AwaitGrace&) { return std::string("wait until no program holds an old row"); },
          [](const SetRxVlan& a) {
            return fmt::format("turn rxvlan of {} {}", a.name.view(), a.on ? "on" : "off");
          },
          [](const SetPromisc& a) {
            return fmt::format("set {} {}", a.name.view(), a.on ? "promiscuous" : "no longer promiscuous");
          },
          [](const AttachMember& a) { return fmt::format("attach to {}", member_text(a.member)); },
          [](const ReplaceProgram& a) {
            return fmt::format("replace the program of {}", member_text(a.member));
          },
          [](const SetMember& a) { return fmt::format("set member {}", member_text(a.member)); },
          [](const DetachMember& a) {
            return fmt::format("detach from {} (ifindex {})", a.name.view(), a.ifindex);
          },
          [](const WatchLosses&) { return std::string("count losses after the verdict"); },
          [](const RemoveTable&) { return std::string("remove the table, its ports and their pins"); },
          [](const Tune& a) {
            return fmt::format("set {} of {} to '{}'", text_of(a.setting),
                               a.name.empty() ? std::string_view("the host") : a.name.view(), a.value);
          },
      },
      action);
}

uint32_t member_of(const Action& action) {
  return std::visit(Overloaded{
                        [](const SetRxVlan& a) { return a.ifindex; },
                        [](const SetPromisc& a) { return a.ifindex; },
                        [](const AttachMember& a) { return a.member.ifindex; },
                        [](const ReplaceProgram& a) { return a.member.ifindex; },
                        [](const SetMember& a) { return a.member.ifindex; },
                        [](const DetachMember& a) { return a.ifindex; },
                        [](const auto&) { return uint32_t{0}; },
                    },
                    action);
}

bool failure_ends_round(const Action& action) {
  return std::holds_alternative<CreateTable>(action) || std::holds_alternative<ClosePort>(action) ||
         std::holds_alternative<DeleteRows>(action) || std::holds_alternative<AwaitGrace>(action);
}

}  // namespace xdpfwd
