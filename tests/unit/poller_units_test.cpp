// SPDX-License-Identifier: BSD-2-Clause
// Pollers' files and services as tuning wants them: by a systemd in memory, and without one.
#include "shell/poller_units.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>

#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "base/unique_fd.h"
#include "support/scratch_directory.h"

namespace xdpfwd::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using enum ServiceStatus::State;

struct Systemd {
  std::map<std::string, ServiceStatus> units;
  std::vector<std::string> calls;
  std::optional<Error> refuses;
  bool ends_slowly = false;
};
class FakeServices final : public Services {
 public:
  explicit FakeServices(Systemd& systemd) : systemd_(systemd) {}
  Result<ServiceStatus> status(const std::string& service) override {
    if (systemd_.refuses) return std::unexpected(*systemd_.refuses);
    return systemd_.units[service];
  }
  Result<void> start(const std::string& service) override { return call("start", service, kStarting); }
  Result<void> restart(const std::string& service) override { return call("restart", service, kStarting); }
  Result<void> stop(const std::string& service) override {
    return call("stop", service, systemd_.ends_slowly ? kStarting : kStopped);
  }
  void await_stops() override { systemd_.calls.emplace_back("await"); }
  void forget_failure(const std::string& service) override { systemd_.calls.push_back("forget " + service); }

 private:
  Result<void> call(const char* what, const std::string& service, ServiceStatus::State then) {
    if (systemd_.refuses) return std::unexpected(*systemd_.refuses);
    systemd_.calls.push_back(std::string(what) + " " + service);
    systemd_.units[service] = {.state = then};
    return {};
  }
  Systemd& systemd_;
};

Poller poller(uint32_t cpu, std::vector<uint32_t> queues) {
  Poller poller{.cpu = cpu, .period_us = 50, .queues = {}};
  for (const uint32_t queue : queues) poller.queues.push_back({*InterfaceName::parse("eth0"), queue});
  return poller;
}

constexpr const char* kCpu3 = "xdpfwd-poller@cpu3.service";

class PollerUnitsTest : public testing::Test {
 protected:
  PollerUnitsTest() { units_.use(std::make_unique<FakeServices>(systemd_)); }
  void make_so(const std::vector<Poller>& wanted) { units_.make_so(wanted, now_ms_ += 1000); }
  [[nodiscard]] std::string path(const std::string& file) const { return scratch_ / ("run/pollers/" + file); }
  [[nodiscard]] std::string text(const std::string& file) const {
    std::ifstream in(path(file));
    std::stringstream all;
    all << in.rdbuf();
    return all.str();
  }
  void write(const std::string& file, const std::string& text) const {
    std::filesystem::create_directories(scratch_ / "run/pollers");
    std::ofstream(path(file)) << text;
  }
  // As a poller that runs, as long as the descriptor is open.
  [[nodiscard]] UniqueFd runs(const Poller& poller, uint64_t silent_ms = 0) const {
    const std::string folder = scratch_ / ("run-poller/" + poller.name());
    std::filesystem::create_directories(folder);
    UniqueFd file(::open((folder + "/counters").c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    PollerCounters counters{};
    std::memcpy(counters.magic, kPollerMagic, sizeof(counters.magic));
    counters.version = kPollerCountersVersion;
    counters.cpu = poller.cpu;
    counters.queues = static_cast<uint32_t>(poller.queues.size());
    counters.heartbeat_ns = static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 +
                            static_cast<uint64_t>(now.tv_nsec) - silent_ms * 1'000'000;
    for (size_t i = 0; i < poller.queues.size(); ++i) {
      std::strncpy(counters.queue[i].device, poller.queues[i].device.c_str(),
                   sizeof(counters.queue[i].device) - 1);
      counters.queue[i].queue = poller.queues[i].number;
    }
    EXPECT_EQ(::write(file.get(), &counters, sizeof(counters)), static_cast<ssize_t>(sizeof(counters)));
    EXPECT_EQ(::flock(file.get(), LOCK_EX | LOCK_NB), 0);
    return file;
  }
  [[nodiscard]] std::vector<std::string> problems() const {
    std::vector<std::string> texts;
    for (const Problem& problem : units_.problems())
      texts.push_back(problem.thing + ": " + problem.why + "; " + problem.remedy);
    return texts;
  }

  ScratchDirectory scratch_;
  Systemd systemd_;
  PollerUnits units_{scratch_ / "run"};
  uint64_t now_ms_ = 100'000;
};

TEST_F(PollerUnitsTest, writes_the_file_and_starts_the_service_once) {
  std::filesystem::create_directories(scratch_ / "run");
  make_so({poller(3, {0, 1})});
  EXPECT_THAT(systemd_.calls, ElementsAre(std::string("restart ") + kCpu3));
  EXPECT_THAT(text("cpu3.conf"),
              HasSubstr("cpu = 3\nqueue = [\"eth0:0,period=50\", \"eth0:1,period=50\"]\n"));
  EXPECT_EQ(std::filesystem::status(path("cpu3.conf")).permissions(), std::filesystem::perms(0644))
      << "the poller is another user";
  EXPECT_EQ(units_.next_look_ms(), now_ms_ + PollerUnits::kStartingMs) << "how that ended";
  ASSERT_THAT(problems(), ElementsAre(HasSubstr("it is being started")));
  EXPECT_TRUE(units_.problems()[0].waiting);
  systemd_.units[kCpu3].state = kRunning;
  const UniqueFd running = runs(poller(3, {0, 1}));
  make_so({poller(3, {0, 1})});
  EXPECT_THAT(systemd_.calls, SizeIs(1));
  EXPECT_THAT(problems(), IsEmpty());
  EXPECT_FALSE(units_.next_look_ms());
}

TEST_F(PollerUnitsTest, other_queues_are_another_file_and_a_new_start) {
  std::filesystem::create_directories(scratch_ / "run");
  make_so({poller(3, {0})});
  systemd_.units[kCpu3].state = kRunning;
  make_so({poller(3, {0, 4})});
  EXPECT_THAT(systemd_.calls, ElementsAre(std::string("restart ") + kCpu3, std::string("restart ") + kCpu3));
  EXPECT_THAT(text("cpu3.conf"), HasSubstr("eth0:4"));
}

TEST_F(PollerUnitsTest, one_that_runs_with_an_older_file_is_started_anew_now_and_then) {
  std::filesystem::create_directories(scratch_ / "run");
  make_so({poller(3, {0, 1})});
  systemd_.calls.clear();
  systemd_.units[kCpu3].state = kRunning;
  const UniqueFd running = runs(poller(3, {0}));
  now_ms_ += PollerUnits::kAgainMs;
  make_so({poller(3, {0, 1})});
  EXPECT_THAT(systemd_.calls, ElementsAre(std::string("restart ") + kCpu3));
  systemd_.units[kCpu3].state = kRunning;
  make_so({poller(3, {0, 1})});
  EXPECT_THAT(systemd_.calls, SizeIs(1));
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("it polls other queues than it should")));
}

TEST_F(PollerUnitsTest, what_is_not_wanted_any_more_is_stopped_and_goes) {
  std::filesystem::create_directories(scratch_ / "run");
  make_so({poller(2, {0}), poller(3, {1})});
  systemd_.calls.clear();
  make_so({poller(2, {0})});
  EXPECT_THAT(systemd_.calls, testing::Contains(std::string("stop ") + kCpu3));
  EXPECT_FALSE(std::filesystem::exists(path("cpu3.conf")));
  EXPECT_TRUE(std::filesystem::exists(path("cpu2.conf")));
  PollerUnits next(scratch_ / "run");  // a daemon that starts again
  next.use(std::make_unique<FakeServices>(systemd_));
  next.make_so({}, now_ms_);
  EXPECT_THAT(systemd_.calls, testing::Contains("stop xdpfwd-poller@cpu2.service"));
  EXPECT_TRUE(std::filesystem::is_empty(path("")));
}

TEST_F(PollerUnitsTest, what_cannot_be_stopped_stays_known) {
  std::filesystem::create_directories(scratch_ / "run");
  make_so({poller(3, {1})});
  systemd_.refuses = fail("no bus", "start dbus").error();
  make_so({});
  EXPECT_TRUE(std::filesystem::exists(path("cpu3.conf")));
  EXPECT_THAT(problems(), ElementsAre("poller cpu3: it cannot be stopped: no bus; start dbus"));
  systemd_.refuses.reset();
  make_so({});
  EXPECT_FALSE(std::filesystem::exists(path("cpu3.conf")));
  EXPECT_THAT(problems(), IsEmpty());
}

TEST_F(PollerUnitsTest, those_that_end_slowly_are_waited_for_together_and_once) {
  std::filesystem::create_directories(scratch_ / "run");
  make_so({poller(2, {0}), poller(3, {1})});
  systemd_.calls.clear();
  systemd_.ends_slowly = true;
  make_so({});
  const auto told = ElementsAre("stop xdpfwd-poller@cpu2.service", std::string("stop ") + kCpu3, "await");
  EXPECT_THAT(systemd_.calls, told);
  EXPECT_THAT(problems(),
              ElementsAre(HasSubstr("cpu2: it is being stopped"), HasSubstr("cpu3: it is being")));
  EXPECT_TRUE(units_.problems()[0].waiting);
  EXPECT_EQ(units_.next_look_ms(), now_ms_ + PollerUnits::kStartingMs) << "how that ended";
  make_so({});
  EXPECT_THAT(systemd_.calls, told) << "nor told again";
  EXPECT_TRUE(std::filesystem::exists(path("cpu3.conf"))) << "it is still ours";
  systemd_.units["xdpfwd-poller@cpu2.service"].state = kStopped;
  systemd_.units[kCpu3].state = kGivenUp;  // systemd has killed it
  make_so({});
  EXPECT_TRUE(std::filesystem::is_empty(path("")));
  EXPECT_EQ(systemd_.calls.back(), std::string("forget ") + kCpu3);
  EXPECT_THAT(problems(), IsEmpty());
  EXPECT_FALSE(units_.next_look_ms());
}

TEST_F(PollerUnitsTest, one_that_still_ends_when_it_is_wanted_again_is_started_then) {
  std::filesystem::create_directories(scratch_ / "run");
  make_so({poller(3, {1})});
  systemd_.ends_slowly = true;
  make_so({});
  systemd_.calls.clear();
  make_so({poller(3, {1})});
  EXPECT_THAT(systemd_.calls, IsEmpty());
  EXPECT_TRUE(units_.next_look_ms());
  systemd_.units[kCpu3].state = kStopped;
  make_so({poller(3, {1})});
  EXPECT_THAT(systemd_.calls, ElementsAre(std::string("start ") + kCpu3));
}

TEST_F(PollerUnitsTest, one_that_somebody_starts_again_is_told_again) {
  std::filesystem::create_directories(scratch_ / "run");
  make_so({poller(3, {1})});
  systemd_.ends_slowly = true;
  make_so({});
  systemd_.units[kCpu3].state = kRunning;
  make_so({});
  EXPECT_TRUE(units_.next_look_ms());
  systemd_.calls.clear();
  make_so({});
  EXPECT_THAT(systemd_.calls, ElementsAre(std::string("stop ") + kCpu3, "await"));
}

TEST_F(PollerUnitsTest, others_files_and_pollers_are_left_alone) {
  write("cpu3.conf", "cpu = 3\nqueue = [\"eth9:0\"]\n");
  write("mine.conf", "cpu = 5\n");
  make_so({poller(3, {1})});
  make_so({});
  EXPECT_THAT(systemd_.calls, IsEmpty());
  EXPECT_EQ(text("cpu3.conf"), "cpu = 3\nqueue = [\"eth9:0\"]\n");
  EXPECT_EQ(text("mine.conf"), "cpu = 5\n");
  make_so({poller(3, {1})});
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("cpu3.conf is somebody else's")));
}

TEST_F(PollerUnitsTest, one_that_nothing_polls_for_makes_its_queues_unpolled) {
  std::filesystem::create_directories(scratch_ / "run");
  make_so({poller(3, {1, 5})});
  systemd_.units[kCpu3] = {.state = kGivenUp, .exit_status = 4};
  systemd_.calls.clear();
  make_so({poller(3, {1, 5})});
  EXPECT_THAT(units_.unpolled(), ElementsAre(1, 5));
  EXPECT_TRUE(units_.next_look_ms()) << "the tuner has to defer them";
  EXPECT_THAT(systemd_.calls, IsEmpty()) << "and it is not started in vain";
  make_so({});
  ASSERT_THAT(problems(), ElementsAre(HasSubstr("nothing on this kernel polls its queues")));
  EXPECT_TRUE(units_.problems()[0].waiting);
  units_.try_again();
  EXPECT_THAT(problems(), IsEmpty());
  EXPECT_THAT(units_.unpolled(), IsEmpty());
}

TEST_F(PollerUnitsTest, one_that_ended_is_started_again_and_bad_files_are_told) {
  std::filesystem::create_directories(scratch_ / "run");
  make_so({poller(3, {1})});
  systemd_.calls.clear();
  systemd_.units[kCpu3] = {.state = kStopped};
  make_so({poller(3, {1})});
  EXPECT_THAT(systemd_.calls, ElementsAre(std::string("start ") + kCpu3));
  systemd_.units[kCpu3] = {.state = kGivenUp, .exit_status = 2};
  make_so({poller(3, {1})});
  EXPECT_THAT(systemd_.calls, SizeIs(1));
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("does not understand its file")));
  units_.try_again();  // as after an upgrade, by a reload
  make_so({poller(3, {1})});
  EXPECT_THAT(systemd_.calls, SizeIs(2));
}

TEST_F(PollerUnitsTest, one_that_cannot_start_is_told_and_not_asked_for_often) {
  std::filesystem::create_directories(scratch_ / "run");
  make_so({poller(3, {1})});
  // As systemd tells of one that failed and waits for its next start.
  systemd_.units[kCpu3] = {.state = kStarting, .exit_status = 1};
  make_so({poller(3, {1})});
  ASSERT_THAT(problems(),
              ElementsAre("poller cpu3: it ended with status 1, and systemd starts it again every 5 s: the "
                          "kernel's timer polls its queues; see: journalctl -u xdpfwd-poller@cpu3.service"));
  EXPECT_FALSE(units_.problems()[0].waiting);
  EXPECT_FALSE(units_.next_look_ms()) << "the tuner's next look is soon enough";
  const UniqueFd running = runs(poller(3, {1}));
  EXPECT_THAT(problems(), IsEmpty()) << "the next start went well";
}

TEST_F(PollerUnitsTest, one_that_starts_for_ever_is_told_and_not_asked_for_often) {
  std::filesystem::create_directories(scratch_ / "run");
  unsigned looks = 0;
  for (make_so({poller(3, {1})}); units_.next_look_ms() && looks < 100; ++looks)
    units_.make_so({poller(3, {1})}, now_ms_ = *units_.next_look_ms());
  EXPECT_EQ(looks, PollerUnits::kLongestStartMs / PollerUnits::kStartingMs);
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("it does not run")));
}

TEST_F(PollerUnitsTest, one_that_died_or_stalled_is_a_problem) {
  std::filesystem::create_directories(scratch_ / "run");
  make_so({poller(3, {1})});
  systemd_.units[kCpu3].state = kRunning;
  make_so({poller(3, {1})});
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("it does not run")));
  {
    const UniqueFd running = runs(poller(3, {1}), PollerUnits::kSilentMs + 2000);
    EXPECT_THAT(problems(), ElementsAre(HasSubstr("it has stalled for 5 s")));
  }
  EXPECT_THAT(problems(), ElementsAre(HasSubstr("it does not run"))) << "its counters stay when it is killed";
}

TEST_F(PollerUnitsTest, without_systemd_it_says_what_to_start) {
  std::filesystem::create_directories(scratch_ / "run");
  PollerUnits by_hand(scratch_ / "run");
  EXPECT_THAT(by_hand.by_hand({poller(3, {1})}), SizeIs(1));
  by_hand.make_so({poller(3, {1})}, now_ms_);
  ASSERT_THAT(by_hand.problems(), SizeIs(1));
  EXPECT_FALSE(by_hand.problems()[0].waiting);
  EXPECT_EQ(by_hand.problems()[0].remedy, "start it: xdpfwd-poller --config " + path("cpu3.conf") +
                                              " --name cpu3 --runtime-dir " + (scratch_ / "run-poller/cpu3"));
  const UniqueFd running = runs(poller(3, {1}));
  EXPECT_THAT(by_hand.problems(), IsEmpty());
  by_hand.make_so({}, now_ms_);
  EXPECT_FALSE(std::filesystem::exists(path("cpu3.conf")));
}

}  // namespace
}  // namespace xdpfwd::test
