// SPDX-License-Identifier: BSD-2-Clause
// The Linux bridge: with VLAN filtering where the kernel has it; where it has not, one bridge behind a tcx
// program that pops the tag, which is less than what the bridge would do: the bridge then does no VLAN work
// at all.
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <fstream>
#include <set>

#include "bench/contender.h"
#include "bench/stage.h"
#include "bench/tcx_probe.h"
#include "pktgen/tc_attach.h"
#include "tc_forward.skel.h"

namespace xdpfwd::bench {
namespace {

class Bridge final : public Contender {
 public:
  explicit Bridge(bool filtering) : filtering_(filtering) {}
  ~Bridge() override {
    tc_forward_bpf__destroy(skeleton_);
    if (site_ != nullptr) (void)site_->run("ip link del br0");
  }

  Result<void> start(Site& site) override {
    site_ = &site;
    if (auto made =
            site.run(fmt::format("ip link add br0 type bridge mcast_snooping 0 {} && ip link set br0 up",
                                 filtering_ ? "vlan_filtering 1 vlan_default_pvid 0" : ""));
        !made)
      return made;
    for (const std::string& uplink : site.bridge_ports()) {
      std::string commands = fmt::format("ip link set {} master br0", uplink);
      if (filtering_) commands += fmt::format(" && bridge vlan add dev {} vid 100-115", uplink);
      if (auto added = site.run(commands); !added) return added;
    }
    for (const std::string& tap : site.taps())
      if (auto added = site.run(fmt::format("ip link set {} master br0", tap)); !added) return added;
    std::ofstream batch(site.folder() + "/fdb.batch");
    std::set<std::string> tagged;  // a tap has many MACs
    for (const pktgen::Guest& guest : site.guests())
      if (filtering_ && tagged.insert(guest.tap).second)
        batch << fmt::format("vlan add dev {} vid {} pvid untagged\n", guest.tap, guest.vlan.id());
    // As if each VM had spoken, and no entry aged.
    for (const pktgen::Guest& guest : site.guests())
      batch << fmt::format("fdb add {} dev {} master static{}\n", guest.mac.text(), guest.tap,
                           filtering_ ? fmt::format(" vlan {}", guest.vlan.id()) : "");
    batch.close();
    if (auto filled = site.run(fmt::format("bridge -batch {}/fdb.batch", site.folder())); !filled)
      return filled;
    if (filtering_) return {};
    skeleton_ = tc_forward_bpf__open_and_load();
    if (!skeleton_) return fail_errno("the kernel does not load the program that pops", errno);
    const auto inside = site.enter();
    if (!inside) return std::unexpected(inside.error());
    for (const std::string& uplink : site.uplinks()) {
      auto link = pktgen::attach_tcx(bpf_program__fd(skeleton_->progs.tc_pop), site.ifindex(uplink));
      if (!link) return fail_in(uplink, link.error());
      links_.push_back(std::move(*link));
    }
    return {};
  }

  std::vector<Event> events() override {
    if (filtering_) return {};  // the second tap is in another VLAN
    return {{"guest moved", [this] { return move_first_guest(true); },
             [this] { return move_first_guest(false); }, true}};
  }

 private:
  Result<void> move_first_guest(bool away) const {
    return site_->run(fmt::format("bridge fdb replace {} dev {} master static",
                                  site_->guests().at(0).mac.text(), site_->taps().at(away ? 1 : 0)));
  }

  bool filtering_;
  Site* site_ = nullptr;
  tc_forward_bpf* skeleton_ = nullptr;
  std::vector<UniqueFd> links_;
};

// Some kernels without it refuse the option, others take it and say nothing; so it is asked what became of
// it.
Result<void> probe_filtering() {
  if (const auto stage = enter_stage(); !stage) return std::unexpected(stage.error());
  const bool filters = run("ip link add probe0 type bridge vlan_filtering 1 && "
                           "grep -q 1 /sys/class/net/probe0/bridge/vlan_filtering")
                           .has_value();
  (void)run("ip link del probe0");
  if (!filters)
    return fail("this kernel's bridge has no VLAN filtering",
                "it needs BRIDGE_VLAN_FILTERING; see bridge-pop");
  return {};
}

const RegisteredContender filtering({.name = "bridge",
                                     .summary = "Linux bridge with VLAN filtering, static FDB",
                                     .probe = probe_filtering,
                                     .make = [] { return std::make_unique<Bridge>(true); },
                                     .in_lab = true,
                                     .takes_bond = true,
                                     .order = 50});
const RegisteredContender popped(
    {.name = "bridge-pop",
     .summary = "Linux bridge without VLANs behind a tcx program that pops the tag",
     .probe = probe_tcx,
     .make = [] { return std::make_unique<Bridge>(false); },
     .order = 51});

}  // namespace
}  // namespace xdpfwd::bench
