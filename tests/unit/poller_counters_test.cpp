// SPDX-License-Identifier: BSD-2-Clause
// The file of counters that a poller shares, and what is made of it.
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <optional>

#include "poller/counters_file.h"
#include "support/scratch_directory.h"

namespace xdpfwd::poller {
namespace {

TEST(PollerCountersTest, is_read_while_its_poller_runs_and_gone_afterwards) {
  const ScratchDirectory scratch;
  const std::string folder = scratch.path() + "/cpu3";
  std::optional<CountersFile> file;
  {
    auto created = CountersFile::create(folder);
    ASSERT_TRUE(created) << created.error().text();
    file.emplace(std::move(*created));
  }
  Counters& counters = file->counters();
  counters.cpu = 3;
  counters.queues = 1;
  std::strcpy(counters.queue[0].device, "fifteen_letters");
  counters.queue[0].state = 2;
  counters.queue[0].handle = 1;
  counters.queue[0].own_packets = 1ULL << 40;
  const auto text = read_status(folder);
  ASSERT_TRUE(text) << text.error().text();
  const auto json = nlohmann::json::parse(*text);
  EXPECT_EQ(json["running"], true);
  EXPECT_EQ(json["cpu"], 3);
  ASSERT_EQ(json["queues"].size(), 1U);
  EXPECT_EQ(json["queues"][0]["device"], "fifteen_letters");
  EXPECT_EQ(json["queues"][0]["state"], "backed-off");
  EXPECT_EQ(json["queues"][0]["handle"], "io_uring");
  EXPECT_EQ(json["queues"][0]["own_packets"], 1ULL << 40);

  const auto second = CountersFile::create(folder);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, EBUSY);
  EXPECT_EQ(counters.queue[0].own_packets, 1ULL << 40) << "the second has not emptied it";
  file.reset();
  EXPECT_FALSE(std::filesystem::exists(folder + "/counters"));
  EXPECT_NE(read_status(folder).error().text().find("no poller of this name runs"), std::string::npos);
}

TEST(PollerCountersTest, what_is_no_such_file_is_refused) {
  const ScratchDirectory scratch;
  const std::string path = scratch.path() + "/counters";
  std::ofstream(path) << "hello";
  EXPECT_NE(read_status(scratch.path()).error().text().find("is no file of counters"), std::string::npos);
  Counters other{};
  std::memcpy(other.magic, kCountersMagic, sizeof(other.magic));
  other.version = kCountersVersion + 1;
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(&other), sizeof(other));
  EXPECT_NE(read_status(scratch.path()).error().text().find("has version 2, and not 1"), std::string::npos);
  other.version = kCountersVersion;
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(&other), sizeof(other));
  const auto text = read_status(scratch.path());
  ASSERT_TRUE(text) << text.error().text();
  EXPECT_EQ(nlohmann::json::parse(*text)["running"], false) << "nobody holds it";
}

}  // namespace
}  // namespace xdpfwd::poller
