// SPDX-License-Identifier: BSD-2-Clause
// tuning.napi = "busy-poll" on a real veth, from the daemon's wish to a poller that forwards: started by the
// command that the daemon says where there is no systemd, as here. That systemd starts it is seen in the lab
// (tests/lab/cases/busy_poll.sh).
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "daemon_process.h"
#include "kernel/poller_counters.h"
#include "poller/napi_lookup.h"
#include "poller_process.h"
#include "support/sandbox.h"

namespace xdpfwd::test {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

bool becomes_true(const std::function<bool()>& condition) {
  for (const auto until = std::chrono::steady_clock::now() + 60s; std::chrono::steady_clock::now() < until;
       std::this_thread::sleep_for(20ms))
    if (condition()) return true;
  return false;
}

class BusyPollTest : public testing::Test {
 protected:
  void SetUp() override {
    XDPFWD_NEEDS_ROOT();
    if (kernel_is_before(6, 13))
      GTEST_SKIP()
          << "veth can be polled by a static NAPI id of io_uring alone (Linux 6.13); what the daemon "
             "does without is seen in the lab (tests/lab/cases/busy_poll.sh)";
    run("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1");
    add_veth("sw0", "up0");
    tap_ = open_tap("tap0");
    daemon_ = std::make_unique<DaemonProcess>("busy");
    daemon_->write_config(
        "[uplink]\ndevices = [\"up0\"]\n"
        "[[guest]]\nname = \"vm0\"\ntap = \"tap0\"\nmac = \"52:54:00:00:00:00\"\nvlan = 100\n");
    tune("busy-poll");
    daemon_->start();
    daemon_->wait_for_ctl("status", "1 of 1");
  }
  void TearDown() override {
    end_poller();
    daemon_.reset();
    tap_.reset();
    run_status("ip link del sw0");
    for (const auto until = std::chrono::steady_clock::now() + 20s;
         ifindex_of("up0") != 0 && std::chrono::steady_clock::now() < until;)
      std::this_thread::sleep_for(10ms);
  }
  void tune(const std::string& mode) const {
    daemon_->write_drop_in(
        "tuning.toml", fmt::format("[tuning]\napply = \"manual\"\non_stop = \"revert\"\nprofile = \"none\"\n"
                                   "cpus = \"{}\"\nnapi = \"{}\"\n",
                                   poller_cpu(), mode));
  }
  [[nodiscard]] static std::string name() { return fmt::format("cpu{}", poller_cpu()); }
  [[nodiscard]] std::string file() const { return daemon_->folder() + "/pollers/" + name() + ".conf"; }
  [[nodiscard]] std::string counters() const { return daemon_->folder() + "-poller/" + name(); }
  // "poller cpu3: why; remedy" of what xdpctl tune COMMAND tells, or status.
  [[nodiscard]] json problem(const std::string& command) const {
    const json told = json::parse(daemon_->ctl(command + " --json"));
    for (const json& problem : told["problems"])
      if (problem["thing"] == "poller " + name()) return problem;
    return {};
  }
  // By the shell, as a person would.
  void start_poller(std::string command) {
    ASSERT_TRUE(command.starts_with("start it: xdpfwd-poller ")) << command;
    command = command.substr(std::string("start it: ").size());
    run(fmt::format("PATH={}:$PATH; {} >{}/poller.log 2>&1 & echo $! >{}/poller.pid", XDPFWD_BINARY_DIR,
                    command, daemon_->folder(), daemon_->folder()));
    std::ifstream(daemon_->folder() + "/poller.pid") >> pid_;
  }
  void end_poller() {
    if (pid_ > 0) kill(pid_, SIGKILL);
    pid_ = -1;
  }
  static poller::Deferral deferral() {
    auto lookup = poller::NapiLookup::open();
    if (!lookup) throw std::runtime_error(lookup.error().text());
    const auto instance = lookup->find(ifindex_of("up0"), 0);
    if (!instance) throw std::runtime_error(instance.error().text());
    return instance->deferral.value_or(poller::Deferral{});
  }

  std::unique_ptr<DaemonProcess> daemon_;
  UniqueFd tap_;
  pid_t pid_ = -1;
};

TEST_F(BusyPollTest, from_the_wish_to_a_poller_that_forwards_and_back) {
  const poller::Deferral before = deferral();
  EXPECT_NE(problem("tune plan")["why"].get<std::string>().find("there is no systemd to start it"),
            std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(file())) << "nothing was asked for";
  daemon_->ctl("tune apply");
  EXPECT_EQ(deferral(), (poller::Deferral{.hard_irqs = 2, .flush_timeout_ns = 200'000}));
  std::stringstream text;
  text << std::ifstream(file()).rdbuf();
  EXPECT_NE(text.str().find("queue = [\"up0:0,period=10\"]"), std::string::npos) << text.str();

  const json missing = problem("tune status");
  ASSERT_TRUE(missing.is_object());
  EXPECT_NE(missing["why"].get<std::string>().find("it does not run"), std::string::npos) << missing.dump();
  EXPECT_EQ(problem("status"), missing);
  start_poller(missing["remedy"]);
  ASSERT_TRUE(becomes_true([&] { return problem("tune status").is_null(); }))
      << problem("tune status").dump();
  const auto reading = read_poller(counters());
  ASSERT_TRUE(reading) << reading.error().text();
  EXPECT_EQ(reading->counters.cpu, poller_cpu());
  ASSERT_EQ(reading->counters.queues, 1U);
  EXPECT_EQ(reading->device_of(0), "up0");
  EXPECT_EQ(reading->counters.queue[0].interrupts_masked, 1U);
  EXPECT_TRUE(becomes_true([&] { return read_poller(counters())->counters.queue[0].own_polls > 0; }));

  const json napi = json::parse(daemon_->ctl("napi status --json"))["napis"][0];
  EXPECT_EQ(napi["mode"], "busy-poll") << napi.dump();
  EXPECT_EQ(napi["cpus"], std::to_string(poller_cpu())) << napi.dump();
  EXPECT_EQ(napi["polled"]["handle"], name_of(PollerHandle{reading->counters.queue[0].handle}))
      << napi.dump();
  EXPECT_GT(napi["polled"]["own_polls"], 0U) << napi.dump();

  ASSERT_EQ(kill(pid_, SIGSTOP), 0);
  EXPECT_TRUE(becomes_true(
      [&] { return problem("tune status").dump().find("it has stalled") != std::string::npos; }));
  ASSERT_EQ(kill(pid_, SIGCONT), 0);
  EXPECT_TRUE(becomes_true([&] { return problem("tune status").is_null(); }));
  end_poller();
  EXPECT_TRUE(
      becomes_true([&] { return problem("status").dump().find("it does not run") != std::string::npos; }));

  tune("softirq");
  daemon_->reload();
  EXPECT_TRUE(becomes_true([&] { return !std::filesystem::exists(file()); }));
  EXPECT_EQ(deferral(), (poller::Deferral{}));
  EXPECT_TRUE(problem("tune status").is_null());
  daemon_->ctl("napi set busy-poll");
  EXPECT_TRUE(std::filesystem::exists(file())) << "by hand, too";
  daemon_->ctl("tune revert");
  EXPECT_FALSE(std::filesystem::exists(file()));
  EXPECT_EQ(deferral(), before);
}

TEST_F(BusyPollTest, a_revert_and_a_stop_take_the_files_away) {
  daemon_->ctl("tune apply");
  ASSERT_TRUE(std::filesystem::exists(file()));
  daemon_->ctl("tune revert");
  EXPECT_FALSE(std::filesystem::exists(file()));
  daemon_->ctl("tune apply");
  ASSERT_TRUE(std::filesystem::exists(file()));
  EXPECT_EQ(daemon_->end(SIGTERM), 0);
  EXPECT_FALSE(std::filesystem::exists(file())) << "on_stop is revert";
}

}  // namespace
}  // namespace xdpfwd::test
