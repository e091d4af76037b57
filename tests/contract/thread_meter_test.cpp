// SPDX-License-Identifier: BSD-2-Clause
// Moves of real NAPI threads: each where it should be and no other; nobody who got the number of a thread
// that ended, and no interrupt but one that is the NIC's.
#include "kernel/thread_meter.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <thread>

#include "kernel/host_knobs.h"
#include "kernel/interrupts.h"
#include "kernel/napi_knobs.h"
#include "kernel/thread_schedule.h"
#include "namesake.h"
#include "support/sandbox.h"

namespace xdpfwd::test {
namespace {

class ThreadMeterOnVeth : public testing::Test {
 protected:
  void SetUp() override {
    XDPFWD_NEEDS_ROOT();
    auto knobs = HostKnobs::open();
    auto netdev = NetdevFamily::open();
    ASSERT_TRUE(knobs && netdev);
    knobs_.emplace(std::move(*knobs));
    netdev_.emplace(std::move(*netdev));
    run("ip link add eth0 numrxqueues 4 numtxqueues 4 type veth peer name eth1 numrxqueues 4 numtxqueues 4");
    run("ip link set eth0 up && ip link set eth1 up && ethtool -K eth0 gro on");
    run("echo 1 >/sys/class/net/eth0/threaded");
    nic_ = {.ifindex = ifindex_of("eth0"), .name = InterfaceName::parse("eth0").value()};
    instances_ = read_napi_instances(*netdev_, {}, nic_);
    ASSERT_EQ(instances_.size(), 4U);
    for (const NapiInstance& one : instances_) threads_.push_back({.nic = nic_, .napi = one.id});
  }
  void TearDown() override {
    if (knobs_) run_status("ip link del eth0");
  }
  std::unique_ptr<ThreadMeter> meter() {
    auto made = knobs_->meter_threads(threads_);
    EXPECT_TRUE(made) << made.error().text();
    return made ? std::move(*made) : nullptr;
  }
  [[nodiscard]] pid_t thread(size_t nth) const { return static_cast<pid_t>(instances_.at(nth).pid); }

  std::optional<HostKnobs> knobs_;
  std::optional<NetdevFamily> netdev_;
  TunedDevice nic_;
  std::vector<NapiInstance> instances_;
  std::vector<NapiThread> threads_;
};

TEST_F(ThreadMeterOnVeth, AThreadGoesWhereItIsSent) {
  const std::string all = read_thread_cpus(thread(1)).value();
  const auto meter = this->meter();
  ASSERT_TRUE(meter);
  for (const uint32_t cpu : {0U, 1U, 1U, 0U}) {
    const auto moved = meter->move_thread(2, cpu);
    ASSERT_TRUE(moved) << moved.error().text();
    EXPECT_EQ(read_thread_cpus(thread(2)), std::to_string(cpu));
  }
  EXPECT_EQ(read_thread_cpus(thread(1)), all) << "no other";
  EXPECT_EQ(meter->move_thread(2, 9999).error().code, EINVAL);
  EXPECT_EQ(read_thread_cpus(thread(2)), "0");
  EXPECT_TRUE(meter->read());
}

TEST_F(ThreadMeterOnVeth, WhoGetsTheNumberOfAThreadIsNotMoved) {
  const auto meter = this->meter();
  ASSERT_TRUE(meter);
  run("ip link set eth0 down");
  // Whoever stops a thread waits until it ends, not until its number is free.
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (meter->read() && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  EXPECT_EQ(meter->move_thread(1, 0).error().code, ESRCH);
  const Namesake other(thread(1));
  ASSERT_EQ(other.number(), thread(1));
  const std::string all = read_thread_cpus(other.number()).value();
  ASSERT_NE(all, "0") << "this test needs two CPUs";
  EXPECT_EQ(meter->read().error().code, ESRCH);
  EXPECT_EQ(meter->move_thread(1, 0).error().code, ESRCH);
  EXPECT_EQ(read_thread_cpus(other.number()), all);
}

TEST_F(ThreadMeterOnVeth, AnInstanceWithoutAThreadHasNoMeter) {
  run("ip link set eth0 down && ip link set eth0 up");
  EXPECT_EQ(knobs_->meter_threads(threads_).error().code, ESRCH);
}

// veth has none: whichever is named is somebody else's.
TEST_F(ThreadMeterOnVeth, AnInterruptThatIsNotTheNicsStays) {
  for (const auto& entry : std::filesystem::directory_iterator("/sys/kernel/irq")) {
    threads_[1].irq = static_cast<uint32_t>(std::stoul(entry.path().filename().string()));
    if (threads_[1].irq == 0 || !read_handlers({}, threads_[1].irq)) continue;
    const auto before = read_affinity({}, threads_[1].irq);
    const auto meter = this->meter();
    ASSERT_TRUE(meter);
    EXPECT_EQ(meter->move_interrupt(1, 0).error().code, ENODEV);
    EXPECT_EQ(read_affinity({}, threads_[1].irq), before);
    return;
  }
  FAIL() << "a machine without interrupts";
}

// The kernel lets nobody write to those whose file says so; root it asks afterwards.
TEST(MoveInterrupt, OneThatTheKernelManagesRefuses) {
  XDPFWD_NEEDS_ROOT();
  for (const auto& entry : std::filesystem::directory_iterator("/sys/kernel/irq")) {
    const std::string number = entry.path().filename().string();
    const auto irq = static_cast<uint32_t>(std::stoul(number));
    struct stat file{};
    if (::stat(("/proc/irq/" + number + "/smp_affinity_list").c_str(), &file) != 0) continue;
    const auto handlers = read_handlers({}, irq);
    const auto before = read_affinity({}, irq);
    if ((file.st_mode & S_IWUSR) != 0 || !handlers || before == "0") continue;
    EXPECT_EQ(move_interrupt({}, irq, *handlers, 0).error().code, EIO) << number;
    EXPECT_EQ(set_affinity({}, irq, "0").error().code, EIO) << number;
    EXPECT_EQ(read_affinity({}, irq), before) << number;
  }
}

}  // namespace
}  // namespace xdpfwd::test
