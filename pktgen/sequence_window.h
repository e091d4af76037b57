// SPDX-License-Identifier: BSD-2-Clause
// Which sequence numbers of one stream have been seen: tells a new number from a late one and from a
// duplicate.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace xdpfwd::pktgen {

class SequenceWindow {
 public:
  enum class Kind {
    kNew,        // higher than all before
    kLate,       // lower than one before it, for the first time: reordered
    kDuplicate,  // seen before, or too far back to know
  };
  // How far back a late number is told from a duplicate.
  static constexpr uint64_t kReach = 16384;

  Kind see(uint64_t sequence) {
    if (sequence >= next_) {
      if (sequence - next_ >= kReach) {
        seen_.assign(seen_.size(), 0);
      } else {
        for (uint64_t skipped = next_; skipped < sequence; ++skipped) word(skipped) &= ~bit(skipped);
      }
      word(sequence) |= bit(sequence);
      next_ = sequence + 1;
      return Kind::kNew;
    }
    if (next_ - sequence > kReach || (word(sequence) & bit(sequence)) != 0) return Kind::kDuplicate;
    word(sequence) |= bit(sequence);
    return Kind::kLate;
  }

  // One more than the highest number seen.
  [[nodiscard]] uint64_t next() const { return next_; }

 private:
  uint64_t& word(uint64_t sequence) { return seen_[static_cast<size_t>(sequence % kReach / 64)]; }
  static uint64_t bit(uint64_t sequence) { return uint64_t{1} << sequence % 64; }

  std::vector<uint64_t> seen_ = std::vector<uint64_t>(kReach / 64);
  uint64_t next_ = 0;
};

}  // namespace xdpfwd::pktgen
