// SPDX-License-Identifier: BSD-2-Clause
#include "bench/floor.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <net/if.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "bench/stage.h"
#include "core/compile.h"
#include "core/plan.h"
#include "floor.skel.h"
#include "kernel/linux_kernel.h"
#include "pktgen/sender.h"
#include "pktgen/tap.h"
#include "pktgen/tap_receiver.h"

namespace xdpfwd::bench {
namespace {

using namespace std::chrono_literals;

constexpr const char* kTap = "tap0";
constexpr uint16_t kVlan = 100;
constexpr uint32_t kRingSlots = pktgen::kLongestQueue;
constexpr uint32_t kSendingMacs = 64;  // of the table's rows, those that frames are sent to

struct DestroyFloor {
  void operator()(floor_bpf* skeleton) const { floor_bpf__destroy(skeleton); }
};

enum class Contender { kFullFrame, kFullHint, kFloor, kDrop };
constexpr const char* kNames[] = {"xdpfwd", "xdpfwd-hint", "bare-redirect", "xdp-drop"};
constexpr Contender kContenders[] = {Contender::kFullFrame, Contender::kFullHint, Contender::kFloor,
                                     Contender::kDrop};

// One after the other on the same cable: what is attached goes with the object.
class Arena {
 public:
  ~Arena() {
    link_.reset();
    kernel_.reset();
    (void)run("ip link del up0");
  }
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  static Result<std::unique_ptr<Arena>> make(const FloorOptions& options) {
    auto arena = std::unique_ptr<Arena>(new Arena);
    if (auto built = arena->build(options); !built) return std::unexpected(built.error());
    return arena;
  }

  // Nanoseconds a frame.
  Result<double> measure(Contender contender, const FloorOptions& options) {
    if (auto attached = attach(contender); !attached) return std::unexpected(attached.error());
    const uint64_t before = receiver_->frames();
    auto sender = pktgen::make_live_sender(
        *streams_, {.devices = {"sw0"}, .count = options.frames, .cpu = options.tx_cpu});
    if (!sender) return std::unexpected(sender.error());
    if (auto started = (*sender)->start(); !started) return std::unexpected(started.error());
    const auto sent = (*sender)->wait();
    if (!sent) return std::unexpected(sent.error());
    receiver_->wait_quiet(20ms, 2s);
    if (auto detached = detach(contender); !detached) return std::unexpected(detached.error());
    const uint64_t arrived = receiver_->frames() - before;
    if (contender == Contender::kDrop) {
      if (arrived != 0) return fail("frames passed XDP_DROP: the measurement is wrong");
    } else {
      frames += sent->sent();
      ring_full += sent->sent() - std::min(arrived, sent->sent());
      if (arrived * 2 < sent->sent())
        return fail(fmt::format("only {} of {} frames arrived", arrived, sent->sent()));
    }
    return sent->seconds * 1e9 / static_cast<double>(sent->sent());
  }

  uint64_t frames = 0;
  uint64_t ring_full = 0;

 private:
  Arena() = default;

  Result<void> build(const FloorOptions& options) {
    const auto folder = enter_stage();
    if (!folder) return std::unexpected(folder.error());
    if (auto cabled = add_cable("up0", "sw0"); !cabled) return cabled;
    auto receiver = pktgen::TapReceiver::start({.cpu = options.rx_cpu});
    if (!receiver) return std::unexpected(receiver.error());
    receiver_ = std::move(*receiver);
    if (auto added = receiver_->add_tap({.name = kTap, .queue_length = kRingSlots}); !added) return added;

    std::vector<pktgen::Guest> senders;
    std::vector<Guest> guests;
    const auto vlan = VlanTag::make(kVlan);
    const auto tap = InterfaceName::parse(kTap);
    const auto device = InterfaceName::parse("up0");
    if (!vlan || !tap || !device) return fail("the names of the arena are wrong");
    for (uint32_t i = 0; i < options.fdb_entries; ++i) {
      const MacAddress mac = MacAddress::from_bits(0x525400000000 + i);
      const std::string name = fmt::format("vm{}", i);
      guests.push_back({.name = name, .tap = *tap, .macs = {mac}, .vlans = {*vlan}});
      if (i < kSendingMacs) senders.push_back({.name = name, .tap = kTap, .mac = mac, .vlan = *vlan});
    }
    auto streams = pktgen::StreamSet::of_guests(senders, {});
    if (!streams) return std::unexpected(streams.error());
    streams_ = std::make_unique<pktgen::StreamSet>(std::move(*streams));
    receiver_->expect(*streams_);

    const auto intent = make_intent({.devices = {*device},
                                     .vlan_tag = VlanTagSource::kFrame,
                                     .max_entries = std::max(65'536U, options.fdb_entries)},
                                    guests);
    if (!intent) return std::unexpected(intent.error());
    intent_ = *intent;
    auto kernel = LinuxKernel::open(fmt::format("{}/floor{}", *folder, options.fdb_entries));
    if (!kernel) return std::unexpected(kernel.error());
    kernel_ = std::move(*kernel);

    floor_.reset(floor_bpf__open_and_load());
    if (!floor_) return fail_errno("the kernel does not load the bare programs", errno);
    const uint32_t slot = 0;
    const uint32_t ifindex = if_nametoindex(kTap);
    if (bpf_map_update_elem(bpf_map__fd(floor_->maps.target), &slot, &ifindex, BPF_ANY) < 0)
      return fail_errno("cannot set the bare redirect's target", errno);
    return {};
  }

  Result<void> make_it_so(const Hold& hold) {
    const auto observed = kernel_->observe(Scope::kWithRows);
    if (!observed) return std::unexpected(observed.error());
    for (const Action& action : plan(compile(intent_, *observed, {}, hold).state, *observed))
      if (const Outcome outcome = kernel_->apply(action); !outcome.status) return outcome.status;
    return {};
  }

  Result<void> attach(Contender contender) {
    if (contender == Contender::kFullFrame || contender == Contender::kFullHint) {
      intent_.settings.vlan_tag =
          contender == Contender::kFullHint ? VlanTagSource::kHint : VlanTagSource::kFrame;
      return make_it_so({});
    }
    DECLARE_LIBBPF_OPTS(bpf_link_create_opts, options);
    options.flags = XDP_FLAGS_DRV_MODE;
    const bpf_program* program =
        contender == Contender::kDrop ? floor_->progs.floor_drop : floor_->progs.floor_redirect;
    link_.reset(bpf_link_create(bpf_program__fd(program), static_cast<int>(if_nametoindex("up0")), BPF_XDP,
                                &options));
    if (!link_) return fail_errno("up0 does not take the bare program", errno);
    return {};
  }

  Result<void> detach(Contender contender) {
    link_.reset();
    if (contender == Contender::kFullFrame || contender == Contender::kFullHint) {
      Hold hold;
      hold.members = intent_.settings.devices;
      return make_it_so(hold);
    }
    return {};
  }

  std::unique_ptr<pktgen::TapReceiver> receiver_;
  std::unique_ptr<pktgen::StreamSet> streams_;
  Intent intent_;
  std::unique_ptr<LinuxKernel> kernel_;
  std::unique_ptr<floor_bpf, DestroyFloor> floor_;
  UniqueFd link_;
};

nlohmann::json json_of(const Spread& spread) {
  return {{"median", spread.median}, {"low", spread.low}, {"high", spread.high}};
}

}  // namespace

Result<FloorReport> run_floor(const FloorOptions& options) {
  const auto arena = Arena::make(options);
  if (!arena) return std::unexpected(arena.error());
  std::vector<double> ns[std::size(kContenders)];
  // The first round warms up and is not counted.
  for (unsigned repetition = 0; repetition <= options.repetitions && !options.interrupted(); ++repetition) {
    for (const Contender contender : kContenders) {
      const auto one = (*arena)->measure(contender, options);
      if (!one) return std::unexpected(one.error());
      if (repetition == 0) continue;
      ns[static_cast<size_t>(contender)].push_back(*one);
      if (auto kept = options.keep(kNames[static_cast<size_t>(contender)], repetition, *one); !kept)
        return std::unexpected(kept.error());
    }
    options.progress(fmt::format("{} of {} rounds", repetition, options.repetitions));
  }
  const auto& [full, hint, floor, drop] = ns;
  std::vector<double> full_ratio;
  std::vector<double> hint_ratio;
  std::vector<double> net_ratio;
  for (size_t i = 0; i < floor.size(); ++i) {
    full_ratio.push_back(full[i] / floor[i]);
    hint_ratio.push_back(hint[i] / floor[i]);
    net_ratio.push_back((full[i] - drop[i]) / (floor[i] - drop[i]));
  }
  return FloorReport{.full_frame = spread_of(full),
                     .full_hint = spread_of(hint),
                     .floor = spread_of(floor),
                     .drop = spread_of(drop),
                     .full_over_floor = spread_of(full_ratio),
                     .full_hint_over_floor = spread_of(hint_ratio),
                     .net_full_over_floor = spread_of(net_ratio),
                     .ring_full = (*arena)->ring_full,
                     .frames = (*arena)->frames};
}

std::string floor_text(const FloorReport& report) {
  std::string text = fmt::format("{:<34} {:>10} {:>10} {:>10}\n", "", "median", "lower q.", "upper q.");
  const auto line = [&](const char* what, const Spread& spread, const char* unit) {
    text += fmt::format("{:<34} {:>10.3f} {:>10.3f} {:>10.3f} {}\n", what, spread.median, spread.low,
                        spread.high, unit);
  };
  line("XDP_DROP", report.drop, "ns a frame");
  line("bare redirect", report.floor, "ns a frame");
  line("xdpfwd, tag in the frame", report.full_frame, "ns a frame");
  line("xdpfwd, tag hint flavour", report.full_hint, "ns a frame");
  line("full over floor", report.full_over_floor, "");
  line("full (hint) over floor", report.full_hint_over_floor, "");
  line("the same less generator and cable", report.net_full_over_floor, "");
  text += fmt::format("{} of {} frames met a full ring\n", report.ring_full, report.frames);
  return text;
}

std::string floor_json(const FloorReport& report) {
  return nlohmann::json{{"full_over_floor", report.full_over_floor.median},
                        {"full_hint_over_floor", report.full_hint_over_floor.median},
                        {"net_full_over_floor", report.net_full_over_floor.median},
                        {"spread_percent", report.full_over_floor.percent()},
                        {"ns_per_frame",
                         {{"full_frame", json_of(report.full_frame)},
                          {"full_hint", json_of(report.full_hint)},
                          {"floor", json_of(report.floor)},
                          {"drop", json_of(report.drop)}}},
                        {"frames", report.frames},
                        {"ring_full", report.ring_full}}
      .dump();
}

}  // namespace xdpfwd::bench
