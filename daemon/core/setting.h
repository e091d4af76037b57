// SPDX-License-Identifier: BSD-2-Clause
// A knob of the host, what it is set to, and what a NIC can do: the same values describe what is there, what
// is wanted, and what was there before. What should be wanted is decided in tuning/; how Linux is asked and
// told, in kernel/.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/net.h"

namespace xdpfwd {

// Each row: the constant, the name that people and the undo log see, what an index of it counts.
#define XDPFWD_KNOBS(KNOB)                                                                         \
  KNOB(kLro, "lro", kDevice)                  /* on, off */                                        \
  KNOB(kHwGro, "rx-gro-hw", kDevice)          /* on, off */                                        \
  KNOB(kChannels, "channels", kDevice)        /* combined; changing it resets the NIC */           \
  KNOB(kRxRing, "ring-rx", kDevice)           /* descriptors; resets */                            \
  KNOB(kTxRing, "ring-tx", kDevice)           /* descriptors; resets */                            \
  KNOB(kAdaptiveRx, "adaptive-rx", kAnyQueue) /* on, off; setting it may reset the four below */   \
  KNOB(kAdaptiveTx, "adaptive-tx", kAnyQueue) /* likewise */                                       \
  KNOB(kRxUsecs, "rx-usecs", kAnyQueue)       /* microseconds */                                   \
  KNOB(kRxFrames, "rx-frames", kAnyQueue)                                                          \
  KNOB(kTxUsecs, "tx-usecs", kAnyQueue)                                                            \
  KNOB(kTxFrames, "tx-frames", kAnyQueue)                                                          \
  KNOB(kRule, "rule", kLocation)                  /* SteeringRule::text(); empty: there is none */ \
  KNOB(kIrqAffinity, "irq-affinity", kIrq)        /* CPU list: "3", "0-3,8" */                     \
  KNOB(kIrqBan, "irqbalance-ban", kIrq)           /* on: irqbalance leaves the interrupt alone */  \
  KNOB(kNapiThreaded, "napi-threaded", kNapi)     /* off, on, busy-poll */                         \
  KNOB(kNapiDefer, "napi-defer-hard-irqs", kNapi) /* empty polls before interrupts are on */       \
  KNOB(kGroFlush, "gro-flush-timeout", kNapi)     /* nanoseconds from poll to poll */              \
  KNOB(kThreadCpus, "napi-thread-cpus", kNapi)    /* CPU list; of the instance's thread */         \
  KNOB(kThreadSched, "napi-thread-sched", kNapi)  /* ThreadSchedule::text() */                     \
  KNOB(kRps, "rps-cpus", kRxQueue)                /* CPU list; empty: off */                       \
  KNOB(kXps, "xps-cpus", kTxQueue)                /* CPU list; empty: off */                       \
  KNOB(kQdisc, "qdisc", kDevice)                  /* kind of the root qdisc */                     \
  KNOB(kDefaultQdisc, "default-qdisc", kHost)     /* net.core.default_qdisc */

enum class Knob : uint8_t {
#define XDPFWD_KNOB(constant, name, scope) constant,
  XDPFWD_KNOBS(XDPFWD_KNOB)
#undef XDPFWD_KNOB
};

// What Setting::index counts. kAnyQueue: a channel, or kWholeDevice for all of them and those to come.
// kNapi: a place in Nic::napis, or kWholeDevice where the kernel has one value for all of them.
enum class KnobScope : uint8_t { kHost, kDevice, kAnyQueue, kRxQueue, kTxQueue, kIrq, kNapi, kLocation };

inline constexpr uint32_t kWholeDevice = UINT32_MAX;

std::string_view name_of(Knob knob);
KnobScope scope_of(Knob knob);
Result<Knob> parse_knob(std::string_view name);

// Which knob, of what.
struct Setting {
  uint32_t ifindex = 0;  // 0: the host's
  Knob knob = Knob::kLro;
  uint32_t index = kWholeDevice;

  auto operator<=>(const Setting&) const = default;
};

// The value is text in the one form that its knob's row above names, so that equal values are equal texts.
struct SettingValue {
  Setting setting;
  std::string value;
  bool operator==(const SettingValue&) const = default;
};

// "rx-usecs", "rx-usecs of queue 3", "irq-affinity of interrupt 45", "rule 12".
std::string text_of(const Setting& setting);

// Frames with this destination go to this queue of the NIC.
struct SteeringRule {
  MacAddress mac;
  VlanTag vlan;  // untagged: on any VLAN
  uint32_t queue = 0;
  auto operator<=>(const SteeringRule&) const = default;

  [[nodiscard]] std::string text()
      const;  // "52:54:00:00:00:01 queue 3", "52:54:00:00:00:01 vlan 100 queue 3"
  // A rule of somebody else's that we could not write has another text, which does not parse.
  static Result<SteeringRule> parse(std::string_view text);
};

// A channel of a NIC.
struct Queue {
  uint32_t napi = 0;    // id; 0 = not known
  uint32_t irq = 0;     // 0 = none, or not known
  uint32_t tx_irq = 0;  // of sending, where that has another (igb with few channels); 0 = it has not
  bool operator==(const Queue&) const = default;
};

// What a NIC is and can do, as far as tuning asks. Observed only.
struct Nic {
  uint32_t ifindex = 0;
  InterfaceName name;
  std::string driver;         // "mlx5_core"; empty: none
  uint32_t speed_mbps = 0;    // 0 = not known
  int32_t numa_node = -1;     // -1 = none
  uint32_t max_channels = 0;  // combined; 0: their number cannot be set
  uint32_t max_rx_ring = 0;   // descriptors; 0: cannot be set
  uint32_t max_tx_ring = 0;
  uint32_t rule_capacity = 0;      // rules; 0: the driver steers by none
  bool chooses_locations = false;  // the driver wants no location from us
  bool per_queue_coalescing = false;
  std::vector<Queue> queues;  // channels in use, by number
  // Ids of its NAPI instances: those of the channels first, by number, where the driver tells which; others
  // by id. Empty: the kernel does not tell, or the NIC is down. Ids change when a NIC is reset; places seldom
  // do.
  std::vector<uint32_t> napis;
  bool operator==(const Nic&) const = default;
};

// irqbalance takes its whole list of banned interrupts in one command of so many characters, "settings ban
// irqs 7 9", and drops the rest without a word (1.9.2, sock_handle()).
inline constexpr std::string_view kBanCommand = "settings ban irqs";
inline constexpr size_t kLongestBanCommand = 499;

// The host as far as tuning asks. A setting that is not in the list is one that the NIC does not have.
struct HostTuning {
  std::vector<uint32_t> cpus;         // online, sorted
  std::vector<int32_t> numa_of_cpus;  // by index of `cpus`
  // Likewise; SMT siblings of a core have the same number. Empty: not known.
  std::vector<uint32_t> core_of_cpus;
  std::vector<uint32_t> isolated;  // of `cpus`: kept for others by isolcpus=, nohz_full= or cpusets; sorted
  uint64_t tcp_limit_output_bytes = 0;
  bool irqbalance = false;      // it runs and answers
  bool hides_threads = false;   // the kernel's, as we are in a PID namespace of our own
  std::string new_thread_cpus;  // CPU list that the kernel starts a thread of its own with; empty: not known
  std::vector<Nic> nics;        // sorted by ifindex
  std::vector<SettingValue> settings;  // sorted by setting
  bool operator==(const HostTuning&) const = default;
};

// The CPUs that nobody keeps for himself, sorted; all of them where the host isolates all.
std::vector<uint32_t> shared_cpus(const HostTuning& host);

// nullptr when the NIC, or the host, has no such knob.
const std::string* find_setting(const HostTuning& host, const Setting& setting);
const Nic* find_nic(const HostTuning& host, uint32_t ifindex);

}  // namespace xdpfwd
