// SPDX-License-Identifier: BSD-2-Clause
// The daemon and xdpctl as an operator meets them: taps, readers and members come and go, guests persist, bad
// input is refused with a remedy, and what forwards goes on forwarding.
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/seccomp.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>

#include "bpf/abi.h"
#include "core/net.h"
#include "daemon_process.h"
#include "pktgen/packet.h"
#include "support/sandbox.h"

namespace xdpfwd::test {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

MacAddress mac(uint64_t n) {
  return MacAddress::from_bits(0x525400000000 + n);
}

std::vector<uint8_t> frame_to(uint64_t n, uint16_t vid, size_t payload = 46) {
  const std::vector<uint8_t> bytes(payload, 0x5a);
  return (Ethernet{.dst = mac(n)} / Vlan{.vid = vid} / Ipv4{} / Udp{} / Payload{bytes}).bytes();
}

// Runs the daemon while bpf(), or one command of it, fails; its exit status.
int run_refusing_bpf(std::optional<uint32_t> command, uint16_t error, const std::string& folder,
                     std::string* output) {
  std::vector<sock_filter> filter = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_bpf, 0, static_cast<uint8_t>(command ? 3 : 1))};
  if (command) {
    filter.push_back(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, args)));
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, *command, 0, 1));
  }
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error));
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  const sock_fprog program{.len = static_cast<uint16_t>(filter.size()), .filter = filter.data()};
  const std::string config = folder + "/etc/xdpfwd.toml", told = folder + "/told";
  const pid_t child = fork();
  if (child == 0) {
    const int file = open(told.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(file, STDERR_FILENO);
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0)
      execlp("timeout", "timeout", "60", XDPFWD_BINARY_DIR "/xdpfwd", "--config", config.c_str(), nullptr);
    _exit(127);
  }
  int status = 0;
  if (waitpid(child, &status, 0) != child) return -1;
  std::ifstream text(told);
  output->assign(std::istreambuf_iterator<char>(text), {});
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

class DaemonTest : public testing::Test {
 protected:
  void SetUp() override {
    XDPFWD_NEEDS_ROOT();
    add_veth("up0", "sw0");
    run("sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1");
    daemon_ = std::make_unique<DaemonProcess>("daemon");
    daemon_->write_config(kConfig);
    wire_.reset(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
    const sockaddr_ll address{.sll_family = AF_PACKET, .sll_ifindex = static_cast<int>(ifindex_of("sw0"))};
    ASSERT_EQ(bind(wire_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  }
  void TearDown() override {
    daemon_.reset();
    run_status("umount /sys/kernel/btf 2>/dev/null");
    run_status("ip link del up0");
    for (const char* tap : {"tap0", "tap1", "tap2"})
      run_status(fmt::format("ip link del {} 2>/dev/null", tap));
  }

  void send(const std::vector<uint8_t>& frame) {
    ASSERT_EQ(::send(wire_.get(), frame.data(), frame.size(), 0), static_cast<ssize_t>(frame.size()));
  }
  // The next frame of ours that the tap gets; empty if none comes in `within`. Others' frames are skipped.
  static std::vector<uint8_t> receive(const UniqueFd& tap, std::chrono::milliseconds within = 2000ms) {
    const auto deadline = std::chrono::steady_clock::now() + within;
    for (;;) {
      const auto rest =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      pollfd waiting{.fd = tap.get(), .events = POLLIN, .revents = 0};
      if (rest.count() <= 0 || poll(&waiting, 1, static_cast<int>(rest.count())) <= 0) return {};
      std::vector<uint8_t> frame(4096);
      const ssize_t size = read(tap.get(), frame.data(), frame.size());
      if (size < 6 || frame[0] != 0x52) continue;
      frame.resize(static_cast<size_t>(size));
      return frame;
    }
  }
  // Whether a frame to guest n on the VLAN arrives at the tap.
  bool arrives(const UniqueFd& tap, uint64_t n, uint16_t vid, std::chrono::milliseconds within = 2000ms) {
    send(frame_to(n, vid));
    const auto got = receive(tap, within);
    const MacAddress destination = mac(n);
    return got.size() >= 6 && std::equal(destination.bytes().begin(), destination.bytes().end(), got.begin());
  }
  json ctl_json(const std::string& arguments) { return json::parse(daemon_->ctl(arguments + " --json")); }
  json port(const std::string& name) {
    const json list = ctl_json("port list");
    for (const json& port : list.at("ports"))
      if (port.at("name") == name) return port;
    return {};
  }
  void wait_for_port(const std::string& name, const std::string& state) {
    daemon_->wait_for_ctl(fmt::format("port list --json | tr '{{' '\\n' | grep '\"name\":\"{}\"'", name),
                          fmt::format("\"state\":\"{}\"", state));
  }

  static constexpr const char* kConfig = R"(
[uplink]
devices = ["up0"]
[[guest]]
name = "vm0"
tap = "tap0"
mac = "52:54:00:00:00:00"
vlan = [100, 200]
[[guest]]
name = "vm1"
tap = "tap1"
mac = ["52:54:00:00:00:01", "52:54:00:00:00:11"]
vlan = 100
)";

  std::unique_ptr<DaemonProcess> daemon_;
  UniqueFd wire_;
};

TEST_F(DaemonTest, DeliversUntaggedAndCounts) {
  const UniqueFd tap0 = open_tap("tap0");
  const UniqueFd tap1 = open_tap("tap1");
  daemon_->start();
  wait_for_port("tap0", "open");
  wait_for_port("tap1", "open");
  const std::vector<uint8_t> sent = frame_to(0, 200);
  send(sent);
  std::vector<uint8_t> expected = sent;
  expected.erase(expected.begin() + 12, expected.begin() + 16);
  EXPECT_EQ(receive(tap0), expected);
  EXPECT_TRUE(arrives(tap0, 0, 100));
  EXPECT_TRUE(arrives(tap1, 1, 100));
  EXPECT_TRUE(arrives(tap1, 0x11, 100));
  EXPECT_FALSE(arrives(tap1, 1, 200, 100ms)) << "vm1 is not on VLAN 200";
  EXPECT_EQ(port("tap0").at("packets"), 2);
  EXPECT_EQ(port("tap0").at("bytes"), 2 * expected.size());
  EXPECT_EQ(port("tap1").at("packets"), 2);
  EXPECT_EQ(ctl_json("status").at("members").at(0).at("packets").at("forwarded"), 4);
}

TEST_F(DaemonTest, FollowsTapsComingAndGoing) {
  daemon_->start();
  for (int round = 0; round < 3; ++round) {
    const UniqueFd tap = open_tap("tap0");
    wait_for_port("tap0", "open");
    EXPECT_TRUE(arrives(tap, 0, 100)) << round;
    run("ip link set tap0 down");
    wait_for_port("tap0", "down");
    run("ip link set tap0 up");
    wait_for_port("tap0", "open");
    EXPECT_TRUE(arrives(tap, 0, 100)) << round;
  }
  wait_for_port("tap0", "missing");
  // The slot keeps its name and its counters while the guest is away.
  EXPECT_EQ(port("tap0").at("packets"), 6);
}

TEST_F(DaemonTest, ATapWithoutAReaderTakesNothing) {
  {
    const UniqueFd tap = open_tap("tap0", {.persist = true});
    daemon_->start();
    wait_for_port("tap0", "open");
  }
  wait_for_port("tap0", "no_reader");
  EXPECT_EQ(ctl_json("status").at("rows_installed"), 0);
  const UniqueFd again = open_tap("tap0", {.persist = true});
  wait_for_port("tap0", "open");
  EXPECT_TRUE(arrives(again, 0, 100));
}

TEST_F(DaemonTest, ATapThatLosesItsLastQueueTakesNothing) {
  {
    const UniqueFd tap = open_tap("tap0", {.multi_queue = true, .persist = true});
    daemon_->start();
    wait_for_port("tap0", "open");
    EXPECT_TRUE(arrives(tap, 0, 100));
  }
  wait_for_port("tap0", "no_reader");
}

TEST_F(DaemonTest, FollowsTheMtu) {
  const UniqueFd tap = open_tap("tap0");
  daemon_->start();
  wait_for_port("tap0", "open");
  send(frame_to(0, 100, 1000));
  EXPECT_GT(receive(tap).size(), 1000U);
  run("ip link set tap0 mtu 500");
  daemon_->wait_for_ctl("port list --json", "\"mtu\":500");
  send(frame_to(0, 100, 1000));
  EXPECT_TRUE(receive(tap, 200ms).empty()) << "too long for the tap now: it must pass to the stack";
  EXPECT_EQ(ctl_json("status").at("members").at(0).at("packets").at("too_long"), 1);
  EXPECT_EQ(port("tap0").at("lost").at("too_long"), 0);
}

// The identity of a port is name and ifindex: a device that only has the one or the other is another device.
TEST_F(DaemonTest, AReusedIfindexNeverGetsAnothersFrames) {
  uint32_t ifindex = 0;
  {
    const UniqueFd tap = open_tap("tap0");
    daemon_->start();
    wait_for_port("tap0", "open");
    ifindex = ifindex_of("tap0");
    // The worst case: nobody watches while the tap goes and another device takes its ifindex.
    daemon_->end(SIGKILL);
  }
  // A veth can be asked for with that ifindex, and stands where a tap would. It takes redirected frames while
  // its peer has NAPI.
  run(
      fmt::format("ip link add tap2 index {} type veth peer name tap2p && ethtool -K tap2p gro on && "
                  "ip link set tap2 up && ip link set tap2p up",
                  ifindex));
  const UniqueFd spy(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, htons(ETH_P_ALL)));
  const sockaddr_ll address{.sll_family = AF_PACKET,
                            .sll_protocol = htons(ETH_P_ALL),
                            .sll_ifindex = static_cast<int>(ifindex_of("tap2p"))};
  ASSERT_EQ(bind(spy.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(ifindex_of("tap2"), ifindex);
  for (int i = 0; i < 100; ++i) send(frame_to(0, 100));
  EXPECT_TRUE(receive(spy, 200ms).empty()) << "with no daemon";
  // The kernel took the tap out of the devmap. Put back by hand, the frames go wrong, and the spy sees it.
  const UniqueFd devmap(
      bpf_obj_get(fmt::format("{}/abi-{}/devmap", daemon_->bpffs(), XDPFWD_ABI_VERSION).c_str()));
  ASSERT_EQ(bpf_map_update_elem(devmap.get(), &ifindex, &ifindex, BPF_NOEXIST), 0) << "it was still there";
  ASSERT_TRUE(arrives(spy, 0, 100)) << "the spy is blind";
  daemon_->start();
  for (int i = 0; i < 100; ++i) send(frame_to(0, 100));
  EXPECT_TRUE(receive(spy, 200ms).empty()) << "with the daemon back";
  EXPECT_EQ(port("tap0").at("state"), "missing");
  run("ip link del tap2");
}

TEST_F(DaemonTest, TapsThatExchangeTheirNamesExchangeTheirFrames) {
  const UniqueFd first = open_tap("tap0");
  const UniqueFd second = open_tap("tap1");
  daemon_->start();
  wait_for_port("tap0", "open");
  wait_for_port("tap1", "open");
  EXPECT_TRUE(arrives(first, 0, 100));
  run("ip link set tap0 down; ip link set tap1 down; ip link set tap0 name x; ip link set tap1 name tap0; ip "
      "link set x name tap1;"
      "ip link set tap0 up; ip link set tap1 up");
  wait_for_port("tap0", "open");
  wait_for_port("tap1", "open");
  daemon_->ctl("reload");
  EXPECT_TRUE(arrives(second, 0, 100)) << "vm0's tap is called tap0, wherever it is";
  EXPECT_TRUE(arrives(first, 1, 100));
}

TEST_F(DaemonTest, GuestsAddedPersistUnlessEphemeral) {
  const UniqueFd tap = open_tap("tap2");
  daemon_->start();
  daemon_->ctl("guest add kept --tap tap2 --mac 52:54:00:00:00:22 --vlan 300");
  daemon_->ctl("guest add fleeting --tap tap2 --mac 52:54:00:00:00:23 --vlan 300 --ephemeral");
  wait_for_port("tap2", "open");
  EXPECT_TRUE(arrives(tap, 0x22, 300));
  EXPECT_TRUE(arrives(tap, 0x23, 300));
  daemon_->end(SIGKILL);
  EXPECT_TRUE(arrives(tap, 0x22, 300)) << "forwarding outlives the daemon";
  daemon_->start();
  EXPECT_TRUE(arrives(tap, 0x22, 300));
  EXPECT_FALSE(arrives(tap, 0x23, 300, 100ms));
  EXPECT_EQ(ctl_json("guest list").at("guests").size(), 3U);
  daemon_->ctl("guest del kept");
  EXPECT_FALSE(arrives(tap, 0x22, 300, 100ms));
}

TEST_F(DaemonTest, ABrokenStateFileIsSetAsideAndTold) {
  std::ofstream(daemon_->folder() + "/state/guests.json") << "{\"version\":1,\"guests\":[{\"na";
  const UniqueFd tap = open_tap("tap0");
  daemon_->start();
  wait_for_port("tap0", "open");
  EXPECT_TRUE(arrives(tap, 0, 100));
  EXPECT_NE(daemon_->ctl("status").find("guests.json"), std::string::npos);
  EXPECT_FALSE(std::filesystem::exists(daemon_->folder() + "/state/guests.json"));
  size_t aside = 0;
  for (const auto& entry : std::filesystem::directory_iterator(daemon_->folder() + "/state"))
    if (entry.path().filename().string().starts_with("guests.json.corrupt")) ++aside;
  EXPECT_EQ(aside, 1U);
}

TEST_F(DaemonTest, AFileThatTakesAStoredGuestsPlaceWins) {
  daemon_->start();
  daemon_->ctl("guest add later --tap tap2 --mac 52:54:00:00:00:22 --vlan 300");
  daemon_->write_drop_in(
      "new.toml",
      "[[guest]]\nname = \"fromfile\"\ntap = \"tap1\"\nmac = \"52:54:00:00:00:22\"\nvlan = 300\n");
  const std::string refused = daemon_->ctl("reload", 1);
  EXPECT_NE(refused.find("new.toml:1:1"), std::string::npos) << refused;
  EXPECT_NE(refused.find("later"), std::string::npos) << refused;
  // At a start there is nobody to ask: the file wins, the daemon runs, and status tells.
  daemon_->end(SIGTERM);
  daemon_->start();
  const std::string status = daemon_->ctl("status");
  EXPECT_NE(status.find("later"), std::string::npos) << status;
}

TEST_F(DaemonTest, ReloadIsAllOrNothing) {
  const UniqueFd tap = open_tap("tap0");
  daemon_->start();
  wait_for_port("tap0", "open");
  const json before = ctl_json("fdb list");
  const struct {
    const char* toml;
    const char* says[3];
  } cases[] = {
      {"[uplink]\nvlam_tag = \"auto\"\n", {"bad.toml:2:1", "vlam_tag", "vlan_tag"}},
      {"[fdb]\nmax_entries = \"many\"\n", {"bad.toml:2:15", "max_entries", "integer"}},
      {"[[guest]]\nname = \"d\"\ntap = \"tap2\"\nmac = \"52:54:00:00:00:00\"\nvlan = 100\n",
       {"bad.toml:1:1", "vm0", "VLAN 100"}},
      {"[[guest]]\nname = \"d\"\ntap = \"tap2\"\nmac = \"52:54:00:00:00:22\"\nvlan = 4095\n",
       {"bad.toml:5:8", "4095", "4094"}},
      {"[[guest]]\nname = \"d\"\ntap = \"tap2\"\nmac = \"01:00:5e:00:00:01\"\nvlan = 1\n",
       {"bad.toml:4:7", "01:00:5e:00:00:01", "multicast"}},
      {"[fdb]\nmax_entries = 2\n", {"max_entries", "rows", "raise"}},
      {"[daemon]\nbpffs = \"/mnt/bpf/elsewhere\"\n", {"daemon.bpffs", "start", "restart"}},
      {"[[guest]\n", {"bad.toml:1", "", ""}},
  };
  for (const auto& bad : cases) {
    daemon_->write_drop_in("bad.toml", bad.toml);
    const std::string refused = daemon_->ctl("reload", 1);
    for (const char* text : bad.says)
      EXPECT_NE(refused.find(text), std::string::npos) << bad.toml << "\n" << refused;
    daemon_->reload();  // SIGHUP: refused too, and told in the log
    EXPECT_EQ(ctl_json("fdb list"), before) << bad.toml;
    EXPECT_TRUE(arrives(tap, 0, 100)) << bad.toml;
    // The same by --check, with the exit status that keeps systemd from starting.
    EXPECT_EQ(
        run_status(fmt::format("{}/xdpfwd --check {}/etc/xdpfwd.toml", XDPFWD_BINARY_DIR, daemon_->folder())),
        std::string(bad.toml).find("bpffs") == std::string::npos ? 2 : 0)
        << bad.toml;
  }
  daemon_->write_drop_in("bad.toml", "");
  EXPECT_NE(daemon_->log().find("reload refused"), std::string::npos);
  daemon_->ctl("reload");
}

TEST_F(DaemonTest, AFullTableRefusesAGuestAndKeepsTheOthers) {
  const UniqueFd tap = open_tap("tap0");
  daemon_->write_drop_in("small.toml", "[fdb]\nmax_entries = 4\n");
  daemon_->start();
  wait_for_port("tap0", "open");
  const std::string refused = daemon_->ctl("guest add fifth --tap tap2 --mac 52:54:00:00:00:22 --vlan 1", 1);
  EXPECT_NE(refused.find("fdb.max_entries"), std::string::npos) << refused;
  EXPECT_TRUE(arrives(tap, 0, 100));
  daemon_->write_drop_in("small.toml", "[fdb]\nmax_entries = 5\n");
  daemon_->ctl("reload");
  daemon_->ctl("guest add fifth --tap tap2 --mac 52:54:00:00:00:22 --vlan 1");
  EXPECT_TRUE(arrives(tap, 0, 100));
}

TEST_F(DaemonTest, AMissingDeviceIsToldAndFollowed) {
  daemon_->write_config("[uplink]\ndevices = [\"up0\", \"late0\"]\n");
  daemon_->start();
  EXPECT_NE(daemon_->ctl("status").find("late0"), std::string::npos);
  EXPECT_EQ(ctl_json("status").at("state"), "degraded");
  add_veth("late0", "late1");
  daemon_->wait_for_ctl("status --json", "\"state\":\"forwarding\"");
  EXPECT_EQ(ctl_json("status").at("members").size(), 2U);
  run("ip link del late0");
  daemon_->wait_for_ctl("status --json", "\"state\":\"degraded\"");
}

TEST_F(DaemonTest, ANicThatRefusesIsToldWithARemedyAndTriedAgain) {
  // Somebody else's program is on the NIC. (Some builds of ip want a BPF filesystem for that.)
  run("mount -t bpf none /sys/fs/bpf");
  run(fmt::format("ip link set dev up0 xdp object {} section xdp", XDPFWD_OTHER_PROGRAM));
  daemon_->start();
  const std::string status = daemon_->ctl("status");
  EXPECT_NE(status.find("up0"), std::string::npos) << status;
  EXPECT_NE(status.find("xdp off"), std::string::npos) << status;
  EXPECT_EQ(ctl_json("status").at("state"), "degraded");
  run("ip link set dev up0 xdp off");
  daemon_->wait_for_ctl("status --json", "\"state\":\"forwarding\"", 20s);
}

TEST_F(DaemonTest, WithoutPermissionItSaysWhichIsMissing) {
  std::string output;
  const int status =
      run_status(fmt::format("setpriv --bounding-set=-all --inh-caps=-all "
                             "--securebits=+noroot,+noroot_locked -- {}/xdpfwd --config {}/etc/xdpfwd.toml",
                             XDPFWD_BINARY_DIR, daemon_->folder()),
                 &output);
  EXPECT_EQ(status, 1) << output;
  EXPECT_NE(output.find("CAP_"), std::string::npos) << output;
}

TEST_F(DaemonTest, AKernelThatDoesNotDescribeItsTypesIsToldWithARemedy) {
  run("mkdir -p /mnt/nothing && mount --bind /mnt/nothing /sys/kernel/btf");
  EXPECT_EQ(daemon_->start_and_fail(), 1);
  EXPECT_NE(daemon_->log().find("BTF"), std::string::npos) << daemon_->log();
  EXPECT_NE(daemon_->log().find("Linux 6.1 or later with CONFIG_DEBUG_INFO_BTF"), std::string::npos)
      << daemon_->log();
}

TEST_F(DaemonTest, AKernelThatRefusesBpfIsToldWithARemedy) {
  // As a kernel without it does, or a container's filter.
  const struct {
    std::optional<uint32_t> command;  // all of bpf() if none
    uint16_t error;
    const char* says[2];
  } cases[] = {{std::nullopt, ENOSYS, {"Function not implemented", "CONFIG_BPF_SYSCALL"}},
               {BPF_MAP_CREATE, EINVAL, {"cannot make the BPF maps", "Linux 6.1 or later"}}};
  for (const auto& kernel : cases) {
    std::string output;
    EXPECT_EQ(run_refusing_bpf(kernel.command, kernel.error, daemon_->folder(), &output), 1) << output;
    for (const char* text : kernel.says) EXPECT_NE(output.find(text), std::string::npos) << output;
  }
}

TEST_F(DaemonTest, OutsideABpfFilesystemItSaysHowToGetOne) {
  daemon_->write_drop_in("place.toml", fmt::format("[daemon]\nbpffs = \"{}/nobpf\"\n", daemon_->folder()));
  EXPECT_EQ(daemon_->start_and_fail(), 1);
  EXPECT_NE(daemon_->log().find("mount -t bpf"), std::string::npos) << daemon_->log();
}

TEST_F(DaemonTest, ASecondDaemonIsRefused) {
  daemon_->start();
  std::string output;
  EXPECT_EQ(
      run_status(fmt::format("{}/xdpfwd --config {}/etc/xdpfwd.toml", XDPFWD_BINARY_DIR, daemon_->folder()),
                 &output),
      1);
  EXPECT_NE(output.find(daemon_->bpffs()), std::string::npos) << output;
  EXPECT_NE(daemon_->ctl("status").find("up0"), std::string::npos);
}

TEST_F(DaemonTest, GarbageOnTheSocketDisturbsNothing) {
  const UniqueFd tap = open_tap("tap0");
  daemon_->start();
  wait_for_port("tap0", "open");
  for (const std::string& garbage :
       {std::string(4096, '\xff'), std::string("{\"method\":7}\0", 13),
        std::string("GET / HTTP/1.1\r\n\r\n\0", 19), std::string(2 << 20, 'x')}) {
    const UniqueFd client(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
    daemon_->socket().copy(address.sun_path, sizeof(address.sun_path) - 1);
    ASSERT_EQ(connect(client.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    size_t sent = 0;
    while (sent < garbage.size()) {
      const ssize_t size = ::send(client.get(), garbage.data() + sent, garbage.size() - sent, MSG_NOSIGNAL);
      if (size <= 0) break;  // the daemon has had enough
      sent += static_cast<size_t>(size);
    }
    EXPECT_TRUE(arrives(tap, 0, 100));
    EXPECT_NE(daemon_->ctl("status").find("up0"), std::string::npos);
  }
}

TEST_F(DaemonTest, AStoppedDaemonIsToldInTime) {
  daemon_->start();
  kill(daemon_->pid(), SIGSTOP);
  siginfo_t stopped{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(daemon_->pid()), &stopped, WSTOPPED | WNOWAIT), 0)
      << strerror(errno);
  std::string output;
  const int status = run_status(
      fmt::format("timeout 50 {}/xdpctl --socket {} status", XDPFWD_BINARY_DIR, daemon_->socket()), &output);
  kill(daemon_->pid(), SIGCONT);
  EXPECT_EQ(status, 3) << output;
  EXPECT_NE(output.find("did not answer within"), std::string::npos) << output;
  EXPECT_NE(output.find("systemctl status xdpfwd"), std::string::npos) << output;
  daemon_->ctl("status");
}

TEST_F(DaemonTest, TheCheckNamesTheMissingGroup) {
  daemon_->write_drop_in("group.toml", "[control]\ngroup = \"no-such-group\"\n");
  std::string output;
  EXPECT_EQ(
      run_status(fmt::format("{}/xdpfwd --check {}/etc/xdpfwd.toml", XDPFWD_BINARY_DIR, daemon_->folder()),
                 &output),
      2);
  EXPECT_NE(output.find("group.toml:2:9: control.group: there is no group 'no-such-group'"),
            std::string::npos)
      << output;
  EXPECT_NE(output.find("groupadd"), std::string::npos) << output;
}

TEST_F(DaemonTest, DetachEndsForwardingAndReloadBringsItBack) {
  const UniqueFd tap = open_tap("tap0");
  daemon_->start();
  wait_for_port("tap0", "open");
  daemon_->ctl("detach --all");
  EXPECT_FALSE(arrives(tap, 0, 100, 100ms));
  EXPECT_EQ(ctl_json("status").at("state"), "detached");
  EXPECT_TRUE(std::filesystem::is_empty(daemon_->bpffs() + "/links"));
  daemon_->ctl("reload");
  EXPECT_TRUE(arrives(tap, 0, 100));
  daemon_->ctl("detach up0");
  EXPECT_FALSE(arrives(tap, 0, 100, 100ms));
  const std::string refused = daemon_->ctl("detach nothere", 1);
  EXPECT_NE(refused.find("nothere"), std::string::npos);
  daemon_->ctl("reload");
  EXPECT_TRUE(arrives(tap, 0, 100));
}

TEST_F(DaemonTest, TakesTheTagFromTheDescriptorWhereItCan) {
  utsname kernel{};
  ASSERT_EQ(uname(&kernel), 0);
  int major = 0, minor = 0;
  ASSERT_EQ(std::sscanf(kernel.release, "%d.%d", &major, &minor), 2);
  const bool has_hint = major > 6 || (major == 6 && minor >= 8);
  daemon_->start();
  const json status = ctl_json("status");
  EXPECT_EQ(status.at("members").at(0).at("vlan_tag"), has_hint ? "hint" : "frame") << daemon_->log();
}

TEST_F(DaemonTest, AMemberIsPromiscuousAsLongAsItIsOne) {
  const auto promiscuity = [] {
    std::string text;
    run_status("ip -d link show up0 | sed -n 's/.*promiscuity \\([0-9]*\\).*/\\1/p'", &text);
    return std::stoi(text);
  };
  daemon_->start();
  daemon_->wait_for_ctl("status --json", "\"promisc\":\"xdpfwd\"");
  EXPECT_EQ(promiscuity(), 1);
  EXPECT_NE(daemon_->log().find("set up0 promiscuous"), std::string::npos) << daemon_->log();
  daemon_->end(SIGKILL);
  EXPECT_EQ(promiscuity(), 1) << "frames must still get in";
  daemon_->start();
  daemon_->ctl("detach --all");
  EXPECT_EQ(promiscuity(), 0);
  daemon_->write_drop_in("promisc.toml", "[uplink]\npromisc = \"off\"\n");
  daemon_->reload();
  EXPECT_EQ(ctl_json("status").at("members").at(0).at("promisc"), "off");
  EXPECT_EQ(promiscuity(), 0);
  daemon_->write_drop_in("promisc.toml", "");
  run("ip link add br0 type bridge && ip link set br0 up && ip link set up0 master br0");
  daemon_->reload();
  EXPECT_EQ(ctl_json("status").at("members").at(0).at("promisc"), "others");
  EXPECT_EQ(promiscuity(), 1);
  run("ip link del br0");
}

// A bridge behind the fast path: it hears a sender once in a while, and the guest gets every frame.
TEST_F(DaemonTest, TheBridgeBehindKeepsKnowingTheSender) {
  run("ip link add br0 type bridge && ip link set br0 up && ip link set up0 master br0");
  const UniqueFd tap = open_tap("tap2");
  run("ip link set tap2 master br0");
  // Untagged, since this bridge passes tags on. The guest's own place is known, as if it had sent.
  run("bridge fdb add 52:54:00:00:00:02 dev tap2 master static");
  daemon_->write_drop_in(
      "guest.toml", "[[guest]]\nname = \"vm2\"\ntap = \"tap2\"\nmac = \"52:54:00:00:00:02\"\nvlan = 0\n");
  const auto frame = (Ethernet{.dst = mac(2)} / Ipv4{} / Udp{} / Payload::of_size(46)).bytes();
  const auto knows_sender = [&] {
    const MacAddress sender = Ethernet{}.src;
    return run_status(fmt::format("bridge fdb show dev up0 | grep -q '^{} '", sender.text())) == 0;
  };
  const auto all_arrive = [&] {
    for (int i = 0; i < 64; ++i) {
      send(frame);
      EXPECT_EQ(receive(tap), frame);
    }
  };
  daemon_->write_drop_in("relearn.toml", "[uplink]\nrelearn = 0\n");
  daemon_->start();
  wait_for_port("tap2", "open");
  all_arrive();
  EXPECT_FALSE(knows_sender()) << "nothing passes that need not";
  daemon_->write_drop_in("relearn.toml", "");
  daemon_->reload();
  all_arrive();
  EXPECT_TRUE(knows_sender());
  EXPECT_EQ(port("tap2").at("relearned"), 1);
  EXPECT_EQ(port("tap2").at("packets"), 127);
  run("ip link del br0");
}

TEST_F(DaemonTest, MapsOfAnotherShapeAreRebuilt) {
  const UniqueFd tap = open_tap("tap0");
  daemon_->start();
  wait_for_port("tap0", "open");
  daemon_->end(SIGTERM);
  // As another ABI version would leave it: the links, and maps that are not ours.
  const std::string maps = fmt::format("{}/abi-{}", daemon_->bpffs(), XDPFWD_ABI_VERSION);
  ASSERT_EQ(rename(maps.c_str(), (daemon_->bpffs() + "/abi-0").c_str()), 0);
  EXPECT_TRUE(arrives(tap, 0, 100)) << "the old programs go on";
  daemon_->start();
  EXPECT_TRUE(arrives(tap, 0, 100));
  EXPECT_EQ(ctl_json("status").at("rows_installed"), 2);
  EXPECT_FALSE(std::filesystem::exists(daemon_->bpffs() + "/abi-0")) << "nothing needs the old maps any more";
}

TEST_F(DaemonTest, LossesAfterTheVerdictAreCounted) {
  const UniqueFd tap = open_tap("tap0");
  run("ip link set tap0 txqueuelen 4");
  daemon_->start();
  wait_for_port("tap0", "open");
  for (int i = 0; i < 50; ++i) send(frame_to(0, 100));
  daemon_->wait_for_ctl("port list --json | tr '{' '\\n'", "\"packets\":50");
  const json counted = port("tap0");
  EXPECT_GE(counted.at("lost").at("ring_full"), 40) << counted.dump();
}

}  // namespace
}  // namespace xdpfwd::test
