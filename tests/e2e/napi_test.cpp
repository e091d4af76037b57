// SPDX-License-Identifier: BSD-2-Clause
// What xdpctl tells of NAPI's polls on a real veth: every frame that was sent is in it, and nothing watches
// when nobody asks.
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "daemon_process.h"
#include "pktgen/packet.h"
#include "support/sandbox.h"

namespace xdpfwd::test {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

constexpr const char* kConfig = R"(
[uplink]
devices = ["up0"]
[[guest]]
name = "vm0"
tap = "tap0"
mac = "52:54:00:00:00:00"
vlan = 100
)";

class NapiTest : public testing::Test {
 protected:
  void SetUp() override {
    XDPFWD_NEEDS_ROOT();
    add_veth("up0", "sw0");
    // The tag is in the frame: veth would carry it beside.
    run("ethtool -K sw0 txvlan off");
    tap_ = open_tap("tap0");
    daemon_ = std::make_unique<DaemonProcess>("napi");
    daemon_->write_config(kConfig);
    daemon_->start();
    daemon_->wait_for_ctl("status", "1 of 1");
  }
  void TearDown() override {
    daemon_.reset();
    tap_.reset();
    run_status("ip link del up0");
  }

  // xdpctl in the background; what it says goes to a file.
  void ask(const std::string& arguments) {
    // Nothing of it may hold the pipe that run() reads.
    run("rm -f " + said_file() + ".status; (" + std::string(XDPFWD_BINARY_DIR) + "/xdpctl --socket " +
        daemon_->socket() + " " + arguments + " >" + said_file() + " 2>&1; echo $? >" + said_file() +
        ".status) >/dev/null 2>&1 & echo $! >" + said_file() + ".pid");
  }
  [[nodiscard]] std::string said_file() const { return daemon_->folder() + "/said"; }
  json said() {
    EXPECT_TRUE(becomes_true([this] { return std::filesystem::exists(said_file() + ".status"); }));
    std::ifstream file(said_file());
    return json::parse(file, nullptr, false);
  }
  // The links that the daemon holds itself: those of its forwarding are pinned, and closed.
  [[nodiscard]] size_t links() const {
    size_t count = 0;
    std::error_code error;
    for (const auto& entry :
         std::filesystem::directory_iterator("/proc/" + std::to_string(daemon_->pid()) + "/fd", error))
      if (std::filesystem::read_symlink(entry.path(), error).string().find("bpf_link") != std::string::npos)
        ++count;
    return count;
  }
  static bool becomes_true(const std::function<bool()>& condition) {
    for (const auto until = std::chrono::steady_clock::now() + 60s; std::chrono::steady_clock::now() < until;
         std::this_thread::sleep_for(10ms))
      if (condition()) return true;
    return false;
  }
  // One by one, as a ring that is never full needs it.
  static void send(int frames) {
    const UniqueFd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = static_cast<int>(ifindex_of("sw0"));
    const std::vector<uint8_t> payload(46, 0x5a);
    const std::vector<uint8_t> frame = (Ethernet{.dst = MacAddress::from_bits(0x525400000000)} /
                                        Vlan{.vid = 100} / Ipv4{} / Udp{} / Payload{payload})
                                           .bytes();
    for (int i = 0; i < frames; ++i) {
      // veth's ring is full when the thread that polls it is late.
      ASSERT_TRUE(becomes_true([&] {
        return ::sendto(socket.get(), frame.data(), frame.size(), 0, reinterpret_cast<sockaddr*>(&to),
                        sizeof(to)) == static_cast<ssize_t>(frame.size());
      }));
    }
  }
  uint64_t forwarded() {
    return json::parse(daemon_->ctl("stats --json"))["members"][0]["packets"]["forwarded"].get<uint64_t>();
  }
  static uint64_t polls(const json& queue) {
    uint64_t all = 0;
    for (const auto& [work, count] : queue["polls"].items()) all += count.get<uint64_t>();
    return all;
  }

  std::unique_ptr<DaemonProcess> daemon_;
  UniqueFd tap_;
};

TEST_F(NapiTest, every_frame_is_in_the_histogram_and_went_to_its_tap) {
  for (const char* threaded : {"0", "1"}) {
    SCOPED_TRACE(threaded);
    run(std::string("echo ") + threaded + " >/sys/class/net/up0/threaded");
    const uint64_t before = forwarded();
    ask("napi histogram --seconds 5 --json");
    ASSERT_TRUE(becomes_true([this] { return links() == 4; })) << daemon_->log();
    send(400);
    EXPECT_TRUE(becomes_true([&] { return forwarded() == before + 400; }));
    const json told = said();
    ASSERT_TRUE(told.is_object());
    const uint64_t arrived = forwarded() - before;
    ASSERT_EQ(told["queues"].size(), 1U) << told.dump(1);
    const json queue = told["queues"][0];
    EXPECT_EQ(queue["device"], "up0");
    EXPECT_GE(queue["packets"], arrived) << "other frames, as IPv6 sends them, are polled too";
    EXPECT_LE(queue["packets"], arrived + 50);
    EXPECT_GT(polls(queue), 0U);
    ASSERT_EQ(told["delivered"].size(), 1U) << told.dump(1);
    EXPECT_EQ(told["delivered"][0]["tap"], "tap0");
    EXPECT_EQ(told["delivered"][0]["taken"].get<uint64_t>() + told["delivered"][0]["lost"].get<uint64_t>(),
              arrived);
    EXPECT_EQ(told["uncounted"], 0);
    EXPECT_GE(told["period_ns"], 5'000'000'000U);
    EXPECT_TRUE(becomes_true([this] { return links() == 0; })) << "nothing watches any more";
  }
}

TEST_F(NapiTest, who_goes_away_ends_the_watch_and_so_does_the_daemon) {
  ask("napi histogram --seconds 60");
  ASSERT_TRUE(becomes_true([this] { return links() == 4; })) << daemon_->log();
  run("kill -9 $(pgrep -P $(cat " + said_file() + ".pid))");
  EXPECT_TRUE(becomes_true([this] { return links() == 0; })) << "the client died";
  EXPECT_NE(daemon_->ctl("napi histogram --seconds 1").find(" s watched"), std::string::npos);
  EXPECT_NE(daemon_->ctl("napi histogram --seconds 61", 2).find("write 1 to 60"), std::string::npos);
}

TEST_F(NapiTest, more_watchers_than_are_served_are_told_so) {
  for (int i = 0; i < 4; ++i)
    run("(" + std::string(XDPFWD_BINARY_DIR) + "/xdpctl --socket " + daemon_->socket() +
        " napi histogram --seconds 20) >/dev/null 2>&1 &");
  ASSERT_TRUE(becomes_true([this] { return links() == 16; })) << daemon_->log();
  EXPECT_NE(daemon_->ctl("napi histogram", 1).find("others are watching already"), std::string::npos);
  daemon_->end(SIGTERM);  // with clients that wait
}

}  // namespace
}  // namespace xdpfwd::test
