// SPDX-License-Identifier: BSD-2-Clause
// Tuning as an operator meets it, on a real veth and tap: planned, applied, kept over a restart, set again
// when somebody resets it, and put back.
#include <gtest/gtest.h>
#include <signal.h>

#include <memory>
#include <string>

#include "daemon_process.h"
#include "support/sandbox.h"

namespace xdpfwd::test {
namespace {

constexpr const char* kConfig = R"(
[uplink]
devices = ["up0"]
[tuning]
steering = "off"
cpus = "keep"
[[guest]]
name = "vm0"
tap = "tap0"
mac = "52:54:00:00:00:00"
vlan = 100
)";
constexpr const char* kRps = "/sys/class/net/up0/queues/rx-0/rps_cpus";

class TuneTest : public testing::Test {
 protected:
  void SetUp() override {
    XDPFWD_NEEDS_ROOT();
    add_veth("up0", "sw0");
    tap_ = open_tap("tap0");
    run(std::string("echo 1 > ") + kRps);
    daemon_ = std::make_unique<DaemonProcess>("tune");
    daemon_->write_config(kConfig);
    before_ = knobs();
    daemon_->start();
  }
  void TearDown() override {
    daemon_.reset();
    tap_.reset();
    run_status("ip link del up0");
  }
  // What others read of the knobs that are tuned here.
  static std::string knobs() {
    std::string text;
    EXPECT_EQ(run_status(std::string("cat ") + kRps + "; tc qdisc show dev tap0; ethtool -k up0", &text), 0);
    return text;
  }
  // "0", "00000000,00000000"
  static bool rps_is_off() { return run_status(std::string("grep -qx '[0,]*' ") + kRps) == 0; }
  static bool tap_has_noqueue() {
    return run_status("tc qdisc show dev tap0 | grep -q 'qdisc noqueue'") == 0;
  }
  static bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }

  std::unique_ptr<DaemonProcess> daemon_;
  UniqueFd tap_;
  std::string before_;
};

TEST_F(TuneTest, plans_applies_keeps_and_puts_back) {
  const std::string plan = daemon_->ctl("tune plan");
  EXPECT_TRUE(contains(plan, "rps-cpus of queue 0") && contains(plan, "noqueue")) << plan;
  EXPECT_EQ(daemon_->ctl("tune apply --dry-run"), plan);
  ASSERT_EQ(knobs(), before_) << "asking changes nothing";
  EXPECT_FALSE(rps_is_off() || tap_has_noqueue());

  const std::string applied = daemon_->ctl("tune apply");
  EXPECT_TRUE(contains(applied, "rps-cpus of queue 0")) << applied;
  EXPECT_TRUE(rps_is_off());
  EXPECT_TRUE(tap_has_noqueue());
  EXPECT_TRUE(contains(daemon_->ctl("tune plan"), "to be changed: nothing"));

  // Killed, as a crash would: the next one knows what was there, and holds what was asked for.
  daemon_->end(SIGKILL);
  run(std::string("echo 1 > ") + kRps);
  daemon_->start();
  EXPECT_TRUE(rps_is_off()) << daemon_->log();

  const std::string status = daemon_->ctl("tune status");
  EXPECT_TRUE(contains(status, "rps-cpus of queue 0") && contains(status, "qdisc")) << status;
  const std::string reverted = daemon_->ctl("tune revert");
  EXPECT_EQ(knobs(), before_) << reverted;
  EXPECT_TRUE(contains(daemon_->ctl("tune status"), "changed by xdpfwd: nothing"));
  daemon_->end(SIGTERM);
  daemon_->start();
  EXPECT_EQ(knobs(), before_) << "nobody asks for tuning any more";
}

TEST_F(TuneTest, what_somebody_resets_is_set_again_when_a_link_changes) {
  daemon_->ctl("tune apply");
  run(std::string("echo 1 > ") + kRps);
  run("ip link set tap0 mtu 1400");  // the kernel tells of it, and the daemon looks
  // rps-cpus is held again when there is nothing left to be done.
  daemon_->wait_for_ctl("tune plan", "to be changed: nothing", std::chrono::seconds(60));
  EXPECT_TRUE(rps_is_off()) << daemon_->log();
  EXPECT_TRUE(contains(daemon_->log(), "set again, as somebody else had set it: up0: rps-cpus of queue 0"));
}

TEST_F(TuneTest, what_somebody_changed_since_stays_and_is_named) {
  daemon_->ctl("tune apply");
  run("tc qdisc replace dev tap0 root handle 77: pfifo");
  const std::string reverted = daemon_->ctl("tune revert");
  EXPECT_TRUE(contains(reverted, "tap0: qdisc is pfifo 77: now")) << reverted;
  EXPECT_EQ(run_status("tc qdisc show dev tap0 | grep -q 'pfifo 77:'"), 0);
  EXPECT_FALSE(rps_is_off());
}

}  // namespace
}  // namespace xdpfwd::test
