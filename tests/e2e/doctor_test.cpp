// SPDX-License-Identifier: BSD-2-Clause
// The doctor on a real host of veth and taps, with and without a daemon: it finds what is wrong, and finds
// nothing wrong once its remedies are done.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <signal.h>
#include <sys/ioctl.h>

#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>

#include "daemon_process.h"
#include "support/sandbox.h"

namespace xdpfwd::test {
namespace {

using nlohmann::json;

constexpr const char* kConfig = R"(
[uplink]
devices = ["up0"]
[tuning]
steering = "off"
[[guest]]
name = "vm0"
tap = "tap0"
mac = "52:54:00:00:00:00"
vlan = 100
)";

class DoctorTest : public testing::Test {
 protected:
  void SetUp() override {
    XDPFWD_NEEDS_ROOT();
    add_veth("up0", "sw0");
    tap_ = open_tap("tap0");
    daemon_ = std::make_unique<DaemonProcess>("doctor");
    daemon_->write_config(kConfig);
  }
  void TearDown() override {
    daemon_.reset();
    tap_.reset();
    run_status("ip link del up0");
  }
  // The findings of one check, and the exit status that goes with all of them.
  json doctor() {
    std::string output;
    const int status = run_status(std::string(XDPFWD_BINARY_DIR) + "/xdpctl --socket " + daemon_->socket() +
                                      " doctor --json --config " + daemon_->folder() + "/etc/xdpfwd.toml",
                                  &output);
    const json told = json::parse(output, nullptr, false);
    EXPECT_TRUE(told.is_object()) << output;
    EXPECT_EQ(status, told["verdict"] == "pass" ? 0 : told["verdict"] == "warn" ? 1 : 2) << output;
    return told;
  }
  static std::string verdict(const json& told, const std::string& check, const std::string& thing) {
    for (const json& finding : told["findings"])
      if (finding["check"] == check && finding["thing"] == thing)
        return finding["verdict"].get<std::string>();
    return "none";
  }
  static std::string remedy(const json& told, const std::string& check) {
    for (const json& finding : told["findings"])
      if (finding["check"] == check && finding["verdict"] != "pass")
        return finding["remedy"].get<std::string>();
    return "";
  }

  std::unique_ptr<DaemonProcess> daemon_;
  UniqueFd tap_;
};

TEST_F(DoctorTest, finds_what_is_wrong_without_a_daemon_and_its_remedies_help) {
  run("tc qdisc replace dev tap0 root pfifo; ip link set up0 mtu 1500; ip link set tap0 mtu 1400");
  int limit = 65536;
  ASSERT_EQ(::ioctl(tap_.get(), TUNSETSNDBUF, &limit), 0);
  json told = doctor();
  EXPECT_EQ(verdict(told, "daemon", "xdpfwd"), "warn") << told.dump(1);
  // Before 6.3 no kernel tells what a driver's XDP can do.
  const bool told_of =
      told.dump().find("this kernel does not tell what the driver can do") == std::string::npos;
  EXPECT_EQ(verdict(told, "xdp", "up0"), told_of ? "pass" : "warn") << told.dump(1);
  EXPECT_EQ(verdict(told, "filters", "up0"), "warn");
  EXPECT_EQ(verdict(told, "tap", "tap0"), "pass");
  EXPECT_EQ(verdict(told, "tap-mtu", "tap0"), "warn");
  EXPECT_EQ(verdict(told, "tap-qdisc", "tap0"), "warn");
  EXPECT_EQ(verdict(told, "tap-sndbuf", "tap0"), "warn");
  EXPECT_EQ(verdict(told, "bpffs", enter_sandbox()), "pass") << told.dump(1);

  run(remedy(told, "tap-mtu"));
  run("tc qdisc replace dev tap0 root noqueue");
  limit = INT32_MAX;
  ASSERT_EQ(::ioctl(tap_.get(), TUNSETSNDBUF, &limit), 0);
  run("ip link set up0 promisc on");
  told = doctor();
  for (const char* check : {"tap-mtu", "tap-qdisc", "tap-sndbuf"})
    EXPECT_EQ(verdict(told, check, "tap0"), "pass");
  EXPECT_EQ(verdict(told, "filters", "up0"), "pass");

  // What other tools set, and put back by the remedies.
  run("ip link set tap0 txqueuelen 10; echo 1 >/sys/class/net/tap0/queues/rx-0/rps_cpus");
  run("echo 1 >/sys/class/net/up0/queues/rx-0/rps_cpus; ethtool -K sw0 gro off");
  told = doctor();
  EXPECT_EQ(verdict(told, "tap-ring", "tap0"), "warn") << told.dump(1);
  EXPECT_EQ(verdict(told, "tap-rps", "tap0"), "warn");
  EXPECT_EQ(verdict(told, "rps", "up0"), "warn");
  EXPECT_EQ(verdict(told, "af-xdp", "up0"), "pass");
  if (told_of) {
    EXPECT_EQ(verdict(told, "xdp-target", "up0"), "warn");
  }
  for (const char* check : {"tap-ring", "tap-rps", "rps"}) {
    const std::string way = remedy(told, check);
    run(way.substr(0, way.find("; or ")));
  }
  run("ethtool -K sw0 gro on");
  told = doctor();
  EXPECT_EQ(verdict(told, "tap-ring", "tap0"), "pass") << told.dump(1);
  EXPECT_EQ(verdict(told, "tap-rps", "tap0"), "none");
  EXPECT_EQ(verdict(told, "rps", "up0"), "pass");
  if (told_of) {
    EXPECT_EQ(verdict(told, "xdp-target", "up0"), "pass");
  }
  run("ethtool -K sw0 gro off");

  // A reader whose frames have a header of the driver's.
  EXPECT_EQ(verdict(told, "tap-frames", "tap0"), "none");
  tap_.reset();
  tap_ = UniqueFd(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
  ifreq wanted{};
  std::strcpy(wanted.ifr_name, "tap0");
  wanted.ifr_flags = IFF_TAP;
  ASSERT_EQ(::ioctl(tap_.get(), TUNSETIFF, &wanted), 0) << errno;
  run("ip link set tap0 up");
  EXPECT_EQ(verdict(doctor(), "tap-frames", "tap0"), "fail");

  run("ip link set tap0 down");
  told = doctor();
  EXPECT_EQ(verdict(told, "tap", "tap0"), "fail");
  EXPECT_EQ(told["verdict"], "fail");
  run("ip link set tap0 up");
}

TEST_F(DoctorTest, knows_our_program_from_another_and_asks_the_daemon) {
  const std::string other =
      std::string("ip link set dev up0 xdp object ") + XDPFWD_OTHER_PROGRAM + " section xdp";
  run(other);
  json told = doctor();
  EXPECT_EQ(verdict(told, "xdp", "up0"), "fail");
  run("ip link set dev up0 xdp off");
  daemon_->start();
  daemon_->wait_for_ctl("status", "1 of 1");
  told = doctor();
  EXPECT_EQ(verdict(told, "xdp", "up0"), "pass") << told.dump(1);
  EXPECT_EQ(verdict(told, "daemon", "xdpfwd"), "pass");
  EXPECT_EQ(verdict(told, "filters", "up0"), "pass");
  EXPECT_NE(daemon_->log().find("ready"), std::string::npos);
}

TEST_F(DoctorTest, a_configuration_that_is_not_good_is_a_finding_and_the_rest_is_looked_at) {
  daemon_->write_config("[uplink]\ndevice = 1\n");
  const json told = doctor();
  EXPECT_EQ(told["findings"][0]["check"], "configuration");
  EXPECT_EQ(told["findings"][0]["verdict"], "fail");
  EXPECT_GT(told["findings"].size(), 5U);
}

}  // namespace
}  // namespace xdpfwd::test
