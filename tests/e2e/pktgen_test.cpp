// SPDX-License-Identifier: BSD-2-Clause
// The generator against a forwarder of three lines: both senders over a veth pair into taps lose, double and
// spoil nothing, keep their pace, and what the forwarder breaks on purpose is found.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <net/if.h>

#include <memory>

#include "pktgen/sender.h"
#include "pktgen/stack_sink.h"
#include "pktgen/tap_receiver.h"
#include "pktgen/tc_drop.h"
#include "pktgen/verdict.h"
#include "pktgen_redirect.skel.h"
#include "support/sandbox.h"

namespace xdpfwd::test {
namespace {

using namespace pktgen;

using namespace std::chrono_literals;

template <typename T>
T take(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  return std::move(*result);
}
void take(Result<void> result) {
  if (!result) throw std::runtime_error(result.error().text());
}

// sw0 == up0 (forwarder) -> tap0..tap3; sw1 == up1 (forwarder) -> the same.
class PktgenTest : public testing::Test {
 protected:
  void SetUp() override {
    XDPFWD_NEEDS_ROOT();
    skeleton_.reset(pktgen_redirect_bpf__open_and_load());
    ASSERT_TRUE(skeleton_);
    receiver_ = take(TapReceiver::start());
    for (uint32_t i = 0; i < 4; ++i) {
      Guest guest{.name = fmt::format("vm{}", i),
                  .tap = fmt::format("tap{}", i),
                  .mac = MacAddress::from_bits(0x525400000010 + i)};
      if (i == 1) guest.vlan = take(VlanTag::make(100));
      if (i == 2) guest.vlan = take(VlanTag::make(200, VlanTag::Tpid::k8021ad));
      if (i == 3) {
        guest.vlan = take(VlanTag::make(300));
        guest.inner_vid = 7;
      }
      take(receiver_->add_tap({.name = guest.tap, .queue_length = 16384}));
      const uint64_t key = guest.mac.bits();
      const uint32_t ifindex = ifindex_of(guest.tap);
      ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(skeleton_->maps.taps), &key, &ifindex, BPF_ANY), 0);
      guests_.push_back(guest);
    }
    for (const std::string side : {"0", "1"}) {
      add_veth("sw" + side, "up" + side);
      bpf_link* link =
          bpf_program__attach_xdp(skeleton_->progs.redirect, static_cast<int>(ifindex_of("up" + side)));
      ASSERT_NE(link, nullptr);
      links_.push_back(link);
    }
    sink_ = take(StackSink::start({"up0", "up1"}, ""));
  }

  void TearDown() override {
    for (bpf_link* link : links_) bpf_link__destroy(link);
    if (skeleton_) {
      run("ip link del sw0");
      run("ip link del sw1");
    }
  }

  struct Outcome {
    SendReport sent;
    ReceiveReport received;
    Verdict verdict;
  };

  StreamSet streams(std::vector<size_t> sizes) {
    StreamSet set = take(StreamSet::of_guests(guests_, {.sizes = std::move(sizes), .members = 2}));
    receiver_->expect(set);
    sink_->expect(set);
    return set;
  }

  Outcome send(Backend backend, const StreamSet& set, SendOptions options) {
    options.devices = {"sw0", "sw1"};
    auto sender = take(make_sender(backend, set, options));
    take(sender->start());
    Outcome outcome;
    outcome.sent = take(sender->wait());
    receiver_->wait_quiet(200ms, 5s);
    outcome.received = receiver_->report();
    outcome.verdict = judge_run(set, outcome.sent, outcome.received);
    fmt::print("{} asked {:.0f} pps: {:.0f} pps sent ({:+.2f} %), {}\n", backend_name(backend), options.pps,
               outcome.sent.pps(), options.pps > 0 ? (outcome.sent.pps() / options.pps - 1) * 100 : 0.0,
               outcome.verdict.text());
    return outcome;
  }

  struct Destroy {
    void operator()(pktgen_redirect_bpf* skeleton) const { pktgen_redirect_bpf__destroy(skeleton); }
  };
  std::unique_ptr<pktgen_redirect_bpf, Destroy> skeleton_;
  std::vector<bpf_link*> links_;
  std::vector<Guest> guests_;
  std::unique_ptr<TapReceiver> receiver_;
  std::unique_ptr<StackSink> sink_;
};

TEST_F(PktgenTest, AnAfXdpStreamKeepsToItsQueue) {
  const std::string queues = "numtxqueues 4 numrxqueues 4";
  run(fmt::format(
      "ip link add sw2 {0} type veth peer name up2 {0} && ip link set sw2 up && ip link set up2 up", queues));
  links_.push_back(bpf_program__attach_xdp(skeleton_->progs.redirect, static_cast<int>(ifindex_of("up2"))));
  const StreamSet set = take(StreamSet::of_guests(guests_, {}));
  receiver_->expect(set);
  const auto ways = [&](uint32_t queues_used) {
    return make_sender(Backend::kXsk, set, {.devices = {"sw2"}, .count = 400, .queues = queues_used});
  };
  {
    auto sender = take(ways(4));
    take(sender->start());
    EXPECT_EQ(take(sender->wait()).handed_over, 400U);
  }
  std::string counters;
  run_status("ethtool -S up2", &counters);
  for (unsigned queue = 0; queue < 4; ++queue)
    EXPECT_NE(counters.find(fmt::format("rx_queue_{}_xdp_redirect: 100\n", queue)), std::string::npos)
        << counters;
  const auto beyond = ways(5);
  ASSERT_FALSE(beyond);
  EXPECT_NE(beyond.error().text().find("queue 4"), std::string::npos) << beyond.error().text();
  run("ip link del sw2");
}

class PktgenBackendTest : public PktgenTest, public testing::WithParamInterface<Backend> {};
INSTANTIATE_TEST_SUITE_P(Backends, PktgenBackendTest,
                         testing::Values(Backend::kLive, Backend::kPacket, Backend::kXsk),
                         [](const auto& backend) { return std::string(backend_name(backend.param)); });

TEST_P(PktgenBackendTest, DeliversEveryFrameAtAHundredThousandASecond) {
  const StreamSet set = streams({64, 512, 1514});
  const Outcome outcome = send(GetParam(), set, {.pps = 100'000, .count = 100'000});
  EXPECT_EQ(outcome.sent.handed_over, 100'000U);
  EXPECT_TRUE(outcome.verdict.clean()) << outcome.verdict.text();
  EXPECT_EQ(outcome.verdict.delivered, outcome.sent.sent());
  EXPECT_EQ(outcome.received.latency_ns.count(), outcome.verdict.delivered);
}

// Printed to the last digit; asserted loosely, because the machine may be busy. Never faster, in any case.
TEST_P(PktgenBackendTest, KeepsItsPace) {
  const StreamSet set = streams({64});
  uint32_t first_id = set.end_id();
  for (const double pps : {1'000.0, 10'000.0, 50'000.0, 200'000.0}) {
    const StreamSet fresh = take(StreamSet::of_guests(guests_, {.members = 2, .first_id = first_id}));
    first_id = fresh.end_id();
    receiver_->expect(fresh);
    const Outcome outcome = send(GetParam(), fresh, {.pps = pps, .duration = 1s});
    EXPECT_LT(outcome.sent.pps() / pps, 1.02);
    if (pps <= 10'000) {
      EXPECT_GT(outcome.sent.pps() / pps, 0.75);
    }
  }
}

TEST_P(PktgenBackendTest, SendsAsFastAsItCan) {
  const Outcome outcome = send(GetParam(), streams({64}), {.duration = 1s});
  EXPECT_GT(outcome.sent.pps(), 10'000);
  EXPECT_EQ(outcome.verdict.corrupted + outcome.verdict.duplicated + outcome.verdict.misdelivered, 0U);
}

TEST_P(PktgenBackendTest, FindsWhatTheForwarderBreaks) {
  skeleton_->bss->drop_every = 1000;
  skeleton_->bss->flip_every = 999;
  const Outcome outcome = send(GetParam(), streams({128}), {.pps = 50'000, .count = 50'000});
  EXPECT_EQ(outcome.verdict.corrupted, 50U);
  EXPECT_EQ(outcome.verdict.lost, 100U);  // dropped, or spoilt: neither was delivered
  EXPECT_FALSE(outcome.verdict.clean());
}

TEST_P(PktgenBackendTest, FindsMisdeliveredFrames) {
  const uint64_t key = guests_[0].mac.bits();
  const uint32_t wrong = ifindex_of("tap1");
  ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(skeleton_->maps.taps), &key, &wrong, BPF_ANY), 0);
  const Outcome outcome = send(GetParam(), streams({64}), {.pps = 50'000, .count = 8'000});
  EXPECT_EQ(outcome.verdict.misdelivered, 2'000U);
  EXPECT_EQ(outcome.verdict.lost, 2'000U);
}

TEST_P(PktgenBackendTest, StopsWhenAskedAndMovesToAnotherDevice) {
  const StreamSet set = streams({64});
  auto sender = take(make_sender(GetParam(), set, {.devices = {"sw0", "sw1"}, .pps = 20'000}));
  take(sender->start());
  std::this_thread::sleep_for(200ms);
  take(sender->set_device(1, "sw0"));
  std::this_thread::sleep_for(200ms);
  take(sender->set_device(1, ""));
  std::this_thread::sleep_for(200ms);
  const auto before = std::chrono::steady_clock::now();
  sender->stop();
  const SendReport sent = take(sender->wait());
  EXPECT_LT(std::chrono::steady_clock::now() - before, 2s);
  EXPECT_GT(sent.left_out, 100U);
  receiver_->wait_quiet(200ms, 5s);
  const Verdict verdict = judge_run(set, sent, receiver_->report());
  EXPECT_TRUE(verdict.clean()) << verdict.text();
}

// Held up before its time was up, here by the lack of a device, a sender does not say that it has kept its
// pace.
TEST_P(PktgenBackendTest, ARunLastsUntilItsTimeIsUp) {
  auto sender = take(
      make_sender(GetParam(), streams({64}), {.devices = {"sw0", "sw1"}, .pps = 20'000, .duration = 300ms}));
  take(sender->set_device(0, ""));
  take(sender->set_device(1, ""));
  take(sender->start());
  const SendReport sent = take(sender->wait());
  EXPECT_EQ(sent.sent(), 0U);
  EXPECT_GE(sent.seconds, 0.3);
}

// Bursts, random gaps and the article's frames: as many as asked for, none wrong, at the rate asked for or
// below.
TEST_P(PktgenBackendTest, SendsBurstsAndRandomGapsAtTheRateAskedFor) {
  uint32_t first_id = 1000;
  for (const auto& [burst, poisson] : {std::pair{32U, false}, std::pair{1U, true}, std::pair{16U, true}}) {
    const StreamSet set = take(StreamSet::of_guests(
        {guests_.data(), 2}, {.members = 2, .first_id = first_id, .one_byte_payload = true}));
    first_id = set.end_id();
    receiver_->expect(set);
    const Outcome outcome =
        send(GetParam(), set, {.pps = 20'000, .count = 10'000, .burst = burst, .poisson = poisson});
    EXPECT_EQ(outcome.sent.handed_over, 10'000U);
    EXPECT_TRUE(outcome.verdict.clean()) << outcome.verdict.text();
    EXPECT_LT(outcome.sent.pps() / 20'000, poisson ? 1.2 : 1.02);
  }
}

// A rate that no machine meets: what was not sent is told, and the sum is what was asked for.
TEST_P(PktgenBackendTest, SaysWhatItWasTooLateToSend) {
  const StreamSet set = streams({64});
  const Outcome outcome = send(GetParam(), set, {.pps = 50'000'000, .count = 2'000'000, .max_late = 64});
  EXPECT_GT(outcome.sent.unsent, 0U);
  EXPECT_EQ(outcome.sent.handed_over + outcome.sent.unsent, 2'000'000U);
}

TEST_F(PktgenTest, TheDroppingSinkCountsWhatComesAndLetsOthersPass) {
  // Nobody's program is on this cable: frames come to the stack, where tc is first.
  run("ip link add gen0 type veth peer name guest0 && ip link set gen0 up && ip link set guest0 up");
  {
    auto sink = take(TcDrop::start({"guest0"}, ""));
    auto stack = take(StackSink::start({"guest0"}, ""));
    const StreamSet set = take(StreamSet::of_guests(guests_, {.first_id = 7000}));
    const StreamSet others = take(StreamSet::of_control(std::vector{Control::kLacp}, {.first_id = 8000}));
    stack->expect(others);
    for (const auto& [one, count] : {std::pair{&set, 4'000U}, std::pair{&others, 50U}}) {
      auto sender =
          take(make_sender(Backend::kPacket, *one, {.devices = {"gen0"}, .pps = 20'000, .count = count}));
      take(sender->start());
      take(sender->wait());
    }
    for (int wait = 0; wait < 500 && stack->report().total().delivered() < 50; ++wait)
      std::this_thread::sleep_for(10ms);
    const drop_counts counts = take(sink->counts());
    // The fourth guest's frames have two tags: tc takes one off, and sees the other one.
    EXPECT_EQ(counts.frames, 4'000U);
    EXPECT_EQ(counts.bytes, 4'000U * 64 - 2'000U * 4 - 1'000U * 4);
    EXPECT_EQ(stack->report().total().delivered(), 50U);
  }
  run("ip link del gen0");
}

TEST_F(PktgenTest, TheKernelsGeneratorIsMissedByName) {
  if (run_status("test -e /proc/net/pktgen || modprobe -q pktgen") == 0) return;
  const std::vector<Guest> one = {guests_[0]};
  const auto sender =
      make_sender(Backend::kKernel, take(StreamSet::of_guests(one, {})), {.devices = {"sw0"}});
  ASSERT_FALSE(sender);
  EXPECT_NE(sender.error().text().find("modprobe pktgen"), std::string::npos) << sender.error().text();
}

TEST_F(PktgenTest, ControlFramesReachTheStack) {
  const std::vector<Control> kinds = {Control::kUnknownUnicast, Control::kBroadcast, Control::kMulticast,
                                      Control::kLacp};
  const StreamSet set =
      take(StreamSet::of_control(kinds, {.sizes = {64, 256}, .members = 2, .first_id = 5000}));
  receiver_->expect(set);
  sink_->expect(set);
  auto sender =
      take(make_sender(Backend::kPacket, set, {.devices = {"sw0", "sw1"}, .pps = 10'000, .count = 1'600}));
  take(sender->start());
  const SendReport sent = take(sender->wait());
  std::this_thread::sleep_for(100ms);
  const ReceiveReport received = sink_->report();
  for (const Stream& stream : set.streams())
    EXPECT_EQ(received.streams.at(stream.id).delivered(), 100U) << stream.label;
  const Verdict verdict = judge_run(set, sent, received);
  EXPECT_TRUE(verdict.clean()) << verdict.text();
}

TEST_F(PktgenTest, TaggedFramesThatPassAreSeenAtTheStackWithTheirTag) {
  const uint64_t key = guests_[2].mac.bits();
  ASSERT_EQ(bpf_map_delete_elem(bpf_map__fd(skeleton_->maps.taps), &key), 0);
  const StreamSet set = streams({64});
  auto sender =
      take(make_sender(Backend::kPacket, set, {.devices = {"sw0", "sw1"}, .pps = 10'000, .count = 800}));
  take(sender->start());
  take(sender->wait());
  receiver_->wait_quiet(200ms, 5s);
  const ReceiveReport passed = sink_->report();
  for (const Stream& stream : set.streams())
    EXPECT_EQ(passed.streams.at(stream.id).delivered(), stream.guest == 2 ? 100U : 0U) << stream.label;
}

TEST_F(PktgenTest, TapsComeAndGoWhileItReads) {
  const StreamSet set = streams({64});
  auto sender = take(make_sender(Backend::kPacket, set, {.devices = {"sw0", "sw1"}, .pps = 20'000}));
  take(sender->start());
  std::this_thread::sleep_for(100ms);
  receiver_->remove_tap("tap3");
  std::this_thread::sleep_for(100ms);
  take(receiver_->add_tap({.name = "tap4"}));
  sender->stop();
  const SendReport sent = take(sender->wait());
  receiver_->wait_quiet(200ms, 5s);
  const ReceiveReport received = receiver_->report();
  for (size_t i = 0; i < set.size(); ++i) {
    const StreamTally& tally = received.streams.at(set[i].id);
    if (set[i].tap == "tap3")
      EXPECT_LT(tally.delivered(), sent.per_stream[i]);
    else
      EXPECT_EQ(tally.delivered(), sent.per_stream[i]);
  }
}

TEST_F(PktgenTest, SaysWhyADeviceRefuses) {
  run("ip link add lone0 type veth peer name lone1 && ip link set lone0 up && ip link set lone1 up");
  const StreamSet set = take(StreamSet::of_guests(guests_, {}));
  auto sender = take(make_sender(Backend::kLive, set, {.devices = {"lone0"}, .pps = 10'000, .count = 100}));
  take(sender->start());
  const SendReport sent = take(sender->wait());
  EXPECT_EQ(sent.refused, 100U);
  EXPECT_EQ(sent.sent(), 0U);
  EXPECT_NE(explain_refusals(sent).find("lone0"), std::string::npos);
  EXPECT_NE(explain_refusals(sent).find("gro on"), std::string::npos) << explain_refusals(sent);
  run("ip link del lone0");
}

// More frames than AF_XDP has slots for: it must not wait for room for ever.
TEST_P(PktgenBackendTest, ADeviceThatIsDownTakesNothingAndTheRunEnds) {
  run("ip link add lone0 type veth peer name lone1");
  auto sender = take(make_sender(GetParam(), streams({64}), {.devices = {"lone0", "lone0"}, .count = 5000}));
  take(sender->start());
  const SendReport sent = take(sender->wait());
  EXPECT_EQ(sent.sent(), 0U);
  EXPECT_EQ(sent.devices[0].errors + sent.devices[1].errors, 5000U);
  EXPECT_NE(explain_refusals(sent).find("lone0"), std::string::npos) << explain_refusals(sent);
  run("ip link del lone0");
}

TEST_P(PktgenBackendTest, ADeviceWithoutCarrierTakesNothingAndTheRunEnds) {
  run("ip link add lone0 type veth peer name lone1 && ip link set lone0 up");
  const StreamSet set = take(StreamSet::of_guests(guests_, {}));
  auto sender = take(make_sender(GetParam(), set, {.devices = {"lone0"}, .count = 200}));
  const auto before = std::chrono::steady_clock::now();
  take(sender->start());
  const SendReport sent = take(sender->wait());
  EXPECT_LT(std::chrono::steady_clock::now() - before, 10s);
  EXPECT_EQ(sent.sent(), 0U);
  EXPECT_EQ(sent.devices[0].errors + sent.devices[0].ring_full, 200U);
  EXPECT_NE(explain_refusals(sent).find("lone0"), std::string::npos) << explain_refusals(sent);
  run("ip link del lone0");
}

// What it says it sent arrived, whatever became of the device meanwhile.
TEST_P(PktgenBackendTest, CountsRightlyAroundALinkThatGoesDownAndComesBack) {
  const StreamSet set = streams({64});
  auto sender = take(make_sender(GetParam(), set, {.devices = {"sw0", "sw1"}, .pps = 20'000}));
  take(sender->start());
  const auto until = [&](uint64_t frames) {
    while (sender->frames_done() < frames) std::this_thread::sleep_for(1ms);
  };
  until(2'000);
  run("ip link set sw1 down");
  until(sender->frames_done() + 2'000);
  run("ip link set sw1 up");
  until(sender->frames_done() + 2'000);
  sender->stop();
  const SendReport sent = take(sender->wait());
  receiver_->wait_quiet(200ms, 5s);
  const Verdict verdict = judge_run(set, sent, receiver_->report());
  EXPECT_TRUE(verdict.clean()) << verdict.text();
  EXPECT_EQ(verdict.delivered, sent.sent());
  EXPECT_GT(sent.devices[1].errors, 500U);
  EXPECT_GT(sent.per_stream[1], 500U);
}

TEST_F(PktgenTest, NamesTheDeviceThatIsMissing) {
  const StreamSet set = take(StreamSet::of_guests(guests_, {}));
  for (const Backend backend : {Backend::kLive, Backend::kPacket, Backend::kXsk}) {
    auto sender = make_sender(backend, set, {.devices = {"nosuch0"}, .count = 1});
    ASSERT_FALSE(sender);
    EXPECT_NE(sender.error().text().find("nosuch0"), std::string::npos);
  }
}

}  // namespace
}  // namespace xdpfwd::test
