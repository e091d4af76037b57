// SPDX-License-Identifier: BSD-2-Clause
// The profiles' numbers, the bound that TCP sets, and what the file may and may not override.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tuning/coalescing.h"

namespace xdpfwd {
namespace {

using testing::HasSubstr;

constexpr uint64_t kMiB = 1048576;

// "adaptive-rx=off rx-usecs=16 ..."
std::string chosen(const TuningSettings& tuning, Profile profile, uint32_t mbps, std::vector<Remark>& remarks,
                   bool own_profile = false) {
  std::string text;
  for (const CoalescingValue& value :
       choose_coalescing(tuning, profile, own_profile, tx_bound(kMiB, mbps), "eth0", remarks)) {
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", name_of(value.knob), value.value);
    EXPECT_FALSE(value.reason.empty());
  }
  return text;
}

TEST(Coalescing, the_profiles_differ_in_receiving_only) {
  const TuningSettings tuning;
  std::vector<Remark> remarks;
  EXPECT_EQ(chosen(tuning, Profile::kLatency, 25000, remarks),
            "adaptive-rx=off adaptive-tx=off rx-usecs=0 rx-frames=1 tx-usecs=150 tx-frames=128");
  EXPECT_EQ(chosen(tuning, Profile::kBalanced, 25000, remarks),
            "adaptive-rx=off adaptive-tx=off rx-usecs=16 rx-frames=32 tx-usecs=150 tx-frames=128");
  EXPECT_EQ(chosen(tuning, Profile::kThroughput, 25000, remarks),
            "adaptive-rx=off adaptive-tx=off rx-usecs=50 rx-frames=64 tx-usecs=150 tx-frames=128");
  EXPECT_EQ(chosen(tuning, Profile::kNone, 25000, remarks), "");
  EXPECT_TRUE(remarks.empty());
}

TEST(Coalescing, the_bound_of_transmitting_follows_from_speed_and_limit) {
  EXPECT_EQ(tx_bound(kMiB, 10000).usecs, 200U);  // 838 us, halved, but never above 200
  EXPECT_EQ(tx_bound(kMiB, 25000).usecs, 167U);  // 335 us
  EXPECT_EQ(tx_bound(kMiB, 50000).usecs, 83U);   // 167 us
  EXPECT_EQ(tx_bound(kMiB, 100000).usecs, 41U);  // 83 us
  EXPECT_EQ(tx_bound(kMiB, 400000).usecs, 10U);  // 20 us
  EXPECT_EQ(tx_bound(4 * kMiB, 100000).usecs, 167U);
  EXPECT_EQ(tx_bound(kMiB, 0).usecs, tx_bound(kMiB, 100000).usecs);
  EXPECT_EQ(tx_bound(0, 25000).usecs, tx_bound(kMiB, 25000).usecs);
  EXPECT_EQ(tx_bound(UINT64_MAX, 1).usecs, 200U);
  EXPECT_THAT(tx_bound(kMiB, 0).why, HasSubstr("(assumed)"));
  EXPECT_THAT(tx_bound(kMiB, 50000).why, HasSubstr("1048576 bytes"));
}

TEST(Coalescing, a_profile_stays_within_the_bound_and_says_so) {
  std::vector<Remark> remarks;
  EXPECT_THAT(chosen({}, Profile::kBalanced, 100000, remarks), HasSubstr("tx-usecs=41"));
  EXPECT_THAT(chosen({}, Profile::kBalanced, 0, remarks), HasSubstr("tx-usecs=41"));
  EXPECT_TRUE(remarks.empty());
}

TEST(Coalescing, an_unsafe_value_is_refused_with_its_numbers_unless_forced) {
  TuningSettings tuning;
  tuning.tx_usecs = {NumberWish::Kind::kGiven, 84};
  std::vector<Remark> remarks;
  EXPECT_THAT(chosen(tuning, Profile::kBalanced, 50000, remarks), testing::Not(HasSubstr("tx-usecs")));
  ASSERT_EQ(remarks.size(), 1U);
  EXPECT_TRUE(remarks[0].problem);
  EXPECT_THAT(remarks[0].why, HasSubstr("tx-usecs 84 is not set"));
  EXPECT_THAT(remarks[0].why, HasSubstr("sent in 167 us"));
  EXPECT_THAT(remarks[0].remedy, HasSubstr("83 or less"));
  remarks.clear();
  tuning.force = true;
  EXPECT_THAT(chosen(tuning, Profile::kBalanced, 50000, remarks), HasSubstr("tx-usecs=84"));
  tuning.force = false;
  tuning.tx_usecs.given = 83;
  EXPECT_THAT(chosen(tuning, Profile::kBalanced, 50000, remarks), HasSubstr("tx-usecs=83"));
  EXPECT_TRUE(remarks.empty());
}

TEST(Coalescing, what_the_file_gives_goes_before_the_profile_but_not_before_a_guests_own) {
  TuningSettings tuning;
  tuning.rx_usecs = {NumberWish::Kind::kGiven, 7};
  tuning.rx_frames = {NumberWish::Kind::kKeep, 0};
  tuning.adaptive_tx = Switch::kKeep;
  std::vector<Remark> remarks;
  EXPECT_EQ(chosen(tuning, Profile::kBalanced, 25000, remarks),
            "adaptive-rx=off rx-usecs=7 tx-usecs=150 tx-frames=128");
  EXPECT_EQ(chosen(tuning, Profile::kThroughput, 25000, remarks, true),
            "adaptive-rx=off rx-usecs=50 tx-usecs=150 tx-frames=128");
  EXPECT_EQ(chosen(tuning, Profile::kNone, 25000, remarks), "rx-usecs=7");
  EXPECT_TRUE(remarks.empty());
}

TEST(Coalescing, under_adaptive_moderation_the_driver_chooses) {
  TuningSettings tuning;
  tuning.adaptive_rx = Switch::kOn;
  tuning.rx_usecs = {NumberWish::Kind::kGiven, 7};
  std::vector<Remark> remarks;
  EXPECT_EQ(chosen(tuning, Profile::kBalanced, 25000, remarks),
            "adaptive-rx=on adaptive-tx=off tx-usecs=150 tx-frames=128");
  ASSERT_EQ(remarks.size(), 1U);
  EXPECT_THAT(remarks[0].why, HasSubstr("rx-usecs = 7 has no effect"));
}

}  // namespace
}  // namespace xdpfwd
