// SPDX-License-Identifier: BSD-2-Clause
// The file of counters that a poller shares, and what is made of it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>

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
  PollerCounters& counters = file->counters();
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

// All may open the file, and a lock needs no more.
TEST(PollerCountersTest, nobody_who_may_only_read_keeps_a_poller_from_starting_or_running) {
  const ScratchDirectory scratch;
  const std::string folder = scratch / "cpu3";
  std::optional<CountersFile> file(std::move(*CountersFile::create(folder)));
  file->counters().heartbeat_ns = 1;
  const std::string path = folder + "/counters";
  std::filesystem::copy_file(path, folder + "/left");  // as a poller that is killed leaves it
  file.reset();
  std::filesystem::rename(folder + "/left", path);
  const UniqueFd hostile(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(::flock(hostile.get(), LOCK_EX | LOCK_NB), 0);
  const auto left = read_poller(folder);
  ASSERT_TRUE(left) << left.error().text();
  EXPECT_GT(left->silent_ms, 1000U) << "a lock alone is no sign of life";
  auto again = CountersFile::create(folder);
  ASSERT_TRUE(again) << again.error().text();
  const auto now = read_poller(folder);
  ASSERT_TRUE(now) << now.error().text();
  EXPECT_TRUE(now->running);
  EXPECT_EQ(std::filesystem::status(path).permissions(), std::filesystem::perms(0644));
  EXPECT_EQ(std::filesystem::status(folder + "/lock").permissions(), std::filesystem::perms(0600));
}

TEST(PollerCountersTest, nothing_in_it_is_believed) {
  const ScratchDirectory scratch;
  PollerCounters bad{};
  std::memcpy(bad.magic, kPollerMagic, sizeof(bad.magic));
  bad.version = kPollerCountersVersion;
  bad.queues = 1;
  std::memset(bad.queue[0].device, 0xff, sizeof(bad.queue[0].device));
  bad.queue[0].state = 77;
  bad.queue[0].handle = 77;
  bad.heartbeat_ns = UINT64_MAX;
  const std::string path = scratch / "counters";
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(&bad), sizeof(bad));
  const auto text = read_status(scratch.path());
  ASSERT_TRUE(text) << text.error().text();
  EXPECT_EQ(nlohmann::json::parse(*text)["queues"][0]["state"], "unknown");
  bad.queues = kPollerQueues + 1;
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(&bad), sizeof(bad));
  EXPECT_FALSE(read_poller(scratch.path()));
  std::filesystem::remove(path);
  ASSERT_EQ(::mkfifo(path.c_str(), 0644), 0);
  EXPECT_FALSE(read_poller(scratch.path())) << "and nobody waits for a FIFO";
  std::filesystem::remove(path);
  std::filesystem::create_symlink("/etc/passwd", path);
  EXPECT_FALSE(read_poller(scratch.path()));
}

TEST(PollerCountersTest, what_is_no_such_file_is_refused) {
  const ScratchDirectory scratch;
  const std::string path = scratch.path() + "/counters";
  std::ofstream(path) << "hello";
  EXPECT_NE(read_status(scratch.path()).error().text().find("is no file of counters"), std::string::npos);
  PollerCounters other{};
  std::memcpy(other.magic, kPollerMagic, sizeof(other.magic));
  other.version = kPollerCountersVersion + 1;
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(&other), sizeof(other));
  EXPECT_NE(read_status(scratch.path()).error().text().find("has version 2, and not 1"), std::string::npos);
  other.version = kPollerCountersVersion;
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(&other), sizeof(other));
  const auto text = read_status(scratch.path());
  ASSERT_TRUE(text) << text.error().text();
  EXPECT_EQ(nlohmann::json::parse(*text)["running"], false) << "nobody holds it";
}

}  // namespace
}  // namespace xdpfwd::poller
