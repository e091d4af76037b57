// SPDX-License-Identifier: BSD-2-Clause
// The Kernel that is Linux: rtnetlink, ethtool, netdev genl and BPF behind the seam. Decides nothing; what it
// cannot do it reports.
#pragma once

#include <memory>
#include <string>

#include "kernel/effect_watch.h"
#include "kernel/ethtool.h"
#include "kernel/grace.h"
#include "kernel/host_knobs.h"
#include "kernel/kernel.h"
#include "kernel/link_decoder.h"
#include "kernel/maps.h"
#include "kernel/netdev_family.h"
#include "kernel/netlink.h"
#include "kernel/pins.h"

namespace xdpfwd {

class LinuxKernel final : public Kernel {
 public:
  // Opens the sockets and adopts what is pinned under `bpffs`. Changes nothing.
  static Result<std::unique_ptr<LinuxKernel>> open(const std::string& bpffs);

  Result<State> observe(Scope scope) override;
  Outcome apply(const Action& action) override;
  Result<Sample> sample() override;
  Result<HostTuning> observe_tuning(const TuningScope& scope) override { return knobs_.observe(scope); }
  Result<std::unique_ptr<EffectWatch>> watch_effect(const std::vector<TunedDevice>& nics) override {
    return xdpfwd::watch_effect(nics);
  }
  Result<std::unique_ptr<ThreadMeter>> meter_threads(const std::vector<NapiThread>& threads) override {
    return knobs_.meter_threads(threads);
  }

 private:
  LinuxKernel(Pins pins, NetlinkSocket route, Ethtool ethtool, NetdevFamily netdev, HostKnobs knobs)
      : pins_(std::move(pins)),
        route_(std::move(route)),
        ethtool_(std::move(ethtool)),
        netdev_(std::move(netdev)),
        knobs_(std::move(knobs)) {}

  Result<void> notice_lost_pins();
  Result<std::vector<DecodedLink>> observe_links();
  // Without `links` the members' names and modes are as they were attached.
  Result<std::vector<Member>> observe_members(const std::vector<DecodedLink>* links);
  [[nodiscard]] std::vector<NicChanges> observe_changes(const std::vector<Link>& links) const;

  Result<void> take(const CreateTable& action);
  Result<void> take(const ClosePort& action);
  Result<void> take(const OpenPort& action);
  Result<void> take(const AwaitGrace& action);
  Result<void> take(const SetRxVlan& action);
  Result<void> take(const SetPromisc& action);
  Result<void> take(const AttachMember& action);
  Result<void> take(const ReplaceProgram& action);
  Result<void> take(const SetMember& action);
  Result<void> take(const DetachMember& action);
  Result<void> take(const WatchLosses& action);
  Result<void> take(const RemoveTable& action);
  Result<void> take(const Tune& action) { return knobs_.set(action); }

  Result<void> note_undo(std::string_view change, uint32_t ifindex, const InterfaceName& name) const;
  Result<void> check_identity(uint32_t ifindex, const InterfaceName& name) const;
  Result<void> write_facts(const Member& member, uint32_t prog_id) const;
  void forget_old_versions();

  Pins pins_;
  NetlinkSocket route_;
  Ethtool ethtool_;
  NetdevFamily netdev_;
  HostKnobs knobs_;
  GracePeriod grace_;
  std::optional<Maps> maps_;
};

}  // namespace xdpfwd
