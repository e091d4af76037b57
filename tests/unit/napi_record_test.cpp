// SPDX-License-Identifier: BSD-2-Clause
// What `xdpctl napi record` writes is what `napi pack --simulate` reads, and says the CPU time that was
// sampled.
#include "ctl/napi_record.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "packer/model/recorded_trace.h"

namespace xdpfwd {
namespace {

using testing::HasSubstr;

NapiReport napi(uint32_t id, std::optional<uint32_t> ran, std::optional<uint32_t> packets = {}) {
  NapiReport report;
  report.device = "eth0";
  report.queue = id % 8;
  report.napi = id;
  report.ran = ran;
  report.packets = packets;
  return report;
}

struct Sampled {
  uint64_t time_ms;
  std::vector<NapiReport> napis;
};
Recording recording_of(const std::vector<Sampled>& samples) {
  Recording recording;
  for (const Sampled& sample : samples) recording.add(sample.time_ms, sample.napis);
  return recording;
}
std::vector<RecordedLoad> recorded_loads(const Recording& recording) {
  std::vector<RecordedLoad> loads;
  for_each_load(recording, [&](const RecordedLoad& load) { loads.push_back(load); });
  return loads;
}

std::vector<float> load_at(packer::Trace& trace, uint64_t ms) {
  std::vector<float> frames(trace.napis());
  for (uint64_t step = 0; step <= ms; ++step) trace.next(frames);
  for (size_t i = 0; i < frames.size(); ++i)
    frames[i] *= trace.cost_ns()[i] / 1e6F;  // a step is a millisecond
  return frames;
}

TEST(NapiRecord, the_simulation_gets_the_cpu_time_that_was_sampled) {
  // 8193 takes 30 % with few frames a poll, and then 60 % with cheaper ones.
  const Recording samples = recording_of({{0, {napi(8193, 300, 100'000), napi(8200, 10)}},
                                          {1000, {napi(8193, 600, 400'000), napi(8200, 20)}},
                                          {2000, {napi(8193, 0, 0), napi(8200, 30)}}});
  const std::string text = recording_text(samples);
  EXPECT_THAT(text, HasSubstr("# 8193: eth0 queue 1\n"));
  const auto trace = packer::parse_trace(text, "recording", 123);
  ASSERT_TRUE(trace) << trace.error().text();
  EXPECT_NEAR((*trace)->cost_ns()[0], 1800, 0.1) << "0.9 s for 500 000 frames";
  EXPECT_NEAR((*trace)->cost_ns()[1], 800, 0.1) << "not counted";
  EXPECT_NEAR(load_at(**trace, 999)[0], 0.3, 0.001);
  const auto again = packer::parse_trace(text, "recording", 123);
  const std::vector<float> later = load_at(**again, 1500);
  EXPECT_NEAR(later[0], 0.6, 0.001);
  EXPECT_NEAR(later[1], 0.02, 0.001);
}

TEST(NapiRecord, what_a_frame_costs_is_of_samples_with_frames_counted_and_else_assumed_and_said) {
  // 1: counted half of the time. 2: not at all. 3 hardly receives, and sends for half a CPU.
  const Recording samples = recording_of({{0, {napi(1, 300), napi(2, 400), napi(3, 500, 10)}},
                                          {1000, {napi(1, 300, 200'000), napi(2, 400), napi(3, 500, 10)}}});
  const std::vector<RecordedLoad> loads = recorded_loads(samples);
  ASSERT_EQ(loads.size(), 6U);
  EXPECT_NEAR(loads[0].cost_ns, 1500, 0.1);
  EXPECT_TRUE(loads[0].counted);
  EXPECT_FALSE(loads[1].counted);
  EXPECT_FALSE(loads[2].counted);
  const std::string text = recording_text(samples);
  EXPECT_THAT(text, HasSubstr("# 1: eth0 queue 1\n"));
  for (const char* name : {"# 2: eth0 queue 2", "# 3: eth0 queue 3"})
    EXPECT_THAT(text,
                HasSubstr(std::string(name) + "; what a frame costs is assumed, as too few were counted\n"));
  const auto trace = packer::parse_trace(text, "recording", 123);
  ASSERT_TRUE(trace) << trace.error().text();
  EXPECT_NEAR(load_at(**trace, 500)[2], 0.5, 0.001);
}

TEST(NapiRecord, one_that_is_gone_takes_nothing_and_one_that_was_never_sampled_is_left_out) {
  const Recording samples = recording_of({{0, {napi(1, 300), napi(2, std::nullopt)}}, {500, {napi(3, 100)}}});
  const std::vector<RecordedLoad> loads = recorded_loads(samples);
  ASSERT_EQ(loads.size(), 4U);
  EXPECT_EQ(loads[2].napi, 1U);
  EXPECT_EQ(loads[2].time_ms, 500U);
  EXPECT_EQ(loads[2].frames_per_s, 0);
  EXPECT_EQ(loads[1].napi, 3U);
  EXPECT_EQ(loads[1].frames_per_s, 0) << "it came later";
}

TEST(NapiRecord, what_is_kept_until_the_end_is_bounded_in_samples_and_instances) {
  const RecordArguments longest{.seconds = 1000, .every_seconds = 0.1};
  EXPECT_TRUE(check_size(longest, 400));
  const auto many = check_size(longest, 401);
  ASSERT_FALSE(many);
  EXPECT_EQ(
      many.error().text(),
      "1000 s with a sample every 0.1 s, of 401 NAPI instances each, are more than 4000000 loads; give a "
      "longer --every, or fewer --seconds");
  EXPECT_FALSE(check_size({.seconds = 1001, .every_seconds = 0.1}, 0));
}

}  // namespace
}  // namespace xdpfwd
