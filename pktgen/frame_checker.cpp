// SPDX-License-Identifier: BSD-2-Clause
#include "pktgen/frame_checker.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace xdpfwd::pktgen {

StreamTally ReceiveReport::total() const {
  StreamTally sum;
  for (const auto& [id, tally] : streams) {
    sum.correct += tally.correct;
    sum.reordered += tally.reordered;
    sum.duplicated += tally.duplicated;
    sum.misdelivered += tally.misdelivered;
    sum.corrupted += tally.corrupted;
    sum.longest_gap_ns = std::max(sum.longest_gap_ns, tally.longest_gap_ns);
  }
  sum.corrupted += corrupted_unknown;
  return sum;
}

void ReceiveReport::merge(const ReceiveReport& other) {
  for (const auto& [id, tally] : other.streams) {
    StreamTally& mine = streams[id];
    mine.correct += tally.correct;
    mine.reordered += tally.reordered;
    mine.duplicated += tally.duplicated;
    mine.misdelivered += tally.misdelivered;
    mine.corrupted += tally.corrupted;
    mine.next = std::max(mine.next, tally.next);
    mine.longest_gap_ns = std::max(mine.longest_gap_ns, tally.longest_gap_ns);
  }
  corrupted_unknown += other.corrupted_unknown;
  foreign += other.foreign;
  missed += other.missed;
  latency_ns.merge(other.latency_ns);
}

void FrameChecker::expect(const StreamSet& set) {
  if (known_.size() < set.end_id()) known_.resize(set.end_id());
  for (const Stream& stream : set.streams()) {
    auto known = std::make_unique<Known>();
    known->stream = stream;
    known->place = place(stream.tap);
    known_[stream.id] = std::move(known);
  }
  sources_.insert(set.sources().begin(), set.sources().end());
}

uint32_t FrameChecker::place(std::string_view tap) {
  return places_.try_emplace(std::string(tap), static_cast<uint32_t>(places_.size())).first->second;
}

FrameChecker::Known* FrameChecker::find(uint32_t id) {
  return id < known_.size() ? known_[id].get() : nullptr;
}

FrameChecker::Known* FrameChecker::learn_from(const StampPlace& stamp, uint32_t place,
                                              std::span<const uint8_t> frame) {
  if (stamp.stream_id >= StreamSet::kMaxStreams || !Stamp::read(&frame[stamp.offset], stamp.stream_id))
    return nullptr;
  const size_t head_size = stamp.offset + Stamp::kSize;
  if (frame.size() - head_size > StreamSet::kMaxSize) return nullptr;
  auto known = std::make_unique<Known>();
  known->place = place;
  known->stream.id = stamp.stream_id;
  known->stream.fill_size = frame.size() - head_size;
  known->stream.sent_head.assign(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(head_size));
  known->stream.delivered_head = known->stream.sent_head;
  if (known_.size() <= stamp.stream_id) known_.resize(stamp.stream_id + 1);
  known_[stamp.stream_id] = std::move(known);
  return known_[stamp.stream_id].get();
}

// A frame that names no stream of ours is somebody else's, unless it comes from one of our sources.
Judgement FrameChecker::judge_unknown(std::span<const uint8_t> frame) {
  std::array<uint8_t, 6> source{};
  if (frame.size() >= kEthernetSize) std::copy_n(&frame[6], source.size(), source.begin());
  if (!sources_.contains(MacAddress(source))) {
    ++foreign_;
    return Judgement::kForeign;
  }
  ++corrupted_unknown_;
  return Judgement::kCorrupted;
}

Judgement FrameChecker::judge(uint32_t place, std::span<const uint8_t> frame, uint64_t now_ns) {
  const std::optional<StampPlace> found = find_stamp(frame);
  if (!found) return judge_unknown(frame);
  Known* known = find(found->stream_id);
  if (known == nullptr && learning_) known = learn_from(*found, place, frame);
  if (known == nullptr) return judge_unknown(frame);

  const Stream& stream = known->stream;
  StreamTally& tally = known->tally;
  const std::vector<uint8_t>& head = form_ == Form::kSent ? stream.sent_head : stream.delivered_head;
  const std::span<const uint8_t> fill = stream.fill();
  const size_t stamp_at = head.size() - Stamp::kSize;
  std::optional<Stamp> stamp;
  if (found->offset == stamp_at && frame.size() == head.size() + fill.size() &&
      std::memcmp(frame.data(), head.data(), stamp_at) == 0 &&
      std::memcmp(frame.data() + head.size(), fill.data(), fill.size()) == 0)
    stamp = Stamp::read(&frame[stamp_at], stream.id);
  if (!stamp) {
    ++tally.corrupted;
    return Judgement::kCorrupted;
  }
  if (place != kAnyPlace && place != known->place) {
    ++tally.misdelivered;
    return Judgement::kMisdelivered;
  }

  const SequenceWindow::Kind kind = known->window.see(stamp->sequence);
  tally.next = known->window.next();
  if (kind == SequenceWindow::Kind::kDuplicate) {
    ++tally.duplicated;
    return Judgement::kDuplicated;
  }
  latency_ns_.record((now_ns - stamp->sent_ns) & Stamp::kMask);
  if (known->last_ns != 0) tally.longest_gap_ns = std::max(tally.longest_gap_ns, now_ns - known->last_ns);
  known->last_ns = now_ns;
  if (kind == SequenceWindow::Kind::kLate) {
    ++tally.reordered;
    return Judgement::kReordered;
  }
  ++tally.correct;
  return Judgement::kCorrect;
}

ReceiveReport FrameChecker::report() const {
  ReceiveReport report;
  for (const auto& known : known_)
    if (known) report.streams.emplace(known->stream.id, known->tally);
  report.corrupted_unknown = corrupted_unknown_;
  report.foreign = foreign_;
  report.latency_ns = latency_ns_;
  return report;
}

}  // namespace xdpfwd::pktgen
