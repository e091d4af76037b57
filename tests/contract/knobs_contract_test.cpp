// SPDX-License-Identifier: BSD-2-Clause
// Host tuning on Linux, as far as veth and tap have knobs: what is set is seen, also by tc, ethtool and
// sysfs; what is not there, or not taken, is refused with device, knob, value and remedy.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <optional>

#include "kernel/host_knobs.h"
#include "kernel/napi_knobs.h"
#include "kernel/thread_schedule.h"
#include "namesake.h"
#include "support/sandbox.h"

namespace xdpfwd::test {
namespace {

std::string output_of(const std::string& command) {
  std::string output;
  EXPECT_EQ(run_status(command, &output), 0) << command << ": " << output;
  output.erase(output.find_last_not_of('\n') + 1);
  return output;
}

class LinuxKnobs : public testing::Test {
 protected:
  void SetUp() override {
    XDPFWD_NEEDS_ROOT();
    auto opened = HostKnobs::open();
    ASSERT_TRUE(opened) << opened.error().text();
    knobs_.emplace(std::move(*opened));
    run("ip link add eth0 numrxqueues 4 numtxqueues 4 type veth peer name eth1 numrxqueues 4 numtxqueues 4");
    run("ip link set eth0 up && ip link set eth1 up");
    tap_ = open_tap("tap0");
  }
  void TearDown() override {
    if (knobs_) run_status("ip link del eth0");
  }

  static TunedDevice device(const std::string& name) {
    return {.ifindex = ifindex_of(name), .name = InterfaceName::parse(name).value()};
  }
  HostTuning observe() {
    auto host = knobs_->observe({.nics = {device("eth0")}, .taps = {device("tap0")}});
    EXPECT_TRUE(host) << host.error().text();
    return host ? *host : HostTuning{};
  }
  std::optional<std::string> seen(const std::string& name, Knob knob, uint32_t index = kWholeDevice) {
    const HostTuning host = observe();
    const std::string* value =
        find_setting(host, {.ifindex = ifindex_of(name), .knob = knob, .index = index});
    return value ? std::optional(*value) : std::nullopt;
  }
  static Tune tune(const std::string& name, Knob knob, const std::string& value,
                   uint32_t index = kWholeDevice) {
    return {.setting = {.ifindex = ifindex_of(name), .knob = knob, .index = index},
            .name = InterfaceName::parse(name).value(),
            .value = value};
  }
  void must(const Tune& tune) {
    const auto done = knobs_->set(tune);
    ASSERT_TRUE(done) << done.error().text();
  }
  // The error's text has all of `words`.
  void refused(const Tune& tune, int code, const std::vector<std::string>& words) {
    const auto done = knobs_->set(tune);
    ASSERT_FALSE(done) << text_of(tune.setting);
    EXPECT_EQ(done.error().code, code) << done.error().text();
    for (const std::string& word : words)
      EXPECT_NE(done.error().text().find(word), std::string::npos) << word << " in: " << done.error().text();
  }

  std::optional<HostKnobs> knobs_;
  UniqueFd tap_;
};

TEST_F(LinuxKnobs, FactsOfTheHostAndAVeth) {
  const HostTuning host = observe();
  EXPECT_EQ(host.cpus.size(), std::stoul(output_of("nproc --all")));
  EXPECT_EQ(host.numa_of_cpus.size(), host.cpus.size());
  EXPECT_EQ(fmt::format("{}", host.tcp_limit_output_bytes),
            output_of("cat /proc/sys/net/ipv4/tcp_limit_output_bytes"));
  ASSERT_EQ(host.nics.size(), 1U);
  const Nic& nic = host.nics[0];
  EXPECT_EQ(nic.driver, "veth");
  EXPECT_EQ(nic.speed_mbps, 10000U);
  EXPECT_EQ(nic.numa_node, -1);
  EXPECT_EQ(nic.max_channels, 4U);
  EXPECT_EQ(nic.max_rx_ring, 0U);
  EXPECT_EQ(nic.rule_capacity, 0U);
  EXPECT_FALSE(nic.per_queue_coalescing);
  EXPECT_EQ(nic.queues.size(), 4U);
  EXPECT_TRUE(std::ranges::is_sorted(host.settings, {}, &SettingValue::setting));
}

TEST_F(LinuxKnobs, WhatADriverDoesNotHaveIsNotThere) {
  for (const Knob knob : {Knob::kLro, Knob::kHwGro, Knob::kRxRing, Knob::kTxRing, Knob::kAdaptiveRx,
                          Knob::kRxUsecs, Knob::kRule, Knob::kIrqAffinity}) {
    EXPECT_EQ(seen("eth0", knob), std::nullopt) << name_of(knob);
  }
  refused(tune("eth0", Knob::kLro, "off"), EOPNOTSUPP, {"lro", "eth0", "off", "leave this knob out"});
  refused(tune("eth0", Knob::kRxRing, "64"), EOPNOTSUPP, {"ring-rx", "eth0", "64"});
  refused(tune("eth0", Knob::kRxUsecs, "8"), EOPNOTSUPP, {"rx-usecs", "eth0"});
  refused(tune("eth0", Knob::kRxUsecs, "8", 1), EOPNOTSUPP, {"rx-usecs of queue 1", "eth0"});
  refused(tune("eth0", Knob::kRule, "52:54:00:00:00:01 queue 1", 5), EOPNOTSUPP, {"rule 5", "eth0"});
}

TEST_F(LinuxKnobs, AnUnknownDeviceAndAnotherName) {
  Tune gone = tune("eth0", Knob::kRps, "0", 0);
  gone.setting.ifindex += 1000;
  refused(gone, ENODEV, {"eth0", "is not there"});
  Tune renamed = tune("eth0", Knob::kRps, "0", 0);
  renamed.name = InterfaceName::parse("eth1").value();
  refused(renamed, ENODEV, {"eth1", "is not there"});
  refused({.setting = {.ifindex = 0, .knob = Knob::kRps, .index = 0}, .value = "0"}, EINVAL, {"the host"});
  refused(tune("eth0", Knob::kDefaultQdisc, "fq"), EINVAL, {"default-qdisc", "eth0"});
  TunedDevice other = device("eth0");
  other.name = InterfaceName::parse("eth7").value();
  const auto host =
      knobs_->observe({.nics = {other, {.ifindex = 9999, .name = other.name}}, .taps = {other}});
  ASSERT_TRUE(host);
  EXPECT_TRUE(host->nics.empty());
  EXPECT_TRUE(std::ranges::all_of(host->settings,
                                  [](const SettingValue& value) { return value.setting.ifindex == 0; }));
}

TEST_F(LinuxKnobs, ChannelsAreSetAndSeen) {
  EXPECT_EQ(seen("eth0", Knob::kChannels), "4");
  must(tune("eth0", Knob::kChannels, "2"));
  EXPECT_EQ(seen("eth0", Knob::kChannels), "2");
  EXPECT_EQ(observe().nics.at(0).queues.size(), 2U);
  EXPECT_EQ(output_of("ls -d /sys/class/net/eth0/queues/rx-* | wc -l"), "2");
  run("ethtool -L eth0 rx 3 tx 1");
  EXPECT_EQ(seen("eth0", Knob::kChannels), "rx 3 tx 1");
  must(tune("eth0", Knob::kChannels, "4"));
  must(tune("eth0", Knob::kChannels, "rx 3 tx 1"));
  EXPECT_EQ(output_of("ethtool -l eth0 | tail -n 5 | awk '/^[RT]X:/ {print $2}' | paste -sd' '"), "3 1");
  refused(tune("eth0", Knob::kChannels, "5"), EINVAL,
          {"channels", "eth0", "'5'", "exceeds maximum", "ethtool -l eth0"});
  refused(tune("eth0", Knob::kChannels, "two"), EINVAL, {"'two' is no number"});
}

TEST_F(LinuxKnobs, RpsAndXpsAreSetAndSeen) {
  EXPECT_EQ(seen("eth0", Knob::kRps, 3), "");
  EXPECT_EQ(seen("eth0", Knob::kRps, 4), std::nullopt);
  must(tune("eth0", Knob::kRps, "0", 3));
  EXPECT_EQ(seen("eth0", Knob::kRps, 3), "0");
  EXPECT_EQ(output_of("tr -d 0, </sys/class/net/eth0/queues/rx-3/rps_cpus"), "1");
  EXPECT_EQ(seen("eth0", Knob::kRps, 2), "");
  must(tune("eth0", Knob::kRps, "", 3));
  EXPECT_EQ(output_of("tr -d 0, </sys/class/net/eth0/queues/rx-3/rps_cpus"), "");
  must(tune("eth0", Knob::kXps, "0", 1));
  EXPECT_EQ(seen("eth0", Knob::kXps, 1), "0");
  EXPECT_EQ(output_of("tr -d 0, </sys/class/net/eth0/queues/tx-1/xps_cpus"), "1");
  must(tune("eth0", Knob::kXps, "", 1));
  EXPECT_EQ(seen("eth0", Knob::kXps, 1), "");
  must(tune("tap0", Knob::kRps, "0", 0));
  EXPECT_EQ(seen("tap0", Knob::kRps, 0), "0");
  EXPECT_EQ(seen("tap0", Knob::kXps, 0), std::nullopt) << "a tap chooses by itself";
  refused(tune("eth0", Knob::kRps, "0", 4), ENOENT, {"rps-cpus of queue 4", "eth0"});
  refused(tune("eth0", Knob::kRps, "three", 0), EINVAL, {"'three' is not a list of CPUs"});
}

TEST_F(LinuxKnobs, TheQdiscOfATap) {
  const std::string before = seen("tap0", Knob::kQdisc).value_or("");
  EXPECT_EQ(before, output_of("tc qdisc show dev tap0 root | awk '{print $2}'"));
  EXPECT_NE(before, "noqueue");
  for (int twice = 0; twice < 2; ++twice) must(tune("tap0", Knob::kQdisc, "noqueue"));
  EXPECT_EQ(seen("tap0", Knob::kQdisc), "noqueue");
  EXPECT_EQ(output_of("tc qdisc show dev tap0 root | awk '{print $2}'"), "noqueue");
  must(tune("tap0", Knob::kQdisc, before));
  EXPECT_EQ(seen("tap0", Knob::kQdisc), before);
  EXPECT_EQ(output_of("tc qdisc show dev tap0 root | awk '{print $3}'"), "0:");
}

TEST_F(LinuxKnobs, AQdiscThatSomebodyConfigured) {
  run("tc qdisc add dev tap0 root handle 1: pfifo limit 100");
  EXPECT_EQ(seen("tap0", Knob::kQdisc), "pfifo 1:");
  must(tune("tap0", Knob::kQdisc, "noqueue"));
  refused(tune("tap0", Knob::kQdisc, "pfifo 1:"), EOPNOTSUPP, {"qdisc of tap0", "pfifo 1:", "with tc"});
  EXPECT_EQ(seen("tap0", Knob::kQdisc), "noqueue");
  // What is not the kernel's default cannot be gone back to.
  refused(tune("tap0", Knob::kQdisc, "nonesuch"), EOPNOTSUPP,
          {"nonesuch", "the kernel's default is", "net.core.default_qdisc"});
}

TEST_F(LinuxKnobs, ADeviceThatWasNeverUpHasNoQdiscYet) {
  const UniqueFd down = open_tap("tap1", {.up = false});
  const auto host = knobs_->observe({.nics = {}, .taps = {device("tap1")}});
  ASSERT_TRUE(host);
  const std::string* qdisc = find_setting(*host, {.ifindex = ifindex_of("tap1"), .knob = Knob::kQdisc});
  ASSERT_TRUE(qdisc);
  EXPECT_EQ(*qdisc, "noop");
  must(tune("tap1", Knob::kQdisc, "noqueue"));
  run("ip link set tap1 up");
  EXPECT_EQ(output_of("tc qdisc show dev tap1 root | awk '{print $2}'"), "noqueue");
  must(tune("tap1", Knob::kQdisc, "noop"));
  EXPECT_NE(output_of("tc qdisc show dev tap1 root | awk '{print $2}'"), "noqueue");
}

TEST_F(LinuxKnobs, AnInterruptMustBeTheNics) {
  // Of whatever it is: the machine's first line.
  const auto number =
      static_cast<uint32_t>(std::stoul(output_of("awk -F: '$1+0 > 0 {print $1+0; exit}' /proc/interrupts")));
  const std::string file = fmt::format("/proc/irq/{}/smp_affinity_list", number);
  const std::string before = output_of("cat " + file);
  refused(tune("eth0", Knob::kIrqAffinity, "0", number), ENODEV, {"irq-affinity of interrupt", "eth0"});
  refused(tune("eth0", Knob::kIrqBan, "on", number), ENODEV, {"irqbalance-ban", "eth0"});
  EXPECT_EQ(output_of("cat " + file), before);
}

// veth has NAPI instances while a program or GRO needs them, one a queue, and does not tell whose is whose.
class NapiKnobsOnVeth : public LinuxKnobs {
 protected:
  void SetUp() override {
    LinuxKnobs::SetUp();
    if (!knobs_) return;
    run("ethtool -K eth0 gro on");
    instances_ = observe().nics.at(0).napis.size();
    const std::string sysfs = "/sys/class/net/eth0/threaded";
    if (run_status("test -e " + sysfs) != 0) GTEST_SKIP() << "a kernel before 5.12 has no NAPI threads";
  }
  // Where a knob is of each instance, or of the NIC.
  uint32_t index_of(Knob knob) { return seen("eth0", knob, 1) ? 1 : kWholeDevice; }
  static std::string threads() { return output_of("ps -e -o comm= | grep -c '^napi/eth0-' || true"); }
  size_t instances_ = 0;
};

TEST_F(NapiKnobsOnVeth, ThreadsComeAndGo) {
  const uint32_t index = index_of(Knob::kNapiThreaded);
  EXPECT_EQ(seen("eth0", Knob::kNapiThreaded, index), "off");
  EXPECT_EQ(threads(), "0");
  EXPECT_EQ(seen("eth0", Knob::kThreadCpus, 1), std::nullopt) << "there is no thread";
  must(tune("eth0", Knob::kNapiThreaded, "on", index));
  EXPECT_EQ(seen("eth0", Knob::kNapiThreaded, index), "on");
  EXPECT_EQ(threads(), index == kWholeDevice ? "4" : "1");
  ASSERT_NE(seen("eth0", Knob::kThreadCpus, 1), std::nullopt);
  EXPECT_EQ(seen("eth0", Knob::kThreadSched, 1), "other 0");

  must(tune("eth0", Knob::kThreadCpus, "0", 1));
  EXPECT_EQ(seen("eth0", Knob::kThreadCpus, 1), "0");
  must(tune("eth0", Knob::kThreadSched, "other -7", 1));
  EXPECT_EQ(seen("eth0", Knob::kThreadSched, 1), "other -7");
  must(tune("eth0", Knob::kThreadSched, "fifo 10", 1));
  EXPECT_EQ(
      output_of("ps -e -o cls=,rtprio=,comm= | grep 'napi/eth0-' | sort | head -1 | awk '{print $1, $2}'"),
      "FF 10");
  EXPECT_EQ(output_of("for thread in $(pgrep napi/eth0-); do taskset -cp $thread; done | grep -c 'list: 0$'"),
            "1");
  refused(tune("eth0", Knob::kThreadSched, "fifo 100", 1), EINVAL,
          {"napi-thread-sched of NAPI 1", "eth0", "1 to 99"});
  refused(tune("eth0", Knob::kThreadCpus, "9999", 1), EINVAL, {"napi-thread-cpus of NAPI 1"});

  must(tune("eth0", Knob::kNapiThreaded, "off", index));
  EXPECT_EQ(seen("eth0", Knob::kNapiThreaded, index), "off");
  // Linux that has one value for all of a NIC (before 6.17) keeps the threads, without work, until it is
  // reset.
  if (index == kWholeDevice) run("ip link set eth0 down && ip link set eth0 up");
  EXPECT_EQ(threads(), "0");
  EXPECT_EQ(seen("eth0", Knob::kThreadCpus, 1), std::nullopt);
  refused(tune("eth0", Knob::kThreadCpus, "0", 1), EOPNOTSUPP, {"napi-thread-cpus of NAPI 1"});
}

// Down and up, and other channels: other instances with other threads, found by their place.
TEST_F(NapiKnobsOnVeth, ThreadsAreFoundAgainAfterAReset) {
  must(tune("eth0", Knob::kNapiThreaded, "on", index_of(Knob::kNapiThreaded)));
  must(tune("eth0", Knob::kThreadCpus, "1", 1));
  const auto before = observe().nics.at(0).napis;
  run("ip link set eth0 down");
  EXPECT_TRUE(observe().nics.at(0).napis.empty());
  EXPECT_EQ(seen("eth0", Knob::kThreadCpus, 1), std::nullopt);
  refused(tune("eth0", Knob::kThreadCpus, "1", 1), EOPNOTSUPP, {"napi-thread-cpus"});
  run("ip link set eth0 up");
  const auto after = observe().nics.at(0).napis;
  ASSERT_EQ(after.size(), before.size());
  must(tune("eth0", Knob::kNapiThreaded, "on", index_of(Knob::kNapiThreaded)));
  must(tune("eth0", Knob::kThreadCpus, "1", 1));
  EXPECT_EQ(seen("eth0", Knob::kThreadCpus, 1), "1");
}

// There the number is somebody else's.
TEST_F(NapiKnobsOnVeth, ThreadsAreNotTakenForOthersInAnotherPidNamespace) {
  must(tune("eth0", Knob::kNapiThreaded, "on", index_of(Knob::kNapiThreaded)));
  ASSERT_NE(seen("eth0", Knob::kThreadCpus, 1), std::nullopt);
  EXPECT_FALSE(observe().hides_threads);
  auto netdev = NetdevFamily::open();
  ASSERT_TRUE(netdev);
  const auto thread = static_cast<pid_t>(read_napi_instances(*netdev, {}, device("eth0")).at(1).pid);
  const pid_t outer = fork();
  if (outer == 0) {
    if (unshare(CLONE_NEWPID) != 0) _exit(1);
    const pid_t inner = fork();
    if (inner == 0) {
      const Namesake other(thread);
      if (other.number() != thread || !observe().hides_threads) _exit(2);
      if (seen("eth0", Knob::kThreadCpus, 1)) _exit(3);
      if (knobs_->set(tune("eth0", Knob::kThreadCpus, "0", 1)) || read_thread_cpus(thread) == "0") _exit(4);
      _exit(0);
    }
    int status = 1;
    _exit(waitpid(inner, &status, 0) == inner ? WEXITSTATUS(status) : 1);
  }
  int status = 1;
  ASSERT_EQ(waitpid(outer, &status, 0), outer);
  EXPECT_EQ(status, 0);
}

TEST_F(NapiKnobsOnVeth, DeferralIsSetAndSeen) {
  const uint32_t index = index_of(Knob::kNapiDefer);
  EXPECT_EQ(seen("eth0", Knob::kNapiDefer, index), "0");
  EXPECT_EQ(seen("eth0", Knob::kGroFlush, index), "0");
  must(tune("eth0", Knob::kNapiDefer, "100", index));
  must(tune("eth0", Knob::kGroFlush, "50000", index));
  EXPECT_EQ(seen("eth0", Knob::kNapiDefer, index), "100");
  EXPECT_EQ(seen("eth0", Knob::kGroFlush, index), "50000");
  if (index != kWholeDevice) {
    EXPECT_EQ(seen("eth0", Knob::kNapiDefer, 0), "0") << "of that instance only";
    EXPECT_EQ(seen("eth0", Knob::kNapiDefer), std::nullopt) << "the NIC's own file is no knob beside them";
  }
  refused(tune("eth0", Knob::kNapiDefer, "often", index), EINVAL, {"napi-defer-hard-irqs", "'often'"});
  refused(tune("eth0", Knob::kNapiThreaded, "perhaps", index), EINVAL, {"napi-threaded", "'perhaps'"});
  refused(tune("eth0", Knob::kNapiDefer, "1", static_cast<uint32_t>(instances_)), EOPNOTSUPP,
          {"napi-defer-hard-irqs"});
}

}  // namespace
}  // namespace xdpfwd::test
