// SPDX-License-Identifier: BSD-2-Clause
// A host's knobs in memory, with drivers that have the manners of mlx5, igb, virtio_net and veth, as read in
// their sources (Linux 6.12): what they refuse, what they reset as a side effect, what they lack.
#pragma once

#include <map>
#include <set>

#include "base/result.h"
#include "core/action.h"
#include "core/setting.h"

namespace xdpfwd::test {

enum class NicModel {
  kMlx5,     // rules at locations that the caller chooses; per-queue coalescing; adaptive resets values. NAPI
             // by the instance, kept over resets (6.17)
  kMlx5Old,  // the same before Linux 6.10: no per-queue coalescing; adaptive makes the channels anew. NAPI as
             // igb
  kIgb,      // no rules; one set of values for all queues; tx-usecs follows rx-usecs and cannot be set; rings
             // are rounded up. NAPI by the NIC, and whose instance is whose is not told (6.12)
  kVirtio,   // channels and interrupts, nothing else. Deferral by the instance, threads by the NIC (6.13)
  kVeth,     // channels and packet steering, no interrupts. NAPI by the instance, forgotten with it (6.17)
};

class FakeHostTuning {
 public:
  explicit FakeHostTuning(uint32_t cpus);

  void add_nic(uint32_t ifindex, const InterfaceName& name, NicModel model, uint32_t channels);
  void add_tap(uint32_t ifindex, const InterfaceName& name, const std::string& qdisc);
  // Of the NICs, to be changed before observe().
  Nic& nic(uint32_t ifindex) { return devices_.at(ifindex).nic; }
  // The driver says yes to tx-usecs and leaves them as they are.
  void ignore_tx_usecs(uint32_t ifindex) { devices_.at(ifindex).ignores_tx_usecs = true; }
  uint64_t tcp_limit_output_bytes = 1048576;
  bool irqbalance = true;

  [[nodiscard]] HostTuning observe() const;
  Result<void> apply(const Tune& action);

  // What anybody can do: a value without the side effects of setting it.
  void put(const Setting& setting, const std::string& value);
  void remove(const Setting& setting) { values_.erase(setting); }
  [[nodiscard]] const std::map<Setting, std::string>& values() const { return values_; }
  // As after ifup on many drivers: what is per queue and interrupt is as at the start.
  void reset(uint32_t ifindex);
  void remove_nic(uint32_t ifindex);
  // As reset(), and the interrupts have other numbers. irqbalance goes on with the old ones.
  void renumber(uint32_t ifindex);
  // How often it was without link, as its channels were made anew.
  [[nodiscard]] uint32_t links_lost(uint32_t ifindex) const { return devices_.at(ifindex).links_lost; }
  [[nodiscard]] const std::set<uint32_t>& banned() const { return banned_; }

 private:
  struct Device {
    Nic nic;
    NicModel model = NicModel::kVeth;
    uint32_t first_irq = 0;
    uint32_t links_lost = 0;
    bool ignores_tx_usecs = false;
  };
  Result<void> apply_rule(const Device& device, const Tune& action);
  Result<void> apply_channels(Device& device, const Tune& action);
  Result<void> apply_ring(Device& device, const Tune& action);
  Result<void> apply_merging(Device& device, const Tune& action);
  Result<void> apply_coalescing(Device& device, const Tune& action);
  void make_anew(Device& device, uint32_t channels);
  void set_queues(Device& device, uint32_t channels);
  void set_napis(Device& device, uint32_t channels);
  void apply_threaded(const Device& device, const Tune& action);

  uint32_t cpus_;
  std::map<uint32_t, Device> devices_;
  std::set<uint32_t> taps_;
  std::set<uint32_t> banned_;  // by irqbalance
  std::map<Setting, std::string> values_;
};

}  // namespace xdpfwd::test
