// SPDX-License-Identifier: BSD-2-Clause
#include "pktgen/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace xdpfwd::pktgen {

std::string Verdict::text() const {
  std::string text = fmt::format("{} of {} frames delivered", delivered, sent);
  const auto add = [&](uint64_t count, std::string_view what) {
    if (count != 0) text += fmt::format(", {} {}", count, what);
  };
  add(lost, "lost");
  add(misdelivered, "misdelivered");
  add(duplicated, "duplicated");
  add(reordered, "out of order");
  add(corrupted, "corrupted");
  add(invented, "never sent");
  return text;
}

StreamVerdict judge_stream(const Stream& stream, uint64_t handed_over, const ReceiveReport& received) {
  StreamVerdict verdict{.handed_over = handed_over};
  if (const auto found = received.streams.find(stream.id); found != received.streams.end())
    verdict.received = found->second;
  const uint64_t delivered = verdict.received.delivered();
  verdict.missing = handed_over > delivered ? handed_over - delivered : 0;
  return verdict;
}

Verdict judge_run(const StreamSet& streams, const SendReport& sent, const ReceiveReport& received) {
  Verdict verdict;
  verdict.sent = sent.sent();
  uint64_t missing = 0;
  for (size_t i = 0; i < streams.size(); ++i) {
    const StreamVerdict one = judge_stream(streams[i], sent.per_stream[i], received);
    missing += one.missing;
    verdict.delivered += one.received.delivered();
    verdict.misdelivered += one.received.misdelivered;
    verdict.duplicated += one.received.duplicated;
    verdict.reordered += one.received.reordered;
    verdict.corrupted += one.received.corrupted;
    if (one.received.next > one.handed_over) verdict.invented += one.received.next - one.handed_over;
  }
  verdict.corrupted += received.corrupted_unknown;
  verdict.lost = missing > sent.refused ? missing - sent.refused : 0;
  return verdict;
}

bool all_sent(const SendReport& sent) {
  return sent.sent() > 0 && sent.refused == 0 && sent.unsent == 0 && sent.left_out == 0 &&
         std::ranges::all_of(sent.devices, [](const DeviceReport& device) { return device.errors == 0; });
}

std::string explain_refusals(const SendReport& sent) {
  std::string text;
  for (const DeviceReport& device : sent.devices) {
    if (!text.empty() && (device.errors != 0 || device.ring_full != 0)) text += "\n";
    if (device.errors != 0) {
      text += fmt::format("device '{}' refused {} frames: {}", device.name, device.errors,
                          std::strerror(device.last_errno));
      if (device.last_errno == EOPNOTSUPP || device.last_errno == ENXIO)
        text +=
            "; a veth takes live frames only while its peer has a native XDP program or 'ethtool -K PEER gro "
            "on'; "
            "the packet back end needs neither";
      else if (device.last_errno == ENETDOWN)
        text += fmt::format("; 'ip link set {} up'", device.name);
      else if (device.last_errno == ENOBUFS || device.last_errno == EAGAIN || device.last_errno == EBUSY)
        text += fmt::format("; is what it is connected to up? see 'ip link show {}'", device.name);
    }
    if (device.ring_full != 0) {
      text += fmt::format("{}device '{}' had no room for {} frames: ask for fewer a second",
                          device.errors != 0 ? "\n" : "", device.name, device.ring_full);
      if (device.last_errno == EBUSY)  // the kernel says the same when there is no carrier
        text +=
            fmt::format(", or, where 'ip link show {}' says NO-CARRIER, set its other end up", device.name);
    }
  }
  return text;
}

}  // namespace xdpfwd::pktgen
