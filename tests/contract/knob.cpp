// SPDX-License-Identifier: BSD-2-Clause
// The Linux side of tuning on the command line, so that a lab case can hold it against ethtool and tc:
//   knob show DEVICE...                   as NICs: facts, then each setting as "DEVICE KNOB[/INDEX] 'VALUE'"
//   knob set DEVICE|host KNOB[/INDEX] VALUE
#include <fmt/format.h>
#include <net/if.h>

#include <cstdio>
#include <span>
#include <string>

#include "kernel/host_knobs.h"
#include "kernel/knob_value.h"

namespace xdpfwd::test {
namespace {

int give_up(const Error& error) {
  fmt::print(stderr, "knob: {}\n", error.text());
  return 1;
}

void print_nic(const Nic& nic) {
  fmt::print(
      "nic {} driver {} speed {} numa {} max-channels {} max-rx-ring {} max-tx-ring {} rules {}{}{} queues",
      nic.name.view(), nic.driver, nic.speed_mbps, nic.numa_node, nic.max_channels, nic.max_rx_ring,
      nic.max_tx_ring, nic.rule_capacity, nic.chooses_locations ? " chooses-locations" : "",
      nic.per_queue_coalescing ? " per-queue" : "");
  for (const Queue& queue : nic.queues)
    fmt::print(" {}:{}", queue.napi == 0 ? "-" : "napi", queue.irq == 0 ? "-" : fmt::format("{}", queue.irq));
  fmt::print("\n");
}

int show(HostKnobs& knobs, std::span<char*> devices) {
  TuningScope scope;
  for (const char* device : devices) {
    const auto name = InterfaceName::parse(device);
    if (!name) return give_up(name.error());
    scope.nics.push_back({.ifindex = if_nametoindex(device), .name = *name});
  }
  const auto host = knobs.observe(scope);
  if (!host) return give_up(host.error());
  fmt::print("host cpus {} tcp-limit {} irqbalance {}\n", host->cpus.size(), host->tcp_limit_output_bytes,
             host->irqbalance ? "runs" : "no");
  for (const Nic& nic : host->nics) print_nic(nic);
  for (const SettingValue& value : host->settings) {
    const Nic* nic = find_nic(*host, value.setting.ifindex);
    const std::string index =
        value.setting.index == kWholeDevice ? std::string() : fmt::format("/{}", value.setting.index);
    fmt::print("{} {}{} '{}'\n", nic ? nic->name.view() : "host", name_of(value.setting.knob), index,
               value.value);
  }
  return 0;
}

int set(HostKnobs& knobs, std::string_view device, std::string_view which, std::string_view value) {
  Tune tune{.value = std::string(value)};
  if (device != "host") {
    const auto name = InterfaceName::parse(device);
    if (!name) return give_up(name.error());
    tune.name = *name;
    tune.setting.ifindex = if_nametoindex(tune.name.c_str());
  }
  const size_t slash = which.find('/');
  const auto knob = parse_knob(which.substr(0, slash));
  if (!knob) return give_up(knob.error());
  tune.setting.knob = *knob;
  if (slash != std::string_view::npos) {
    const auto index = parse_number(which.substr(slash + 1));
    if (!index) return give_up(index.error());
    tune.setting.index = *index;
  }
  const auto done = knobs.set(tune);
  return done ? 0 : give_up(done.error());
}

int main(std::span<char*> arguments) {
  auto knobs = HostKnobs::open();
  if (!knobs) return give_up(knobs.error());
  const std::string_view verb = arguments.size() > 1 ? arguments[1] : "";
  if (verb == "show" && arguments.size() > 2) return show(*knobs, arguments.subspan(2));
  if (verb == "set" && arguments.size() == 5) return set(*knobs, arguments[2], arguments[3], arguments[4]);
  fmt::print(stderr, "usage: knob show DEVICE... | knob set DEVICE|host KNOB[/INDEX] VALUE\n");
  return 2;
}

}  // namespace
}  // namespace xdpfwd::test

int main(int argc, char** argv) {
  return xdpfwd::test::main({argv, static_cast<size_t>(argc)});
}
