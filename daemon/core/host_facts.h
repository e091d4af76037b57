// SPDX-License-Identifier: BSD-2-Clause
// What a host is and has, as far as forwarding and tuning depend on it, read without a daemon and without
// changing anything. What is good or bad about it, doctor/ says.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/config.h"
#include "core/report.h"
#include "core/setting.h"
#include "core/state.h"

namespace xdpfwd {

// Something that a kernel has or has not, by trying it.
struct KernelFeature {
  std::string name;           // "devmap-hash"
  std::optional<bool> there;  // empty: it could not be tried
  std::string why;            // what the kernel said
  bool needed = false;        // without it nothing is forwarded
  std::string use;            // "frames in several buffers"
  bool operator==(const KernelFeature&) const = default;
};

// A driver's switch. One that a device does not have is off and fixed.
struct SwitchFact {
  bool on = false;
  bool fixed = true;
  bool operator==(const SwitchFact&) const = default;
};

enum class XdpFact { kNone, kNative, kGeneric, kOther };

// A network device beyond what Link has.
struct DeviceFacts {
  uint32_t ifindex = 0;
  XdpFact xdp = XdpFact::kNone;
  bool xdp_ours = false;                 // the program on it is pinned by xdpfwd
  std::optional<uint64_t> xdp_features;  // NETDEV_XDP_ACT_*; empty: the kernel does not tell
  std::map<std::string, SwitchFact>
      switches;                     // "lro", "rx-gro-hw", "rxvlan", "rx-vlan-filter", "tx-checksum"
  std::vector<std::string> uppers;  // devices on top of it: its bond, a bridge, VLANs
  std::string bond_mode;            // of a bond: "802.3ad"
  std::string bond_hash_policy;     // "layer3+4", "vlan+srcmac"
  uint32_t tx_queue_len = 0;        // frames; of a tap, what its ring holds
  bool packet_info = false;         // a tap that was opened without IFF_NO_PI
  bool operator==(const DeviceFacts&) const = default;
};

// The process that has a tap open, and what it set.
struct TapReader {
  uint32_t ifindex = 0;
  int pid = 0;
  std::string command;
  std::optional<int64_t> send_buffer;  // bytes; empty: it could not be asked
  bool operator==(const TapReader&) const = default;
};

// An AF_XDP socket that is bound to a queue.
struct XskSocket {
  uint32_t ifindex = 0;
  uint32_t queue = 0;
  bool zero_copy = false;
  bool operator==(const XskSocket&) const = default;
};

struct HostFacts {
  std::string kernel_release;
  bool root = false;  // all of this could be read
  std::vector<KernelFeature> features;
  std::vector<std::string> lacking_capabilities;  // "CAP_NET_ADMIN"
  bool bpffs = false;                             // at the folder that daemon.bpffs is in
  std::string bpffs_place;                        // "/sys/fs/bpf"
  std::optional<uint64_t> memlock;                // bytes; empty: unlimited
  std::vector<Link> links;                        // sorted by ifindex
  std::vector<DeviceFacts> devices;               // members, their bonds, and taps of guests
  HostTuning tuning;                              // of the members and taps
  std::vector<TapReader> readers;
  std::optional<std::vector<XskSocket>> xsk_sockets{};  // empty: there are some, and where cannot be told
  std::map<uint32_t, uint32_t> bridge_ageing_s{};       // by ifindex: when it forgets whom it does not hear
  bool irqbalance_process = false;  // one of that name is there, whether it can be asked or not
  std::vector<std::string> unseen;  // what could not be read, and why
};

const DeviceFacts* find_device(const HostFacts& facts, uint32_t ifindex);

}  // namespace xdpfwd
