// SPDX-License-Identifier: BSD-2-Clause
#include "pktgen/sender.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>

#include "pktgen/generator.h"

namespace xdpfwd::pktgen {

Result<Backend> parse_backend(std::string_view name) {
  if (name == "live") return Backend::kLive;
  if (name == "packet") return Backend::kPacket;
  if (name == "xsk") return Backend::kXsk;
  if (name == "kernel") return Backend::kKernel;
  return fail(fmt::format("there is no back end '{}'", name), "choose 'live', 'packet', 'xsk' or 'kernel'");
}

std::string_view backend_name(Backend backend) {
  switch (backend) {
    case Backend::kLive:
      return "live";
    case Backend::kPacket:
      return "packet";
    case Backend::kXsk:
      return "xsk";
    case Backend::kKernel:
      return "kernel";
  }
  return "?";
}

Result<std::unique_ptr<Sender>> make_sender(Backend backend, const StreamSet& streams,
                                            const SendOptions& options) {
  if (streams.size() == 0) return fail("nothing to send", "name at least one guest");
  if (options.devices.empty()) return fail("no device to send from", "name at least one");
  if (options.devices.size() > PKTGEN_MAX_DEVICES)
    return fail(fmt::format("{} devices to send from", options.devices.size()),
                fmt::format("at most {}", PKTGEN_MAX_DEVICES));
  for (const Stream& stream : streams.streams())
    if (stream.member >= options.devices.size())
      return fail(fmt::format("stream '{}' leaves by member {}", stream.label, stream.member),
                  fmt::format("there are {} devices", options.devices.size()));
  if (options.batch < 1 || options.batch > 256)
    return fail(fmt::format("a batch of {} frames", options.batch), "choose 1 to 256");
  if (options.burst < 1 || options.burst > 65'536)
    return fail(fmt::format("bursts of {} frames", options.burst), "choose 1 to 65536");
  switch (backend) {
    case Backend::kLive:
      return make_live_sender(streams, options);
    case Backend::kPacket:
      return make_packet_sender(streams, options);
    case Backend::kXsk:
      return make_xsk_sender(streams, options);
    case Backend::kKernel:
      return make_kernel_sender(streams, options);
  }
  return fail("no such back end");
}

uint64_t monotonic_ns() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

}  // namespace xdpfwd::pktgen
