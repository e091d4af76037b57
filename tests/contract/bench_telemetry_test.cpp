// SPDX-License-Identifier: BSD-2-Clause
// Who had a CPU by the harness's clock: processes and NAPI threads are told apart by their names, and the
// kinds and softirqs together are all time.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/if_packet.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>
#include <ctime>
#include <numeric>
#include <thread>

#include "bench/telemetry.h"
#include "kernel/napi_knobs.h"
#include "kernel/thread_schedule.h"
#include "support/sandbox.h"

namespace xdpfwd::bench {
namespace {

constexpr unsigned kCpu = 1;

uint64_t thread_ns() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

uint64_t softirqs_ns(const CpuReading& cpu) {
  return cpu.net_softirq_ns + cpu.other_softirq_ns;
}

// On the watched CPU, of that name, for 30 ms of its own time; how long it was.
uint64_t compute_as(const std::string& name) {
  uint64_t ran = 0;
  std::thread([&] {
    EXPECT_TRUE(set_thread_cpus(0, fmt::format("{}", kCpu)));
    prctl(PR_SET_NAME, name.c_str());
    const uint64_t since = thread_ns();
    while (ran < 30'000'000) ran = thread_ns() - since;
  }).join();
  return ran;
}

class BenchTelemetry : public testing::Test {
 protected:
  void SetUp() override {
    XDPFWD_NEEDS_ROOT();
    auto started = Telemetry::start(kCpu);
    ASSERT_TRUE(started) << started.error().text();
    telemetry_ = std::move(*started);
  }
  std::unique_ptr<Telemetry> telemetry_;
};

TEST_F(BenchTelemetry, ProcessesAreKnownByTheirNames) {
  compute_as("first");  // whoever has the CPU is known when it has been given to somebody
  for (const auto& [name, kind] : {std::pair("xdpfwd", BENCH_TASK_DAEMON),
                                   {"xdpfwd-poller", BENCH_TASK_POLLER},
                                   {"bench-victim", BENCH_TASK_HARNESS},
                                   {"xdpfwd-bench", BENCH_TASK_PROCESS},
                                   {"napi/up0-8193", BENCH_TASK_PROCESS}}) {
    const CpuReading before = telemetry_->read();
    const uint64_t ran = compute_as(name);
    const CpuReading took = telemetry_->read() - before;
    EXPECT_GE(took.task_ns[kind] + softirqs_ns(took), ran / 10 * 9) << name;
    const uint64_t all = std::accumulate(took.task_ns.begin(), took.task_ns.end(), softirqs_ns(took));
    EXPECT_NEAR(static_cast<double>(all), static_cast<double>(took.at_ns),
                0.02 * static_cast<double>(took.at_ns))
        << name;
  }
}

// Whoever is followed, by its process; nobody else's time, and no softirq that came in between.
TEST_F(BenchTelemetry, AProcessIsFollowedOnAnyCpu) {
  compute_as("first");
  ASSERT_TRUE(telemetry_->follow({::getpid()}));
  CpuReading before = telemetry_->read();
  const uint64_t ran = compute_as("bench-any");
  CpuReading took = telemetry_->read() - before;
  EXPECT_GE(took.task_ns[BENCH_TASK_CONTENDER] + softirqs_ns(took), ran / 10 * 9);
  EXPECT_EQ(took.task_ns[BENCH_TASK_HARNESS], 0U);
  EXPECT_GE(took.contender_ns, took.task_ns[BENCH_TASK_CONTENDER]);  // this thread, on its CPU
  EXPECT_LE(took.task_ns[BENCH_TASK_CONTENDER] + softirqs_ns(took), took.at_ns);

  ASSERT_TRUE(telemetry_->follow({}));
  before = telemetry_->read();
  compute_as("bench-any");
  took = telemetry_->read() - before;
  EXPECT_LT(took.task_ns[BENCH_TASK_CONTENDER], took.at_ns / 10);  // this thread, until it slept
  EXPECT_GT(took.task_ns[BENCH_TASK_HARNESS], 0U);
}

// Sends that many frames into `peer`, and waits until they have been polled; what the CPU did meanwhile.
CpuReading poll(const Telemetry& telemetry, const std::string& peer, uint64_t frames) {
  const UniqueFd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = static_cast<int>(test::ifindex_of(peer));
  const std::array<char, 60> frame{};
  const CpuReading before = telemetry.read();
  for (uint64_t i = 0; i < frames; ++i)
    EXPECT_EQ(sendto(socket.get(), frame.data(), frame.size(), 0, reinterpret_cast<const sockaddr*>(&to),
                     sizeof to),
              60);
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  CpuReading took;
  do {
    took = telemetry.read() - before;
  } while (took.packets < frames && std::chrono::steady_clock::now() < until);
  return took;
}

TEST_F(BenchTelemetry, NapiThreadsOfUplinksAreKnownByTheirNames) {
  struct stat ours{};
  ASSERT_EQ(::stat("/proc/self/ns/net", &ours), 0);
  telemetry_->watch(static_cast<uint32_t>(ours.st_ino));
  test::run("[ ! -e /proc/sys/net/ipv6 ] || echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6");
  auto netdev = NetdevFamily::open();
  ASSERT_TRUE(netdev);
  for (const std::string device : {"up0", "down0"}) {
    test::add_veth(device, "peer0");
    // Without tso, veth gives each frame to NAPI.
    test::run(fmt::format(
        "ethtool -K {0} gro on && ethtool -K peer0 tso off && echo 1 >/sys/class/net/{0}/threaded", device));
    const TunedDevice nic{.ifindex = test::ifindex_of(device), .name = *InterfaceName::parse(device)};
    const auto napis = read_napi_instances(*netdev, {}, nic);
    ASSERT_EQ(napis.size(), 1U);
    ASSERT_TRUE(set_thread_cpus(static_cast<pid_t>(napis[0].pid), fmt::format("{}", kCpu)));
    const CpuReading took = poll(*telemetry_, "peer0", 100);
    EXPECT_EQ(took.packets, 100U) << device;
    EXPECT_GT(took.polls, 0U);
    EXPECT_EQ(took.task_ns[BENCH_TASK_NAPI] > 0, device == "up0") << device;
    if (device != "up0") {
      EXPECT_GT(took.task_ns[BENCH_TASK_KERNEL], 0U);
    }
    test::run(fmt::format("ip link del {}", device));
  }
}

}  // namespace
}  // namespace xdpfwd::bench
