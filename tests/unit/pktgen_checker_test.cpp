// SPDX-License-Identifier: BSD-2-Clause
// Streams and their checker: the frames of a stream pass, and every way of spoiling them is found.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "pktgen/frame_checker.h"
#include "pktgen/sender.h"
#include "pktgen/verdict.h"

namespace xdpfwd::pktgen {
namespace {

std::vector<Guest> some_guests() {
  Guest access{.name = "access", .tap = "tap1", .mac = "52:54:00:00:00:01"_mac, .vlan = *VlanTag::make(100)};
  Guest untagged{.name = "untagged", .tap = "tap2", .mac = "52:54:00:00:00:02"_mac};
  Guest trunk{.name = "trunk",
              .tap = "tap3",
              .mac = "52:54:00:00:00:03"_mac,
              .vlan = *VlanTag::make(200, VlanTag::Tpid::k8021ad),
              .inner_vid = 7,
              .keep_tag = true};
  Guest priority{.name = "priority", .tap = "tap4", .mac = "52:54:00:00:00:04"_mac, .priority = 5};
  return {access, untagged, trunk, priority};
}

class PktgenChecker : public testing::Test {
 protected:
  void SetUp() override {
    checker_.expect(set_);
    for (const Stream& stream : set_.streams()) places_.push_back(checker_.place(stream.tap));
  }
  Judgement deliver(size_t index, uint64_t sequence) {
    return checker_.judge(places_[index], set_[index].delivered_frame({sequence, now_ - 500}), now_);
  }

  StreamSet set_ =
      *StreamSet::of_guests(some_guests(), {.sizes = {64, 600}, .members = 2, .first_id = 70'000});
  FrameChecker checker_{FrameChecker::Form::kDelivered};
  std::vector<uint32_t> places_;
  uint64_t now_ = 1'000'000;
};

TEST_F(PktgenChecker, SetIsGuestsTimesSizesTimesMembers) {
  EXPECT_EQ(set_.size(), 16U);
  EXPECT_EQ(set_.end_id(), 70'016U);
  EXPECT_EQ(set_[0].sent_frame({}).size(), 64U);
  EXPECT_EQ(set_[0].delivered_frame({}).size(), 60U) << "the tag is popped";
  EXPECT_EQ(set_[4].delivered_frame({}).size(), 64U) << "untagged";
  EXPECT_EQ(set_[8].delivered_frame({}), set_[8].sent_frame({})) << "trunk";
  EXPECT_EQ(set_[12].delivered_frame({}).size(), 60U) << "priority tag";
}

TEST_F(PktgenChecker, WholeFramesInOrderAreCorrect) {
  for (size_t i = 0; i < set_.size(); ++i)
    for (uint64_t sequence = 0; sequence < 10; ++sequence)
      EXPECT_EQ(deliver(i, sequence), Judgement::kCorrect);
  const ReceiveReport report = checker_.report();
  EXPECT_EQ(report.total().correct, 160U);
  EXPECT_EQ(report.latency_ns.percentile(0.5), 500U);
  EXPECT_EQ(report.latency_ns.max(), 500U);
}

TEST_F(PktgenChecker, EveryFlippedBitIsFound) {
  for (const size_t index : {size_t{0}, size_t{6}, size_t{10}}) {
    const std::vector<uint8_t> whole = set_[index].delivered_frame({3, 4});
    for (size_t bit = 0; bit < whole.size() * 8; ++bit) {
      std::vector<uint8_t> frame = whole;
      frame[bit / 8] ^= static_cast<uint8_t>(1U << bit % 8);
      const Judgement judgement = checker_.judge(places_[index], frame, now_);
      // One bit of the id makes it a frame of the stream next door, whose bytes it does not have.
      EXPECT_EQ(judgement, Judgement::kCorrupted) << set_[index].label << " bit " << bit;
    }
  }
  EXPECT_EQ(checker_.report().total().delivered(), 0U);
}

TEST_F(PktgenChecker, WrongLengthsAndTagsAreCorrupted) {
  std::vector<uint8_t> frame = set_[0].delivered_frame({});
  frame.push_back(0);
  EXPECT_EQ(checker_.judge(places_[0], frame, now_), Judgement::kCorrupted);
  frame.resize(frame.size() - 2);
  EXPECT_EQ(checker_.judge(places_[0], frame, now_), Judgement::kCorrupted);
  EXPECT_EQ(checker_.judge(places_[0], set_[0].sent_frame({}), now_), Judgement::kCorrupted)
      << "tag not popped";
}

TEST_F(PktgenChecker, OrderDuplicatesAndPlaces) {
  EXPECT_EQ(deliver(0, 0), Judgement::kCorrect);
  EXPECT_EQ(deliver(0, 2), Judgement::kCorrect) << "a gap is no fault of the frame behind it";
  EXPECT_EQ(deliver(0, 1), Judgement::kReordered);
  EXPECT_EQ(deliver(0, 1), Judgement::kDuplicated);
  EXPECT_EQ(deliver(0, 2), Judgement::kDuplicated);
  EXPECT_EQ(deliver(0, 100'000), Judgement::kCorrect);
  EXPECT_EQ(deliver(0, 3), Judgement::kDuplicated) << "too far back to know";
  EXPECT_EQ(checker_.judge(places_[4], set_[0].delivered_frame({4, 0}), now_), Judgement::kMisdelivered);
}

TEST_F(PktgenChecker, OthersAreForeign) {
  const std::vector<uint8_t> other = (Ethernet{.src = "02:11:11:11:11:11"_mac} / Ipv4{} / Udp{}).bytes(60);
  EXPECT_EQ(checker_.judge(places_[0], other, now_), Judgement::kForeign);
  EXPECT_EQ(checker_.judge(places_[0], std::vector<uint8_t>{1, 2}, now_), Judgement::kForeign);
  EXPECT_EQ(checker_.judge(places_[0], std::vector<uint8_t>{}, now_), Judgement::kForeign);
  const std::vector<uint8_t> ours = (Ethernet{.src = kGatewayMac} / Ipv4{} / Udp{}).bytes(60);
  EXPECT_EQ(checker_.judge(places_[0], ours, now_), Judgement::kCorrupted);
}

TEST_F(PktgenChecker, VerdictCountsWhatIsMissing) {
  SendReport sent{.per_stream = std::vector<uint64_t>(set_.size(), 10), .handed_over = 160};
  for (size_t i = 0; i < set_.size(); ++i)
    for (uint64_t sequence = 0; sequence < 10; ++sequence) deliver(i, sequence);
  EXPECT_TRUE(judge_run(set_, sent, checker_.report()).clean());
  sent.per_stream[3] = 15;
  sent.handed_over = 165;
  EXPECT_EQ(judge_run(set_, sent, checker_.report()).lost, 5U);
  sent.refused = 5;
  EXPECT_TRUE(judge_run(set_, sent, checker_.report()).clean()) << "what the device refused was never sent";
  sent.per_stream[2] = 9;
  EXPECT_EQ(judge_run(set_, sent, checker_.report()).invented, 1U);
}

TEST(PktgenLearning, TakesTheFirstFrameAsRight) {
  const StreamSet set = *StreamSet::of_guests(some_guests(), {.sizes = {100}});
  FrameChecker checker(FrameChecker::Form::kDelivered);
  checker.learn();
  EXPECT_EQ(checker.judge(1, set[0].delivered_frame({0, 0}), 1), Judgement::kCorrect);
  EXPECT_EQ(checker.judge(2, set[0].delivered_frame({1, 0}), 1), Judgement::kMisdelivered);
  std::vector<uint8_t> frame = set[0].delivered_frame({2, 0});
  frame.back() ^= 1;
  EXPECT_EQ(checker.judge(1, frame, 1), Judgement::kCorrupted);
}

TEST(PktgenControl, FramesCarryTheirAddress) {
  const std::vector<Control> kinds = {Control::kUnknownUnicast, Control::kBroadcast, Control::kMulticast,
                                      Control::kLacp};
  const StreamSet set = *StreamSet::of_control(kinds, {.first_id = 3});
  ASSERT_EQ(set.size(), 4U);
  const std::array<MacAddress, 4> macs = {kUnknownMac, kBroadcastMac, kMulticastMac, kLacpMac};
  FrameChecker checker(FrameChecker::Form::kSent);
  checker.expect(set);
  for (size_t i = 0; i < 4; ++i) {
    const std::vector<uint8_t> frame = set[i].sent_frame({0, 0});
    EXPECT_TRUE(std::equal(frame.begin(), frame.begin() + 6, macs[i].bytes().begin()));
    EXPECT_EQ(checker.judge(FrameChecker::kAnyPlace, frame, 1), Judgement::kCorrect);
  }
  // Subtype 10, never 1 or 2: a bond must not take it for a LACPDU or a marker.
  EXPECT_EQ(set[3].sent_frame({})[14], 10);
}

// The article's frames: UDP carries one byte, and the stamp is where a NIC would have padded.
TEST(PktgenStreams, OneBytePayloadsCarryTheStampInThePadding) {
  const Guest guest{
      .name = "vm", .tap = "tap0", .mac = MacAddress::from_bits(0x525400000001), .vlan = *VlanTag::make(7)};
  const auto set = StreamSet::of_guests(std::vector<Guest>{guest}, {.sizes = {64}, .one_byte_payload = true});
  ASSERT_TRUE(set) << set.error().text();
  const std::vector<uint8_t> frame = (*set)[0].sent_frame({.sequence = 3, .sent_ns = 1000});
  ASSERT_EQ(frame.size(), 64U);
  EXPECT_EQ(frame[18 + 3], 29);      // IPv4 total length: header, UDP and one byte
  EXPECT_EQ(frame[18 + 20 + 5], 9);  // UDP length
  FrameChecker checker(FrameChecker::Form::kDelivered);
  checker.expect(*set);
  EXPECT_EQ(
      checker.judge(checker.place("tap0"), (*set)[0].delivered_frame({.sequence = 0, .sent_ns = 1000}), 2000),
      Judgement::kCorrect);
  EXPECT_FALSE(StreamSet::of_guests(std::vector<Guest>{guest}, {.sizes = {60}, .one_byte_payload = true}));
}

std::set<uint64_t> source_macs(const StreamSet& set) {
  std::set<uint64_t> macs;
  for (const MacAddress& source : set.sources()) macs.insert(source.bits());
  return macs;
}

// Where the sent frame, tagged once, has its sender: MAC, and the last byte of the IPv4 address.
std::pair<uint64_t, uint8_t> sender_of(const std::vector<uint8_t>& frame) {
  uint64_t mac = 0;
  for (size_t i = 6; i < 12; ++i) mac = mac << 8 | frame[i];
  return {mac, frame[18 + 15]};
}

TEST(PktgenStreams, EachSourceHasItsMacAndItsAddress) {
  const std::vector<Guest> guests = {some_guests()[0]};
  const auto set = StreamSet::of_guests(guests, {.sizes = {64, 600}, .members = 2, .sources = 3});
  ASSERT_TRUE(set) << set.error().text();
  EXPECT_EQ(source_macs(*set), (std::set<uint64_t>{0x0200000000fe, 0x0200000000ff, 0x020000000100}));
  std::map<std::pair<uint64_t, uint8_t>, std::set<std::pair<size_t, uint32_t>>> streams;
  for (const Stream& stream : set->streams()) {
    const std::vector<uint8_t> frame = stream.sent_frame({});
    EXPECT_EQ(internet_checksum(std::span(frame).subspan(18, kIpv4Size)), 0U) << stream.label;
    streams[sender_of(frame)].insert({frame.size(), stream.member});
  }
  const std::set<std::pair<size_t, uint32_t>> all = {{64, 0}, {64, 1}, {600, 0}, {600, 1}};
  EXPECT_EQ(streams,
            (std::map<std::pair<uint64_t, uint8_t>, std::set<std::pair<size_t, uint32_t>>>{
                {{0x0200000000fe, 1}, all}, {{0x0200000000ff, 2}, all}, {{0x020000000100, 3}, all}}));
}

TEST(PktgenStreams, RefuseSourcesWithoutNumberAndTooManyStreams) {
  const std::vector<Guest> guests = {some_guests()[0]};
  for (const size_t sources : {size_t{0}, size_t{255}}) {
    const auto refused = StreamSet::of_guests(guests, {.sources = sources});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().text().find("choose 1 to 254"), std::string::npos) << refused.error().text();
  }
  EXPECT_TRUE(StreamSet::of_guests(guests, {.sources = 254}));
  const auto refused = StreamSet::of_guests(guests, {.members = 1U << 20, .sources = 5});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("5242880 streams are too many"), std::string::npos)
      << refused.error().text();
}

TEST(PktgenSources, AreAllKnownToTheChecker) {
  FrameChecker checker(FrameChecker::Form::kDelivered);
  checker.expect(*StreamSet::of_guests(some_guests(), {.sources = 3}));
  const auto judge = [&](MacAddress source) {
    return checker.judge(0, (Ethernet{.src = source} / Ipv4{} / Udp{}).bytes(60), 1);
  };
  EXPECT_EQ(judge("02:00:00:00:00:fe"_mac), Judgement::kCorrupted);
  EXPECT_EQ(judge("02:00:00:00:01:00"_mac), Judgement::kCorrupted);
  EXPECT_EQ(judge("02:00:00:00:01:01"_mac), Judgement::kForeign) << "there are three";
}

TEST(PktgenStreams, RefuseSizesThatCannotHoldTheStamp) {
  const std::vector<Guest> guests = some_guests();
  const auto small = StreamSet::of_guests(guests, {.sizes = {59}});
  ASSERT_FALSE(small);
  EXPECT_NE(small.error().text().find("guest 'access': frames of 59 bytes"), std::string::npos)
      << small.error().text();
  EXPECT_FALSE(StreamSet::of_guests(guests, {.sizes = {2049}}));
  EXPECT_TRUE(StreamSet::of_guests(std::span(guests).first(1), {.sizes = {60}}))
      << "the least frame on a wire";
}

// What a receiver that learns would call foreign is not sent.
TEST(PktgenStreams, TheLastNumberIsWithinWhatAReceiverLearns) {
  const std::vector<Guest> guests = {{.name = "vm", .tap = "tap0", .mac = kGuestMac}};
  const auto from = [&](size_t first_id) {
    return StreamSet::of_guests(guests, {.first_id = static_cast<uint32_t>(first_id), .sources = 254});
  };
  const auto fits = from(StreamSet::kMaxStreams - 254);
  ASSERT_TRUE(fits) << fits.error().text();
  FrameChecker checker(FrameChecker::Form::kDelivered);
  checker.learn();
  const uint32_t place = checker.place("tap0");
  checker.judge(place, (*fits)[253].delivered_frame({0, 1}), 2);
  EXPECT_EQ(checker.report().foreign, 0U);
  EXPECT_EQ(checker.report().total().delivered(), 1U);
  const auto refused = from(StreamSet::kMaxStreams - 253);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().text().find("254 streams from number 4194051 on"), std::string::npos)
      << refused.error().text();
  EXPECT_FALSE(from(UINT32_MAX));
}

TEST(PktgenVerdict, AllIsSentOnlyWhereNothingWasLeftOut) {
  const SendReport whole{.devices = {{.name = "a"}, {.name = "b", .retries = 3}}, .handed_over = 100};
  EXPECT_TRUE(all_sent(whole));
  EXPECT_FALSE(all_sent({}));
  SendReport report = whole;
  report.refused = 1;
  EXPECT_FALSE(all_sent(report));
  report = whole;
  report.unsent = 1;
  EXPECT_FALSE(all_sent(report));
  report = whole;
  report.left_out = 1;
  EXPECT_FALSE(all_sent(report));
  report = whole;
  report.devices[1].errors = 1;
  EXPECT_FALSE(all_sent(report));
}

}  // namespace
}  // namespace xdpfwd::pktgen
