// SPDX-License-Identifier: BSD-2-Clause
// The packet generator as people run it: its command line, and what is on the wire then.
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <array>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/unique_fd.h"
#include "pktgen/packet.h"
#include "pktgen/stream.h"
#include "pktgen_redirect.skel.h"
#include "support/sandbox.h"
#include "support/scratch_directory.h"

namespace xdpfwd::test {
namespace {

using nlohmann::json;

const std::string kPktgen = XDPFWD_BINARY_DIR "/xdpfwd-pktgen";

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

// What of a frame the tests look at.
struct Seen {
  uint32_t stream = 0;
  MacAddress source;
  std::string address;
  unsigned udp_payload = 0;
};

// Hears the generator's frames at a device, from when it is made.
class Listener {
 public:
  explicit Listener(const std::string& device)
      : fd_(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, htons(ETH_P_IP))) {
    const int room = 16 << 20;
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_IP);
    address.sll_ifindex = static_cast<int>(ifindex_of(device));
    if (!fd_ || ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) != 0 ||
        ::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0)
      throw std::runtime_error("cannot listen on " + device);
  }
  // So many, or fewer when none comes for as long as that.
  std::vector<Seen> hear(size_t count, int patience_ms = 2000) {
    std::vector<Seen> frames;
    std::array<uint8_t, 2048> frame{};
    pollfd readable{fd_.get(), POLLIN, 0};
    while (frames.size() < count && ::poll(&readable, 1, patience_ms) > 0) {
      const ssize_t size = ::recv(fd_.get(), frame.data(), frame.size(), 0);
      const auto known =
          size < 0 ? std::nullopt : pktgen::find_stamp(std::span(frame).first(static_cast<size_t>(size)));
      if (!known) continue;
      std::array<uint8_t, 6> mac{};
      std::copy_n(&frame[6], 6, mac.begin());
      const uint8_t* ip = &frame[kEthernetSize];
      const uint8_t* udp = ip + kIpv4Size;
      frames.push_back({known->stream_id, MacAddress(mac),
                        fmt::format("{}.{}.{}.{}", ip[12], ip[13], ip[14], ip[15]),
                        static_cast<unsigned>(udp[4] << 8 | udp[5]) - static_cast<unsigned>(kUdpSize)});
    }
    return frames;
  }

 private:
  UniqueFd fd_;
};

// Runs beside the test, which goes on once it is ready, until it ends by itself.
class Background {
 public:
  Background(const std::string& arguments, const ScratchDirectory& scratch)
      : errors_(scratch / "errors-beside") {
    const std::string ready = scratch / "ready";
    if (::mkfifo(ready.c_str(), 0600) != 0) throw std::runtime_error("mkfifo " + ready);
    const UniqueFd told(::open(ready.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK));
    const std::string command =
        fmt::format("timeout 60 {} {} --ready-file {} --json 2>{}", kPktgen, arguments, ready, errors_);
    program_ = ::popen(command.c_str(), "re");
    pollfd readable{told.get(), POLLIN, 0};
    if (program_ == nullptr || ::poll(&readable, 1, 20'000) != 1)
      throw std::runtime_error(command + " is not ready: " + errors());
  }
  ~Background() {
    if (program_ != nullptr) ::pclose(program_);
  }
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;
  // Waits for its end.
  json report() {
    std::array<char, 65536> output{};
    const size_t size = std::fread(output.data(), 1, output.size(), program_);
    const json report = json::parse(output.data(), output.data() + size, nullptr, false);
    if (!report.is_object()) throw std::runtime_error("no report: " + errors());
    return report;
  }
  [[nodiscard]] std::string errors() const { return read_file(errors_); }

 private:
  std::string errors_;
  FILE* program_ = nullptr;
};

// gen0 == guest0, which nobody forwards from. A veth takes live frames where its peer does GRO.
class PktgenCommandTest : public testing::Test {
 protected:
  void SetUp() override {
    XDPFWD_NEEDS_ROOT();
    add_veth("gen0", "guest0");
    run("ethtool -K guest0 gro on");
  }
  void TearDown() override { run_status("ip link del gen0"); }

  // Runs it to its end; what it printed, line by line.
  std::vector<std::string> pktgen(const std::string& arguments, int expected = 0) {
    std::string output;
    const int status = run_status(fmt::format("{} {} 2>{}", kPktgen, arguments, errors_), &output);
    EXPECT_EQ(status, expected) << arguments << "\n" << output << read_file(errors_);
    std::vector<std::string> lines;
    std::istringstream text(output);
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }
  std::vector<json> pktgen_json(const std::string& arguments) {
    std::vector<json> objects;
    for (const std::string& line : pktgen(arguments + " --json")) objects.push_back(json::parse(line));
    return objects;
  }

  const std::string guest_ = "--guest mac=52:54:00:00:00:01,vlan=untagged ";
  ScratchDirectory scratch_;
  std::string errors_ = scratch_ / "errors";
};

class PktgenCommandBackendTest : public PktgenCommandTest, public testing::WithParamInterface<const char*> {};
INSTANTIATE_TEST_SUITE_P(Backends, PktgenCommandBackendTest, testing::Values("live", "packet", "xsk"),
                         [](const auto& backend) { return std::string(backend.param); });

TEST_P(PktgenCommandBackendTest, FramesOfThreeSourcesArriveFromThree) {
  Listener listener("guest0");
  const auto report = pktgen_json(
      fmt::format("send --dev gen0 {} --backend {} --sources 3 --count 300 --pps 5000", guest_, GetParam()));
  ASSERT_EQ(report.size(), 1U);
  EXPECT_EQ(report[0]["sent"], 300);
  std::map<std::string, unsigned> frames;
  for (const Seen& frame : listener.hear(300)) ++frames[frame.source.text() + " " + frame.address];
  EXPECT_EQ(frames, (std::map<std::string, unsigned>{{"02:00:00:00:00:fe 192.0.2.1", 100},
                                                     {"02:00:00:00:00:ff 192.0.2.2", 100},
                                                     {"02:00:00:00:01:00 192.0.2.3", 100}}));
}

TEST_F(PktgenCommandTest, WrongArgumentsAreNotTheSystems) {
  const std::string other = "--guest mac=52:54:00:00:00:02,vlan=untagged";
  for (const auto& [arguments, error] :
       {std::pair{fmt::format("loop --member tx=gen0 {},tap=tap0", guest_.substr(0, guest_.size() - 1)),
                  "member tx='gen0' rx='' lacks an end"},
        std::pair{std::string("sink --tap a-name-of-16-byt"), "tap 'a-name-of-16-byt'"},
        std::pair{fmt::format("send --dev a-name-of-16-byt {}", guest_), "device 'a-name-of-16-byt'"},
        std::pair{fmt::format("send --dev gen0 --backend kernel {} {}", guest_, other), "2 streams"},
        std::pair{std::string("sink --drop guest0 --tap tap0"), "--tap excludes --drop"}}) {
    pktgen(arguments, 2);
    EXPECT_NE(read_file(errors_).find(error), std::string::npos) << arguments << "\n" << read_file(errors_);
  }
}

TEST_F(PktgenCommandTest, NumbersThatAreNoneAreRefused) {
  for (const auto& [flags, error] :
       {std::pair{"send --pps nan", "--pps: nan is not a number from 0 to 100000000\n"},
        std::pair{"send --pps inf", "--pps: inf is not a number from 0 to 100000000\n"},
        std::pair{"ladder --rates 1000,nan", "--rates: nan is not a number from 0 to 100000000\n"},
        std::pair{"send --count -5", "--count: -5 is not a whole number from 1 to 1000000000000000\n"},
        std::pair{"send --duration 0", "--duration: 0 is not a number from 1e-06 to 1000000000\n"}}) {
    pktgen(fmt::format("{} --dev gen0 {} --backend packet", flags, guest_), 2);
    EXPECT_NE(read_file(errors_).find(error), std::string::npos) << read_file(errors_);
  }
}

TEST_F(PktgenCommandTest, TooManySourcesAreRefused) {
  pktgen(fmt::format("send --dev gen0 {} --sources 255", guest_), 2);
  EXPECT_NE(read_file(errors_).find("--sources: 255 is not a whole number from 1 to 254"), std::string::npos)
      << read_file(errors_);
  std::ofstream(scratch_ / "scenario") << R"({"sources": 255})";
  pktgen(fmt::format("send --dev gen0 {} --scenario {}", guest_, scratch_ / "scenario"), 2);
  EXPECT_NE(read_file(errors_).find("sources: 255 is not a whole number from 1 to 254"), std::string::npos)
      << read_file(errors_);
}

TEST_P(PktgenCommandBackendTest, OneByteIsOneByteOfUdp) {
  Listener listener("guest0");
  const std::string command =
      fmt::format("send --dev gen0 {} --backend {} --size 60 --count 50 --pps 5000", guest_, GetParam());
  pktgen(command + " --one-byte");
  const std::vector<Seen> short_ones = listener.hear(50);
  ASSERT_EQ(short_ones.size(), 50U);
  for (const Seen& frame : short_ones) EXPECT_EQ(frame.udp_payload, 1U);
  pktgen(command);
  const std::vector<Seen> whole = listener.hear(50);
  ASSERT_EQ(whole.size(), 50U);
  for (const Seen& frame : whole) EXPECT_EQ(frame.udp_payload, 18U);
}

TEST_F(PktgenCommandTest, OneByteAndItsStampNeedTheirRoom) {
  pktgen(fmt::format("send --dev gen0 {} --size 56 --one-byte", guest_), 2);
  EXPECT_NE(read_file(errors_).find("its headers and stamp take 57 bytes"), std::string::npos)
      << read_file(errors_);
}

// The article's frames, counted in a guest, whose stack hears none of them.
TEST_F(PktgenCommandTest, TheDroppingSinkCountsWhatWasSent) {
  Listener stack("guest0");
  Background sink("sink --drop guest0 --count 300", scratch_);
  pktgen(
      fmt::format("send --dev gen0 {} --backend packet --one-byte --size 60 --count 300 --pps 5000", guest_));
  const json report = sink.report();
  EXPECT_EQ(report["dropped"], 300);
  EXPECT_EQ(report["bytes"], 300 * 60);
  EXPECT_GT(report["pps"], 0);
  EXPECT_LT(report["pps"], 6000);
  EXPECT_TRUE(stack.hear(1, 0).empty());
}

TEST_P(PktgenCommandBackendTest, LadderTellsHowFarOffEachRateWas) {
  Listener listener("guest0");
  const std::vector<json> runs = pktgen_json(
      fmt::format("ladder --dev gen0 {} --backend {} --rates 1000,4000,8000 --repetitions 2 --count 200",
                  guest_, GetParam()));
  ASSERT_EQ(runs.size(), 6U);
  for (size_t i = 0; i < runs.size(); ++i) {
    const double asked = std::array{1000.0, 4000.0, 8000.0}[i % 3];
    const double sent = runs[i]["pps"];
    EXPECT_EQ(runs[i]["asked_pps"], asked);
    EXPECT_EQ(runs[i]["sent"], 200);
    EXPECT_LT(sent, 1.02 * asked);
    EXPECT_NEAR(runs[i]["deviation_percent"].get<double>(), (sent / asked - 1) * 100, 0.01);
  }
  // A stream each, so that a sink tells the runs apart.
  std::map<uint32_t, unsigned> streams;
  for (const Seen& frame : listener.hear(1200)) ++streams[frame.stream];
  EXPECT_EQ(streams.size(), 6U);
  for (const auto& [id, frames] : streams) EXPECT_EQ(frames, 200U);
}

TEST_F(PktgenCommandTest, FramesThatWereNotSentAreNoSuccess) {
  const std::string send = fmt::format("--dev gen0 {} --backend packet", guest_);
  pktgen(fmt::format("send {} --max-late 1 --pps 50000000 --count 20000", send), 1);
  pktgen(fmt::format("ladder {} --max-late 1 --rates 50000000 --count 20000", send), 1);
  run("ip link add lone0 type veth peer name lone1");
  pktgen(fmt::format("send {} --dev lone0 --pps 10000 --count 100", send), 1);
  run("ip link del lone0");
}

TEST_F(PktgenCommandTest, LadderWithoutRatesClimbsToTheMaximum) {
  const std::vector<json> runs =
      pktgen_json(fmt::format("ladder --dev gen0 {} --backend packet --duration 0.1", guest_));
  ASSERT_GE(runs.size(), 2U);
  EXPECT_EQ(runs.front()["asked_pps"], 1000);
  for (size_t i = 1; i + 1 < runs.size(); ++i)
    EXPECT_GT(runs[i]["asked_pps"].get<double>(), runs[i - 1]["asked_pps"].get<double>());
  EXPECT_EQ(runs.back()["asked_pps"], 0);
  EXPECT_TRUE(runs.back()["deviation_percent"].is_null());
}

TEST_F(PktgenCommandTest, LadderPrintsATable) {
  const std::vector<std::string> lines = pktgen(fmt::format(
      "ladder --dev gen0 {} --backend packet --rates 1000,4000 --repetitions 3 --count 100", guest_));
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_NE(lines[0].find("ASKED PPS     SENT PPS  DEVIATION %"), std::string::npos) << lines[0];
  EXPECT_TRUE(lines[1].starts_with("      1000 ")) << lines[1];
  EXPECT_TRUE(lines[2].starts_with("      4000 ")) << lines[2];
}

// The forwarder's three lines on guest0; its table is filled once the program has made its tap.
TEST_F(PktgenCommandTest, LoopChecksTheFramesOfThreeSources) {
  const std::unique_ptr<pktgen_redirect_bpf, void (*)(pktgen_redirect_bpf*)> forwarder(
      pktgen_redirect_bpf__open_and_load(), pktgen_redirect_bpf__destroy);
  ASSERT_TRUE(forwarder);
  const std::unique_ptr<bpf_link, int (*)(bpf_link*)> link(
      bpf_program__attach_xdp(forwarder->progs.redirect, static_cast<int>(ifindex_of("guest0"))),
      bpf_link__destroy);
  ASSERT_TRUE(link);
  Background loop(
      fmt::format(
          "loop --member tx=gen0,rx=guest0 --guest mac=52:54:00:00:00:01,vlan=100,tap=tap0 --sources 3 "
          "--count 3000 --pps 5000 --control 0 --start-file {}",
          scratch_ / "start"),
      scratch_);
  const uint64_t mac = 0x525400000001;
  const uint32_t tap = ifindex_of("tap0");
  ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(forwarder->maps.taps), &mac, &tap, BPF_ANY), 0);
  std::ofstream(scratch_ / "start") << "go\n";
  const json report = loop.report();
  EXPECT_EQ(report["sent"], 3000);
  EXPECT_EQ(report["delivered"], 3000);
  EXPECT_TRUE(report["correct"]) << report;
  EXPECT_NE(loop.errors().find("checking 3 streams"), std::string::npos) << loop.errors();
}

}  // namespace
}  // namespace xdpfwd::test
