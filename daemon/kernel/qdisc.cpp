// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/qdisc.h"

#include <fmt/format.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>

#include "kernel/attributes.h"

namespace xdpfwd {
namespace {

NetlinkRequest root_request(uint16_t type, uint16_t flags, uint32_t ifindex) {
  NetlinkRequest request(type, flags);
  auto* header = request.family_header<tcmsg>();
  header->tcm_family = AF_UNSPEC;
  header->tcm_ifindex = static_cast<int>(ifindex);
  header->tcm_parent = TC_H_ROOT;
  return request;
}

Result<void> go_back_to_default(NetlinkSocket& route, uint32_t ifindex) {
  NetlinkRequest request = root_request(RTM_DELQDISC, 0, ifindex);
  const auto deleted = route.transact(request, [](const nlmsghdr&) {});
  // "Cannot delete qdisc with handle of zero": the default is there already.
  if (!deleted && deleted.error().code == ENOENT) return {};
  return deleted;
}

}  // namespace

std::optional<RootQdisc> decode_qdisc(const nlmsghdr& message) {
  if (message.nlmsg_type != RTM_NEWQDISC || mnl_nlmsg_get_payload_len(&message) < sizeof(tcmsg))
    return std::nullopt;
  const auto* header = static_cast<const tcmsg*>(mnl_nlmsg_get_payload(&message));
  if (header->tcm_parent != TC_H_ROOT) return std::nullopt;
  std::string kind;
  for (const nlattr* attribute : Attributes::of(message, sizeof(tcmsg))) {
    if (mnl_attr_get_type(attribute) != TCA_KIND) continue;
    const std::string_view text(static_cast<const char*>(mnl_attr_get_payload(attribute)),
                                mnl_attr_get_payload_len(attribute));
    kind = text.substr(0, text.find('\0'));
  }
  if (kind.empty()) return std::nullopt;
  const uint32_t major = TC_H_MAJ(header->tcm_handle) >> 16;
  if (major != 0 && kind != kNoQueue) kind = fmt::format("{} {:x}:", kind, major);
  return RootQdisc{.ifindex = static_cast<uint32_t>(header->tcm_ifindex), .value = std::move(kind)};
}

Result<std::unordered_map<uint32_t, std::string>> read_qdiscs(NetlinkSocket& route) {
  constexpr int kTries = 8;
  for (int attempt = 1;; ++attempt) {
    std::unordered_map<uint32_t, std::string> qdiscs;
    NetlinkRequest request(RTM_GETQDISC, NLM_F_DUMP);
    request.family_header<tcmsg>()->tcm_family = AF_UNSPEC;
    const auto answered = route.transact(request, [&](const nlmsghdr& message) {
      if (auto qdisc = decode_qdisc(message)) qdiscs[qdisc->ifindex] = std::move(qdisc->value);
    });
    if (!answered && answered.error().code == EINTR && attempt < kTries) continue;
    if (!answered) return fail_in("cannot list the qdiscs", answered.error());
    return qdiscs;
  }
}

Result<std::string> read_qdisc(NetlinkSocket& route, uint32_t ifindex) {
  // Without the echo the kernel tells only those who listen to changes, and not who asked.
  NetlinkRequest request = root_request(RTM_GETQDISC, NLM_F_ECHO, ifindex);
  std::string value(kNoQdiscYet);
  const auto answered = route.transact(request, [&](const nlmsghdr& message) {
    if (auto qdisc = decode_qdisc(message); qdisc && qdisc->ifindex == ifindex) value = qdisc->value;
  });
  if (!answered && answered.error().code != ENOENT) return std::unexpected(answered.error());
  return value;
}

Result<void> set_qdisc(NetlinkSocket& route, uint32_t ifindex, std::string_view value) {
  if (value.find(' ') != std::string_view::npos)
    return fail("a qdisc that somebody configured cannot be made again, its parameters are not known",
                "configure it with tc", EOPNOTSUPP);
  if (value != kNoQueue) return go_back_to_default(route, ifindex);
  NetlinkRequest request = root_request(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, ifindex);
  mnl_attr_put_strz(request.header(), TCA_KIND, std::string(value).c_str());
  return route.transact(request, [](const nlmsghdr&) {});
}

}  // namespace xdpfwd
