// SPDX-License-Identifier: BSD-2-Clause
// Somebody works behind the daemon's back: takes programs off, empties the BPF filesystem, starts another
// daemon on it. The daemon sees it, says so or puts it right, and leaves alone what is not its own.
#include <bpf/bpf.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/unique_fd.h"
#include "bpf/abi.h"
#include "daemon_process.h"
#include "support/sandbox.h"

namespace xdpfwd::test {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr const char* kConfig = R"(
[uplink]
devices = ["up0"]
[[guest]]
name = "vm0"
tap = "tap0"
mac = "52:54:00:00:00:00"
vlan = 100
)";

class TamperTest : public testing::Test {
 protected:
  void SetUp() override {
    XDPFWD_NEEDS_ROOT();
    add_veth("up0", "sw0");
    daemon_ = std::make_unique<DaemonProcess>("tamper");
    daemon_->write_config(kConfig);
  }
  void TearDown() override {
    daemon_.reset();
    run_status("ip link del up0");
  }

  static std::string said_by(const std::string& command) {
    std::string text;
    run_status(command, &text);
    return text;
  }
  static bool has_program() { return said_by("ip -d link show up0").contains("prog/xdp"); }
  static bool is_promiscuous() { return !said_by("ip -d link show up0").contains("promiscuity 0"); }
  static bool strips_tags() { return said_by("ethtool -k up0").contains("rx-vlan-offload: on"); }
  // veth tells when its native program goes, by the features that come back. NICs do not; nor does generic
  // XDP.
  void start_where_nobody_tells() {
    daemon_->write_drop_in("generic.toml", "[uplink]\nxdp_mode = \"generic\"\n");
    daemon_->start();
    await_quiet();
  }
  // Until the kernel has had no news of links for a second: the daemon looks at each.
  static void await_quiet() {
    const UniqueFd news(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    const sockaddr_nl links{.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
    ASSERT_EQ(bind(news.get(), reinterpret_cast<const sockaddr*>(&links), sizeof(links)), 0);
    pollfd waiting{.fd = news.get(), .events = POLLIN, .revents = 0};
    char message[32768];
    while (poll(&waiting, 1, 1000) > 0) (void)!recv(news.get(), message, sizeof(message), MSG_DONTWAIT);
  }
  std::string link_path() const { return fmt::format("{}/links/{}", daemon_->bpffs(), ifindex_of("up0")); }
  void take_program_off() const {
    const UniqueFd link(bpf_obj_get(link_path().c_str()));
    ASSERT_TRUE(link) << link_path();
    ASSERT_EQ(bpf_link_detach(link.get()), 0);
  }
  json status() const { return json::parse(daemon_->ctl("status --json")); }
  // A map that is not ours.
  static void pin_foreign_map(const std::string& path) {
    const UniqueFd map(bpf_map_create(BPF_MAP_TYPE_ARRAY, "foreign", 4, 4, 1, nullptr));
    ASSERT_TRUE(map);
    ASSERT_EQ(bpf_obj_pin(map.get(), path.c_str()), 0) << path;
  }

  // Nothing tells of a program that comes or goes.
  static bool gets_program(std::chrono::seconds within) {
    for (const auto end = std::chrono::steady_clock::now() + within; std::chrono::steady_clock::now() < end;
         std::this_thread::sleep_for(std::chrono::milliseconds(50)))
      if (has_program()) return true;
    return false;
  }

  std::unique_ptr<DaemonProcess> daemon_;
};

TEST_F(TamperTest, AProgramTakenOffIsPutBackByTheNextQuestion) {
  start_where_nobody_tells();
  take_program_off();
  EXPECT_EQ(status().at("state"), "forwarding");
  EXPECT_TRUE(has_program()) << daemon_->log();
}

TEST_F(TamperTest, AProgramTakenOffIsPutBackThoughNobodyAsks) {
  start_where_nobody_tells();
  take_program_off();
  EXPECT_TRUE(gets_program(std::chrono::seconds(30))) << daemon_->log();
}

TEST_F(TamperTest, AnEmptiedBpfFilesystemIsFilledAgain) {
  start_where_nobody_tells();
  fs::remove_all(daemon_->bpffs());
  EXPECT_EQ(status().at("state"), "forwarding") << daemon_->log();
  EXPECT_EQ(status().at("rows_wanted"), 1);
  EXPECT_TRUE(has_program());
  EXPECT_TRUE(fs::exists(link_path())) << "for the next daemon";
  daemon_->ctl("reload");
  daemon_->end(SIGKILL);
  daemon_->start();
  EXPECT_EQ(status().at("state"), "forwarding");
}

TEST_F(TamperTest, RemovedMapsAreMadeAgainUnderTheRunningPrograms) {
  start_where_nobody_tells();
  for (const auto& entry : fs::directory_iterator(daemon_->bpffs()))
    if (entry.path().filename().string().starts_with("abi-")) fs::remove_all(entry.path());
  EXPECT_TRUE(has_program());
  EXPECT_EQ(status().at("state"), "forwarding") << daemon_->log();
  EXPECT_TRUE(fs::exists(fmt::format("{}/abi-{}/fdb", daemon_->bpffs(), XDPFWD_ABI_VERSION)));
  EXPECT_TRUE(has_program());
  daemon_->end(SIGKILL);
  daemon_->start();
  EXPECT_EQ(status().at("state"), "forwarding");
}

TEST_F(TamperTest, DetachingLeavesWhatOthersPinned) {
  daemon_->start();
  fs::create_directory(daemon_->bpffs() + "/abi-of-somebody");
  pin_foreign_map(daemon_->bpffs() + "/foreign");
  pin_foreign_map(daemon_->bpffs() + "/abi-of-somebody/foreign");
  daemon_->ctl("detach --all");
  EXPECT_FALSE(has_program());
  EXPECT_TRUE(fs::exists(daemon_->bpffs() + "/foreign"));
  EXPECT_TRUE(fs::exists(daemon_->bpffs() + "/abi-of-somebody/foreign"));
  for (const auto& entry : fs::recursive_directory_iterator(daemon_->bpffs()))
    EXPECT_TRUE(entry.is_directory() || entry.path().filename() == "foreign") << entry.path();
}

TEST_F(TamperTest, AnotherDaemonOrDetachAllBesideItIsRefused) {
  daemon_->start();
  const std::string xdpfwd =
      fmt::format("timeout 20 {}/xdpfwd --config {}/etc/xdpfwd.toml", XDPFWD_BINARY_DIR, daemon_->folder());
  daemon_->write_drop_in("socket.toml",
                         fmt::format("[control]\nsocket = \"{}/other.sock\"\n", daemon_->folder()));
  for (const char* option : {"", " --detach-all"}) {
    std::string output;
    EXPECT_EQ(run_status(xdpfwd + option, &output), 1) << output;
    EXPECT_NE(output.find(daemon_->bpffs()), std::string::npos) << output;
    EXPECT_NE(output.find("daemon.bpffs"), std::string::npos) << output;
  }
  daemon_->write_drop_in("socket.toml", "");
  EXPECT_TRUE(has_program());
  EXPECT_EQ(status().at("state"), "forwarding");
  daemon_->end(SIGTERM);
  EXPECT_EQ(run_status(xdpfwd + " --detach-all"), 0);
  EXPECT_FALSE(has_program());
}

TEST_F(TamperTest, ADetachThatFailsSaysSo) {
  daemon_->start();
  run(fmt::format("mount -o remount,ro {}", fs::path(daemon_->bpffs()).parent_path().string()));
  const std::string refused = daemon_->ctl("detach --all", 1);
  run(fmt::format("mount -o remount,rw {}", fs::path(daemon_->bpffs()).parent_path().string()));
  EXPECT_NE(refused.find("Read-only"), std::string::npos) << refused;
  daemon_->ctl("detach --all");
  EXPECT_EQ(status().at("state"), "detached");
}

// What was changed about the NIC is put back, whoever does it: this daemon, or another version of it.
TEST_F(TamperTest, TheNicIsAsItWasAfterDetaching) {
  ASSERT_TRUE(strips_tags());
  daemon_->write_drop_in("frame.toml", "[uplink]\nvlan_tag = \"frame\"\n");
  daemon_->start();
  EXPECT_FALSE(strips_tags());
  EXPECT_TRUE(is_promiscuous());
  daemon_->ctl("detach --all");
  EXPECT_TRUE(strips_tags());
  EXPECT_FALSE(is_promiscuous());

  daemon_->ctl("reload");
  EXPECT_TRUE(is_promiscuous());
  daemon_->end(SIGTERM);
  for (const auto& entry : fs::directory_iterator(daemon_->bpffs()))
    if (entry.path().filename().string().starts_with("abi-"))
      fs::rename(entry.path(), entry.path().parent_path() / "abi-0");
  daemon_->start();
  EXPECT_FALSE(strips_tags());
  daemon_->write_drop_in("frame.toml", "");
  daemon_->ctl("reload");
  // From the descriptor now, where the kernel tells programs what is there (6.8 and later).
  const bool told = daemon_->ctl("status --json").find("\"vlan_tag\":\"hint\"") != std::string::npos;
  EXPECT_EQ(strips_tags(), told);
  daemon_->ctl("detach --all");
  EXPECT_FALSE(is_promiscuous());
  EXPECT_TRUE(strips_tags());
}

TEST_F(TamperTest, ANicThatDidNotStripTagsIsNotMadeTo) {
  run("ethtool -K up0 rxvlan off");
  daemon_->write_drop_in("frame.toml", "[uplink]\nvlan_tag = \"frame\"\n");
  daemon_->start();
  daemon_->ctl("detach --all");
  EXPECT_FALSE(strips_tags());
}

TEST_F(TamperTest, ARefusedReloadIsShownUntilOneIsGood) {
  daemon_->start();
  daemon_->write_drop_in("bad.toml", "[uplink]\nnope = 1\n");
  daemon_->reload();
  EXPECT_EQ(status().at("state"), "degraded");
  EXPECT_NE(daemon_->ctl("status").find("bad.toml:2:1"), std::string::npos) << daemon_->ctl("status");
  EXPECT_TRUE(has_program());
  daemon_->write_drop_in("bad.toml", "");
  daemon_->reload();
  EXPECT_EQ(status().at("state"), "forwarding");
}

// A file that takes what a guest added by xdpctl has: the file wins at a start, is refused by a reload, and
// either way the other guests can be changed.
TEST_F(TamperTest, AConflictHoldsUpNobodyElse) {
  daemon_->start();
  daemon_->ctl("guest add m3 --tap tap3 --mac 52:54:00:00:00:03 --vlan 3");
  daemon_->write_drop_in(
      "claim.toml", "[[guest]]\nname = \"claims\"\ntap = \"tap4\"\nmac = \"52:54:00:00:00:03\"\nvlan = 3\n");
  EXPECT_NE(daemon_->ctl("reload", 1).find("m3"), std::string::npos);
  daemon_->end(SIGTERM);
  daemon_->start();
  EXPECT_NE(daemon_->ctl("status").find("the file wins"), std::string::npos);
  daemon_->ctl("guest add other --tap tap5 --mac 52:54:00:00:00:05 --vlan 5");
  EXPECT_NE(daemon_->ctl("guest add m3 --tap tap6 --mac 52:54:00:00:00:06 --vlan 6", 1).find("already"),
            std::string::npos);
  daemon_->ctl("reload");
  EXPECT_NE(daemon_->ctl("status").find("the file wins"), std::string::npos);
  daemon_->write_drop_in("claim.toml", "");
  daemon_->ctl("reload");
  EXPECT_EQ(daemon_->ctl("status").find("the file wins"), std::string::npos);
  EXPECT_NE(daemon_->ctl("fdb lookup 3 52:54:00:00:00:03").find("tap3"), std::string::npos);
}

}  // namespace
}  // namespace xdpfwd::test
