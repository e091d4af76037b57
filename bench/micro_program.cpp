// SPDX-License-Identifier: BSD-2-Clause
// Google Benchmark of the uplink program, case by case: nanoseconds per frame by BPF_PROG_TEST_RUN, at
// several table sizes, with the bare redirect and the bare drop beside it. Every case's answer is checked
// before it is timed, and the counters must account for every timed frame. The test run executes the program
// only: what the redirect costs behind the verdict is in `xdpfwd-bench floor`.
#include <benchmark/benchmark.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <numeric>
#include <optional>
#include <random>

#include "bench/stage.h"
#include "floor.skel.h"
#include "kernel/fdb_mapping.h"
#include "pktgen/packet.h"
#include "uplink_stub.skel.h"

namespace xdpfwd::bench {
namespace {

constexpr uint32_t kMemberSlot = 1;
constexpr uint32_t kOpenSlot = 5, kClosedSlot = 6, kTinySlot = 7;
constexpr uint32_t kMaxLen = 4096;
constexpr uint16_t kSpreadVlans = 800;  // VLANs 1..800 of one MAC: as many tags as fit a frame

// A test run pops a tag each time it is repeated, so a frame that is to be popped carries as many tags as
// there are repeats; and it can grow only into the room before it. A call with repeats costs the kernel some
// 20 ms beside them (it patches its dispatcher), so the number of calls is set, not the time.
constexpr uint32_t kCalls = 20;
constexpr uint32_t kRepeats = 100'000;
constexpr uint32_t kRepeatsPop = kSpreadVlans;
constexpr uint32_t kRepeatsPush = (256 - 40) / 4;

using Bytes = std::vector<uint8_t>;

constexpr MacAddress kKnown = "52:54:00:00:00:01"_mac;  // on VLAN 1 and untagged
constexpr MacAddress kKept = "52:54:00:00:00:02"_mac;   // the same, trunk
constexpr MacAddress kShut = "52:54:00:00:00:03"_mac;   // on VLAN 1, its port closed
constexpr MacAddress kTiny = "52:54:00:00:00:04"_mac;   // untagged, its tap too small
constexpr uint64_t kSeed = 0x2545f4914f6cdd1d;          // of the table
constexpr uint64_t kFillerMacs = 0x0a0000000000;        // of the table's other rows, each on VLANs 1..800

struct Row {
  FdbKey key;
  xdpfwd_fdb_value value;
};

// The rows that the cases look for; the table is filled up around them.
constexpr uint32_t kCaseRows = 5;

std::array<Row, kCaseRows> case_rows() {
  const VlanTag vlan1 = VlanTag::from_abi(1);
  return {{{FdbKey::make(kKnown, vlan1), {kOpenSlot, 0}},
           {FdbKey::make(kKnown, VlanTag()), {kOpenSlot, 0}},
           {FdbKey::make(kKept, vlan1), {kOpenSlot, XDPFWD_FDB_KEEP_TAG}},
           {FdbKey::make(kShut, vlan1), {kClosedSlot, 0}},
           {FdbKey::make(kTiny, VlanTag()), {kTinySlot, 0}}}};
}

// The program on a table of one size.
class Fixture {
 public:
  static Result<std::unique_ptr<Fixture>> make(uint32_t rows);
  ~Fixture() { uplink_stub_bpf::destroy(object_); }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;

  [[nodiscard]] uplink_stub_bpf& object() { return *object_; }
  [[nodiscard]] uint32_t rows() const { return rows_; }
  // MACs that have all of VLANs 1..800.
  [[nodiscard]] uint32_t spread_macs() const { return filler_rows() / kSpreadVlans; }
  [[nodiscard]] uint32_t filler_rows() const { return rows_ - std::min(rows_, kCaseRows); }

  Result<void> set_member(uint32_t flags);
  // Frames counted by our member, by reason.
  Result<xdpfwd_member_stats> counters();

 private:
  Fixture(uplink_stub_bpf* object, uint32_t rows) : object_(object), rows_(rows) {}
  Result<void> set_port(uint32_t slot, uint32_t ifindex, uint32_t max_len);
  Result<void> fill();

  uplink_stub_bpf* object_;
  uint32_t rows_;
};

Result<void> checked(const char* what, int code) {
  if (code < 0) return fail_errno(what, -code);
  return {};
}

Result<void> Fixture::set_port(uint32_t slot, uint32_t ifindex, uint32_t max_len) {
  xdpfwd_port port{};
  port.ifindex = ifindex;
  port.max_len = max_len;
  return checked("ports", bpf_map_update_elem(bpf_map__fd(object_->maps.ports), &slot, &port, BPF_ANY));
}

Result<void> Fixture::set_member(uint32_t flags) {
  xdpfwd_member member{};
  member.ifindex = 1;
  member.flags = flags;
  return checked("members",
                 bpf_map_update_elem(bpf_map__fd(object_->maps.members), &kMemberSlot, &member, BPF_ANY));
}

Result<xdpfwd_member_stats> Fixture::counters() {
  std::vector<xdpfwd_member_stats> per_cpu(static_cast<size_t>(libbpf_num_possible_cpus()));
  if (auto done = checked("member_stats", bpf_map_lookup_elem(bpf_map__fd(object_->maps.member_stats),
                                                              &kMemberSlot, per_cpu.data()));
      !done) {
    return std::unexpected(done.error());
  }
  xdpfwd_member_stats sum{};
  for (const xdpfwd_member_stats& cpu : per_cpu) {
    for (size_t reason = 0; reason < XDPFWD_REASON_COUNT; ++reason)
      sum.packets[reason] += cpu.packets[reason];
  }
  return sum;
}

// In random order, so that rows that are looked up one after the other lie apart, as they do on a host.
Result<void> Fixture::fill() {
  std::vector<uint32_t> order(filler_rows());
  std::iota(order.begin(), order.end(), 0U);
  std::shuffle(order.begin(), order.end(), std::mt19937(1));
  auto table = FdbMapping::format(bpf_map__fd(object_->maps.fdb), rows_ + kCaseRows, kSeed);
  if (!table) return std::unexpected(table.error());
  const auto add = [&](FdbKey key, xdpfwd_fdb_value value) {
    return (*table)->set({.key = key, .slot = value.slot, .flags = value.flags});
  };
  for (const Row& row : case_rows())
    if (!add(row.key, row.value)) return fail("the table is full");
  for (const uint32_t i : order) {
    const auto vlan = static_cast<uint16_t>(1 + i % kSpreadVlans);
    if (!add(FdbKey::make(MacAddress::from_bits(kFillerMacs + i / kSpreadVlans), VlanTag::from_abi(vlan)),
             {kOpenSlot, 0}))
      return fail("the table is full");
  }
  return {};
}

Result<std::unique_ptr<Fixture>> Fixture::make(uint32_t rows) {
  if (auto stage = enter_stage(); !stage) return std::unexpected(stage.error());
  uplink_stub_bpf* object = uplink_stub_bpf::open(nullptr);
  if (!object) return fail_errno("uplink_stub: open", errno);
  std::unique_ptr<Fixture> fixture(new Fixture(object, rows));
  object->rodata->member_slot = kMemberSlot;
  const uint32_t elements = FdbBuckets::elements(rows + kCaseRows);
  bpf_map__set_max_entries(object->maps.fdb, elements);
  object->rodata->fdb_seed = kSeed;
  object->rodata->fdb_buckets = elements - 1;
  if (auto done = checked("uplink_stub: load", uplink_stub_bpf::load(object)); !done)
    return std::unexpected(done.error());
  const uint32_t lo = 1;
  for (const auto& step :
       {checked("devmap", bpf_map_update_elem(bpf_map__fd(object->maps.devmap), &lo, &lo, BPF_ANY)),
        fixture->set_port(kOpenSlot, lo, kMaxLen), fixture->set_port(kClosedSlot, 0, kMaxLen),
        fixture->set_port(kTinySlot, lo, 59), fixture->set_member(XDPFWD_MEMBER_ACTIVE), fixture->fill()}) {
    if (!step) return std::unexpected(step.error());
  }
  return fixture;
}

// The largest takes a second to fill: kept until another size is asked for.
Result<Fixture*> fixture_of(uint32_t rows) {
  static std::unique_ptr<Fixture> last;
  if (!last || last->rows() != rows) {
    last.reset();
    auto made = Fixture::make(rows);
    if (!made) return std::unexpected(made.error());
    last = std::move(*made);
  }
  return last.get();
}

struct Case {
  const char* name;
  xdpfwd_reason reason;
  Packet frame;
  size_t size = 64;
  uint32_t repeats = kRepeats;
  bool hint = false;                 // the flavour for tags in the descriptor
  std::optional<uint16_t> tci = {};  // what the descriptor says
  uint32_t member_flags = XDPFWD_MEMBER_ACTIVE;
  bool spread = false;                   // each repeat, another row, not touched for long: all caches miss
  std::optional<Packet> delivered = {};  // what the first repeat delivers, if not the frame as it came
};

// As many tags as there will be repeats; `spread`: each of another VLAN.
Packet stack_of_tags(MacAddress dst, bool spread, uint32_t first = 0) {
  Packet packet(Ethernet{.dst = dst});
  for (uint16_t i = static_cast<uint16_t>(first); i < kSpreadVlans; ++i) {
    packet.append(Vlan{.vid = static_cast<uint16_t>(spread ? 1 + i : 1)});
  }
  packet.append(Payload::of_size(46));
  return packet;
}

constexpr auto kInactive = uint32_t{0};

std::vector<Case> all_cases() {
  const Packet body = Packet(Ipv4{}) / Udp{};
  const Packet tagged = Ethernet{.dst = kKnown} / Vlan{.vid = 1} / body;
  return {
      {.name = "access",
       .reason = XDPFWD_REASON_FORWARDED,
       .frame = stack_of_tags(kKnown, false),
       .repeats = kRepeatsPop,
       .delivered = stack_of_tags(kKnown, false, 1)},
      {.name = "access_spread",
       .reason = XDPFWD_REASON_FORWARDED,
       .frame = stack_of_tags(MacAddress(), true),
       .repeats = kRepeatsPop,
       .spread = true},
      {.name = "untagged", .reason = XDPFWD_REASON_FORWARDED, .frame = Ethernet{.dst = kKnown} / body},
      {.name = "trunk",
       .reason = XDPFWD_REASON_FORWARDED,
       .frame = Ethernet{.dst = kKept} / Vlan{.vid = 1} / body},
      {.name = "trunk_qinq",
       .reason = XDPFWD_REASON_FORWARDED,
       .frame = Ethernet{.dst = kKept} / Vlan{.vid = 1} / Vlan{.vid = 2} / body},
      {.name = "miss",
       .reason = XDPFWD_REASON_MISS,
       .frame = Ethernet{.dst = kUnknownMac} / Vlan{.vid = 1} / body},
      {.name = "group",
       .reason = XDPFWD_REASON_GROUP,
       .frame = Ethernet{.dst = kBroadcastMac} / Vlan{.vid = 1} / body},
      {.name = "reserved",
       .reason = XDPFWD_REASON_RESERVED,
       .frame = Ethernet{.dst = kLacpMac} / Payload::of_size(46)},
      {.name = "reflected",
       .reason = XDPFWD_REASON_REFLECTED,
       .frame = Ethernet{.dst = kBroadcastMac, .src = kKnown} / Vlan{.vid = 1} / body},
      {.name = "reflected_drop",
       .reason = XDPFWD_REASON_REFLECTED_DROP,
       .frame = Ethernet{.dst = kBroadcastMac, .src = kKnown} / Vlan{.vid = 1} / body,
       .member_flags = XDPFWD_MEMBER_ACTIVE | XDPFWD_MEMBER_DROP_REFLECTED},
      {.name = "inactive", .reason = XDPFWD_REASON_INACTIVE, .frame = tagged, .member_flags = kInactive},
      {.name = "frags", .reason = XDPFWD_REASON_FRAGS, .frame = tagged, .size = 9000},
      {.name = "port_closed",
       .reason = XDPFWD_REASON_PORT_CLOSED,
       .frame = Ethernet{.dst = kShut} / Vlan{.vid = 1} / body},
      {.name = "too_long", .reason = XDPFWD_REASON_TOO_LONG, .frame = Ethernet{.dst = kTiny} / body},
      {.name = "truncated_tag",
       .reason = XDPFWD_REASON_TRUNCATED_TAG,
       .frame = Ethernet{.dst = kKnown, .ethertype = kEtherTypeVlan},
       .size = 14},
      {.name = "hint_access",
       .reason = XDPFWD_REASON_FORWARDED,
       .frame = Ethernet{.dst = kKnown} / body,
       .hint = true,
       .tci = 1},
      {.name = "hint_trunk",
       .reason = XDPFWD_REASON_FORWARDED,
       .frame = Ethernet{.dst = kKept} / body,
       .repeats = kRepeatsPush,
       .hint = true,
       .tci = 1,
       .delivered = Ethernet{.dst = kKept} / Vlan{.vid = 1} / body},
      {.name = "hint_untagged",
       .reason = XDPFWD_REASON_FORWARDED,
       .frame = Ethernet{.dst = kKnown} / body,
       .hint = true},
      {.name = "hint_miss",
       .reason = XDPFWD_REASON_MISS,
       .frame = Ethernet{.dst = kUnknownMac} / body,
       .hint = true,
       .tci = 1},
  };
}

uint32_t verdict_of(xdpfwd_reason reason) {
  static constexpr std::array<uint32_t, XDPFWD_REASON_COUNT> kVerdicts = {
#define X(name, text, verdict, help) verdict,
      XDPFWD_REASONS(X)
#undef X
  };
  return kVerdicts[reason];
}

struct Ran {
  uint32_t verdict = 0;
  double seconds = 0;  // of one repeat
  Bytes frame;         // only of a call that asked for it
};

Result<Ran> test_run(int program, const Bytes& frame, uint32_t repeats, bool want_frame = false) {
  Ran ran;
  if (want_frame) ran.frame.resize(frame.size() + 64);
  LIBBPF_OPTS(bpf_test_run_opts, options);
  options.data_in = frame.data();
  options.data_size_in = static_cast<uint32_t>(frame.size());
  options.data_out = want_frame ? ran.frame.data() : nullptr;
  options.data_size_out = static_cast<uint32_t>(ran.frame.size());
  options.repeat = static_cast<int>(repeats);
  const int code = bpf_prog_test_run_opts(program, &options);
  // The kernel's own clock around the repeats, divided and cut to whole nanoseconds.
  ran.seconds = (options.duration + 0.5) * 1e-9;
  if (code < 0) return fail_errno("test run", -code);
  ran.verdict = options.retval;
  ran.frame.resize(options.data_size_out);
  if (!want_frame) ran.frame.clear();
  return ran;
}

// Times `frames` in turn, `repeats` to a call. Returns how many repeats that were; 0: failed, and said so.
uint64_t time_calls(benchmark::State& state, int program, const std::vector<Bytes>& frames, uint32_t repeats,
                    uint32_t verdict) {
  uint64_t calls = 0;
  while (state.KeepRunningBatch(repeats)) {
    const auto ran = test_run(program, frames[calls % frames.size()], repeats);
    if (!ran || ran->verdict != verdict) {
      state.SkipWithError(ran ? "another verdict than before" : ran.error().text().c_str());
      return 0;
    }
    state.SetIterationTime(ran->seconds * repeats);
    ++calls;
  }
  return calls * repeats;
}

// The same for frames that can be repeated a few times only. The first repeats of a call find everything
// cold: 4 us in all, which weigh on few repeats. What half of the repeats take is taken off what all take,
// each the best of many calls.
uint64_t time_short_calls(benchmark::State& state, int program, const Bytes& frame, uint32_t repeats,
                          uint32_t verdict) {
  const uint32_t half = repeats / 2;
  uint64_t timed = 0;
  while (state.KeepRunningBatch(kCalls * repeats)) {
    double all_s = 1, half_s = 1;
    for (uint32_t call = 0; call < 2 * kCalls; ++call) {
      const uint32_t now = call % 2 == 0 ? half : repeats;
      const auto ran = test_run(program, frame, now);
      if (!ran || ran->verdict != verdict) {
        state.SkipWithError(ran ? "another verdict than before" : ran.error().text().c_str());
        return 0;
      }
      double& best_s = now == half ? half_s : all_s;
      best_s = std::min(best_s, ran->seconds * now);
      timed += now;
    }
    state.SetIterationTime(std::max(all_s - half_s, 0.0) / (repeats - half) * kCalls * repeats);
  }
  return timed;
}

Bytes bytes_of(const Case& c) {
  Bytes bytes = c.frame.bytes(c.size);
  if (c.size < kMinimumFrame) bytes.resize(c.size);
  return bytes;
}

Result<void> check_answer(Fixture& fixture, const Case& c, int program, const Bytes& frame) {
  const auto before = fixture.counters();
  const auto ran = test_run(program, frame, 1, true);
  const auto after = fixture.counters();
  if (!before) return std::unexpected(before.error());
  if (!ran) return std::unexpected(ran.error());
  if (!after) return std::unexpected(after.error());
  if (ran->verdict != verdict_of(c.reason))
    return fail(fmt::format("verdict {} instead of {}", ran->verdict, verdict_of(c.reason)));
  if (after->packets[c.reason] != before->packets[c.reason] + 1)
    return fail("another reason than the case is for");
  // A tag that is put back goes before the padding.
  const size_t least = c.hint ? frame.size() + kVlanSize : 0;
  const Bytes expected = c.delivered ? c.delivered->bytes(least) : frame;
  if (!c.spread && ran->frame != expected) return fail("wrong bytes");
  return {};
}

void uplink(benchmark::State& state, const Case& c) {
  auto found = fixture_of(static_cast<uint32_t>(state.range(0)));
  if (!found) {
    state.SkipWithError(found.error().text().c_str());
    return;
  }
  Fixture& fixture = **found;
  uplink_stub_bpf& object = fixture.object();
  object.bss->stub_tag.error = c.tci ? 0 : -ENODATA;
  object.bss->stub_tag.proto = 0x0081;  // 802.1Q in network byte order
  object.bss->stub_tag.tci = c.tci.value_or(0);
  if (auto done = fixture.set_member(c.member_flags); !done) {
    state.SkipWithError(done.error().text().c_str());
    return;
  }
  std::vector<Bytes> frames{bytes_of(c)};
  if (c.spread) {
    frames.resize(std::min<size_t>(fixture.spread_macs(), 1250), frames.front());
    for (size_t i = 0; i < frames.size(); ++i) {
      const auto mac = MacAddress::from_bits(kFillerMacs + i).bytes();
      std::copy(mac.begin(), mac.end(), frames[i].begin());
    }
    std::shuffle(frames.begin(), frames.end(), std::mt19937(2));
  }
  const int program = bpf_program__fd(c.hint ? object.progs.xdpfwd_uplink_hint : object.progs.xdpfwd_uplink);
  if (auto right = check_answer(fixture, c, program, frames.front()); !right) {
    state.SkipWithError(right.error().text().c_str());
    return;
  }
  const auto before = fixture.counters();
  const uint64_t timed =
      c.repeats < kRepeats && !c.spread
          ? time_short_calls(state, program, frames.front(), c.repeats, verdict_of(c.reason))
          : time_calls(state, program, frames, c.repeats, verdict_of(c.reason));
  const auto after = fixture.counters();
  if (timed != 0 && (!before || !after || after->packets[c.reason] - before->packets[c.reason] != timed)) {
    state.SkipWithError("some of the timed frames left by another reason");
  }
}

void bare(benchmark::State& state, bool redirect) {
  const auto stage = enter_stage();
  floor_bpf* object = floor_bpf__open_and_load();
  if (!stage || !object) {
    state.SkipWithError("cannot load the bare programs; run as root");
    return;
  }
  const uint32_t slot = 0, lo = 1;
  bpf_map_update_elem(bpf_map__fd(object->maps.target), &slot, &lo, BPF_ANY);
  const int program = bpf_program__fd(redirect ? object->progs.floor_redirect : object->progs.floor_drop);
  time_calls(state, program, {(Ethernet{} / Ipv4{} / Udp{}).bytes(64)}, kRepeats,
             redirect ? XDP_REDIRECT : XDP_DROP);
  floor_bpf__destroy(object);
}

// By size first: filling the largest table takes a second.
const bool kRegistered = [] {
  benchmark::RegisterBenchmark("program/bare_drop", bare, false)
      ->Iterations(kCalls * kRepeats)
      ->UseManualTime();
  benchmark::RegisterBenchmark("program/bare_redirect", bare, true)
      ->Iterations(kCalls * kRepeats)
      ->UseManualTime();
  for (const int64_t rows : {1, 1'000, 65'536, 1'000'000}) {
    for (const Case& c : all_cases()) {
      if (c.spread && rows < kSpreadVlans) continue;
      benchmark::RegisterBenchmark((std::string("program/") + c.name).c_str(), uplink, c)
          ->Arg(rows)
          ->Iterations(kCalls * c.repeats)
          ->UseManualTime();
    }
  }
  return true;
}();

}  // namespace
}  // namespace xdpfwd::bench
