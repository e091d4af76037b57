// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/host_facts.h"

#include <fmt/format.h>
#include <linux/magic.h>
#include <linux/rtnetlink.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <set>

#include "core/compile.h"
#include "kernel/ethtool.h"
#include "kernel/host_knobs.h"
#include "kernel/kernel_features.h"
#include "kernel/link_decoder.h"
#include "kernel/netdev_family.h"
#include "kernel/tap_readers.h"
#include "kernel/xsk_sockets.h"

namespace xdpfwd {
namespace {

namespace fs = std::filesystem;

// By our name; how the kernel calls it.
constexpr std::pair<const char*, FeatureName> kSwitches[] = {
    {"lro", kFeatureLro},
    {"rx-gro-hw", kFeatureHwGro},
    {"rxvlan", kFeatureRxVlan},
    {"rx-vlan-filter", {"rx-vlan-filter", "rx-vlan-filter"}},
    {"ntuple", kFeatureNtuple},
    {"tx-checksum", {"tx-checksum-ip-generic", "tx-checksum-ip-generic"}},
    {"tso", {"tx-tcp-segmentation", "tso"}}};

constexpr std::pair<unsigned, const char*> kCapabilities[] = {
    {12, "CAP_NET_ADMIN"}, {39, "CAP_BPF"}, {38, "CAP_PERFMON"}};
constexpr unsigned kSysAdmin = 21;  // stands for the last two

std::vector<std::string> lacking_capabilities(const HostRoots& roots) {
  std::vector<std::string> lacking;
  const auto status = read_host_file(roots.proc + "/self/status");
  const size_t at = status ? status->find("CapEff:\t") : std::string::npos;
  if (at == std::string::npos) return lacking;
  uint64_t held = 0;
  std::from_chars(status->data() + at + 8, status->data() + status->size(), held, 16);
  const auto has = [&](unsigned bit) { return (held >> bit & 1) != 0; };
  for (const auto& [bit, name] : kCapabilities)
    if (!has(bit) && !(bit != 12 && has(kSysAdmin))) lacking.emplace_back(name);
  return lacking;
}

XdpFact fact_of(XdpAttached attached) {
  switch (attached) {
    case XdpAttached::kNone:
      return XdpFact::kNone;
    case XdpAttached::kNative:
      return XdpFact::kNative;
    case XdpAttached::kGeneric:
      return XdpFact::kGeneric;
    case XdpAttached::kOther:
      break;
  }
  return XdpFact::kOther;
}

bool is_running(std::string_view command, const HostRoots& roots) {
  std::error_code error;
  for (fs::directory_iterator at(roots.proc, error), end; !error && at != end; at.increment(error)) {
    if (!std::isdigit(static_cast<unsigned char>(at->path().filename().string().front()))) continue;
    if (const auto comm = read_host_file(at->path().string() + "/comm"); comm && *comm == command)
      return true;
  }
  return false;
}

// "802.3ad 4" -> "802.3ad"
std::string first_word(const Result<std::string>& text) {
  return text ? text->substr(0, text->find(' ')) : std::string();
}

std::string bpffs_place(const std::string& folder) {
  // The folder itself is made by the daemon.
  fs::path place(folder);
  std::error_code error;
  while (place.has_relative_path() && !fs::exists(place, error)) place = place.parent_path();
  return place.string();
}

class Reader {
 public:
  Reader(const Settings& settings, const std::vector<Guest>& guests, const HostRoots& roots)
      : settings_(settings), guests_(guests), roots_(roots) {}

  HostFacts read() {
    facts_.root = ::geteuid() == 0;
    utsname name{};
    if (::uname(&name) == 0) facts_.kernel_release = name.release;
    facts_.features = try_kernel_features();
    facts_.lacking_capabilities = lacking_capabilities(roots_);
    struct statfs about{};
    facts_.bpffs_place = bpffs_place(settings_.bpffs);
    facts_.bpffs = ::statfs(facts_.bpffs_place.c_str(), &about) == 0 && about.f_type == BPF_FS_MAGIC;
    rlimit limit{};
    if (::getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
      facts_.memlock = limit.rlim_cur;
    read_links();
    read_devices();
    read_bridges();
    facts_.xsk_sockets = find_xsk_sockets(roots_);
    facts_.irqbalance_process = is_running("irqbalance", roots_);
    return std::move(facts_);
  }

 private:
  template <typename T>
  T* or_unseen(const char* what, Result<T>& opened) {
    if (opened) return &*opened;
    facts_.unseen.push_back(fmt::format("{}: {}", what, opened.error().message));
    return nullptr;
  }

  void read_links() {
    auto route = NetlinkSocket::open(NETLINK_ROUTE);
    NetlinkSocket* socket = or_unseen("the network devices", route);
    if (!socket) return;
    constexpr int kTries = 8;  // the list may change while it is told
    for (int attempt = 1;; ++attempt) {
      links_.clear();
      NetlinkRequest request(RTM_GETLINK, NLM_F_DUMP);
      request.family_header<ifinfomsg>()->ifi_family = AF_UNSPEC;
      mnl_attr_put_u32(request.header(), IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
      const auto answered = socket->transact(request, [&](const nlmsghdr& message) {
        if (auto decoded = decode_link(message)) links_.push_back(std::move(*decoded));
      });
      if (answered) break;
      if (answered.error().code == EINTR && attempt < kTries) continue;
      facts_.unseen.push_back(fmt::format("the network devices: {}", answered.error().message));
      break;
    }
    std::ranges::sort(links_, {}, [](const DecodedLink& d) { return d.link.ifindex; });
    for (const DecodedLink& decoded : links_) facts_.links.push_back(decoded.link);
  }

  void read_devices() {
    auto ethtool = Ethtool::open();
    auto netdev = NetdevFamily::open();
    auto knobs = HostKnobs::open(roots_);
    Ethtool* switches = or_unseen("ethtool", ethtool);
    NetdevFamily* family = or_unseen("netdev", netdev);
    HostKnobs* host = or_unseen("the host's knobs", knobs);
    State state;
    state.links = facts_.links;
    TuningScope scope;
    std::set<uint32_t> concerned;
    for (const Link* link : resolve_members(settings_.devices, state, nullptr)) {
      scope.nics.push_back({link->ifindex, link->name});
      concerned.insert(link->ifindex);
      if (link->master != 0) concerned.insert(link->master);
    }
    std::vector<Link> taps;
    for (const Guest& guest : guests_)
      if (const Link* link = find_link(state, guest.tap); link && concerned.insert(link->ifindex).second) {
        taps.push_back(*link);
        scope.taps.push_back({link->ifindex, link->name});
      }
    for (const uint32_t ifindex : concerned) {
      const auto at = std::ranges::find(links_, ifindex, [](const DecodedLink& d) { return d.link.ifindex; });
      if (at == links_.end()) continue;
      read_device(*at, switches, family);
    }
    if (host) {
      auto tuning = host->observe(scope);
      if (HostTuning* seen = or_unseen("the NICs' settings", tuning)) facts_.tuning = std::move(*seen);
    }
    if (facts_.root)
      facts_.readers = find_tap_readers(taps, roots_);
    else if (!taps.empty())
      facts_.unseen.emplace_back("who reads the taps: that needs root");
  }

  // Those that guests' taps are in.
  void read_bridges() {
    constexpr uint32_t kTicks = 100;  // USER_HZ
    for (const Guest& guest : guests_) {
      const auto tap = std::ranges::find(facts_.links, guest.tap, &Link::name);
      if (tap == facts_.links.end() || tap->master == 0 || facts_.bridge_ageing_s.contains(tap->master))
        continue;
      const auto bridge = std::ranges::find(facts_.links, tap->master, &Link::ifindex);
      if (bridge == facts_.links.end() || bridge->kind_text != "bridge") continue;
      if (const auto ticks = read_host_number(
              fmt::format("{}/class/net/{}/bridge/ageing_time", roots_.sys, bridge->name.view())))
        facts_.bridge_ageing_s[bridge->ifindex] = static_cast<uint32_t>(*ticks / kTicks);
    }
  }

  void read_device(const DecodedLink& decoded, Ethtool* ethtool, NetdevFamily* netdev) {
    const Link& link = decoded.link;
    DeviceFacts device{.ifindex = link.ifindex,
                       .xdp = fact_of(decoded.xdp),
                       .tx_queue_len = decoded.tx_queue_len,
                       .packet_info = decoded.packet_info};
    std::error_code error;
    device.xdp_ours = fs::exists(fmt::format("{}/links/{}", settings_.bpffs, link.ifindex), error);
    if (netdev) device.xdp_features = netdev->xdp_features(link.ifindex);
    for (const auto& [name, feature] : kSwitches) {
      if (!ethtool) break;
      if (const auto seen = ethtool->feature(link.name, feature))
        device.switches[name] = {.on = seen->on, .fixed = seen->fixed};
      if (const auto at = std::ranges::find(facts_.links, link.ifindex, &Link::ifindex);
          feature.kernel == kFeatureRxVlan.kernel && at != facts_.links.end()) {
        at->rxvlan = device.switches[name].on;
        at->rxvlan_fixed = device.switches[name].fixed;
        at->vlan_hint = netdev && netdev->has_vlan_hint(link.ifindex);
      }
    }
    const std::string folder = fmt::format("{}/class/net/{}", roots_.sys, link.name.view());
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error))
      if (const std::string name = at->path().filename().string(); name.starts_with("upper_"))
        device.uppers.push_back(name.substr(6));
    std::ranges::sort(device.uppers);
    if (link.kind == LinkKind::kBond) {
      device.bond_mode = first_word(read_host_file(folder + "/bonding/mode"));
      device.bond_hash_policy = first_word(read_host_file(folder + "/bonding/xmit_hash_policy"));
    }
    facts_.devices.push_back(std::move(device));
  }

  const Settings& settings_;
  const std::vector<Guest>& guests_;
  const HostRoots& roots_;
  HostFacts facts_;
  std::vector<DecodedLink> links_;
};

}  // namespace

HostFacts read_host_facts(const Settings& settings, const std::vector<Guest>& guests,
                          const HostRoots& roots) {
  return Reader(settings, guests, roots).read();
}

}  // namespace xdpfwd
