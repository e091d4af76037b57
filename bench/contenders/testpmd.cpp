// SPDX-License-Identifier: BSD-2-Clause
// DPDK's testpmd, polling on the receiving CPU: AF_PACKET rings towards the wire and towards the tap, tags
// stripped by the driver. It forwards from one port to the other and looks nothing up: less than what the
// others do.
#include <fmt/format.h>

#include "bench/contender.h"
#include "bench/stage.h"

namespace xdpfwd::bench {
namespace {

class Testpmd final : public Contender {
 public:
  Result<void> start(Site& site) override {
    const auto inside = site.enter();
    if (!inside) return std::unexpected(inside.error());
    auto child = Child::start(
        {.arguments = {"dpdk-testpmd", "--no-huge", "-m", "256", "--no-pci", "--no-telemetry",
                       fmt::format("--lcores=0@{},1@{}", site.tx_cpu(), site.rx_cpu()),
                       "--file-prefix=" + site.name(),
                       fmt::format("--vdev=net_af_packet0,iface={},qdisc_bypass=1", site.uplinks()[0]),
                       fmt::format("--vdev=net_af_packet1,iface={},qdisc_bypass=1", site.taps()[0]), "--",
                       "--forward-mode=io", "--nb-cores=1", "--enable-hw-vlan-strip", "--no-mlockall",
                       "--auto-start", "--stats-period=86400", "--total-num-mbufs=8192"},
         .log = site.folder() + "/testpmd.log",
         .environment = {"XDG_RUNTIME_DIR=" + site.folder(), "RUNTIME_DIRECTORY=" + site.folder()}});
    if (!child) return std::unexpected(child.error());
    child_.emplace(std::move(*child));
    return {};
  }
  std::vector<Child*> processes() override {
    return child_ ? std::vector<Child*>{&*child_} : std::vector<Child*>{};
  }

 private:
  std::optional<Child> child_;
};

const RegisteredContender testpmd(
    {.name = "testpmd",
     .summary = "DPDK testpmd over AF_PACKET, port to port without a look-up; one guest",
     .probe =
         [] {
           return run("command -v dpdk-testpmd")
                      ? Result<void>{}
                      : fail("DPDK's testpmd is not installed", "deploy/dependencies.sh bench installs it");
         },
     .make = [] { return std::make_unique<Testpmd>(); },
     .most_guests = 1,
     .most_uplinks = 1,
     .most_macs = 1,
     .why_no_more = "it looks nothing up",
     .reads_taps = true,
     .order = 70});

}  // namespace
}  // namespace xdpfwd::bench
