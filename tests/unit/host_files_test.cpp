// SPDX-License-Identifier: BSD-2-Clause
// What is read from /proc and /sys, on trees of a test's own; and the one form of a knob's value.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "kernel/host_cpus.h"
#include "kernel/host_file.h"
#include "kernel/knob_value.h"
#include "kernel/napi_threads.h"
#include "kernel/queue_cpus.h"
#include "support/scratch_directory.h"

namespace xdpfwd {
namespace {

class Tree {
 public:
  void put(const std::string& path, const std::string& text) const {
    const std::filesystem::path file(root_ / path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  [[nodiscard]] HostRoots roots() const { return {.proc = root_ / "proc", .sys = root_ / "sys"}; }
  [[nodiscard]] std::string path(const std::string& name) const { return root_ / name; }

 private:
  ScratchDirectory root_;
};

TEST(HostFile, AValue) {
  const Tree tree;
  tree.put("value", "  12 \n");
  tree.put("number", "-12\n");
  EXPECT_EQ(read_host_file(tree.path("value")), "  12");
  EXPECT_EQ(read_host_number(tree.path("number")), -12);
  EXPECT_EQ(read_host_number(tree.path("value")).error().code, EINVAL);
  EXPECT_EQ(read_host_file(tree.path("none")).error().code, ENOENT);
  EXPECT_EQ(write_host_file(tree.path("none"), "1").error().code, ENOENT);
}

TEST(HostFile, OneThatNeverEndsIsNotReadOn) {
  EXPECT_EQ(read_host_file("/dev/zero", 100000).error().code, EFBIG);
}

TEST(HostCpus, WithNodes) {
  const Tree tree;
  tree.put("sys/devices/system/cpu/online", "0-2,4\n");
  tree.put("sys/devices/system/node/online", "0-2\n");
  tree.put("sys/devices/system/node/node0/cpulist", "0,2\n");
  tree.put("sys/devices/system/node/node1/cpulist", "1,3-5\n");
  tree.put("sys/devices/system/node/node2/cpulist", "\n");
  const auto host = read_cpus(tree.roots());
  ASSERT_TRUE(host);
  EXPECT_EQ(host->cpus, (std::vector<uint32_t>{0, 1, 2, 4}));
  EXPECT_EQ(host->numa_of_cpus, (std::vector<int32_t>{0, 1, 0, 1}));
}

TEST(HostCpus, WithoutNodes) {
  const Tree tree;
  tree.put("sys/devices/system/cpu/online", "0-1\n");
  EXPECT_EQ(read_cpus(tree.roots())->numa_of_cpus, (std::vector<int32_t>{-1, -1}));
  EXPECT_FALSE(read_cpus(Tree().roots()));
}

TEST(HostCpus, OfACore) {
  const Tree tree;
  tree.put("sys/devices/system/cpu/online", "0-3,5\n");
  for (const uint32_t cpu : {0U, 2U})
    tree.put(fmt::format("sys/devices/system/cpu/cpu{}/topology/thread_siblings_list", cpu), "0,2\n");
  tree.put("sys/devices/system/cpu/cpu3/topology/thread_siblings_list", "3,5\n");
  tree.put("sys/devices/system/cpu/cpu5/topology/thread_siblings_list", "nonsense\n");
  EXPECT_EQ(read_cpus(tree.roots())->core_of_cpus, (std::vector<uint32_t>{0, 1, 0, 3, 5}));
}

TEST(HostCpus, ThatAreKeptForOthers) {
  const Tree tree;
  tree.put("sys/devices/system/cpu/online", "0-5\n");
  EXPECT_TRUE(read_cpus(tree.roots())->isolated.empty());
  tree.put("sys/devices/system/cpu/isolated", "\n");
  tree.put("sys/devices/system/cpu/nohz_full", "  (null)\n");
  EXPECT_TRUE(read_cpus(tree.roots())->isolated.empty());
  tree.put("sys/devices/system/cpu/isolated", "4-7\n");
  tree.put("sys/devices/system/cpu/nohz_full", "2,4\n");
  EXPECT_EQ(read_cpus(tree.roots())->isolated, (std::vector<uint32_t>{2, 4, 5}));
}

TEST(NapiThreads, AreTheKernelsOwn) {
  const Tree tree;
  const auto process = [&](int pid, const std::string& name, const std::string& flags) {
    tree.put(fmt::format("proc/{}/comm", pid), name + "\n");
    tree.put(fmt::format("proc/{}/stat", pid),
             fmt::format("{} ({}) S 2 0 0 0 -1 {} 0 0\n", pid, name, flags));
  };
  process(40, "napi/eth0-8194", "2129984");  // 0x208040: PF_KTHREAD is in it
  process(41, "napi/eth0-8193", "2129984");
  process(42, "napi/eth0-1", "4194304");
  process(43, "napi/eth0-2) S 2 0 0 0 -1 2129984 (", "4194304");
  process(44, "napi/eth0-8195x", "2129984");
  process(45, "napi/eth01-8196", "2129984");
  process(46, "napi/eth0-8193", "2129984");
  tree.put("proc/47/comm", "napi/eth0-8197\n");
  tree.put("proc/self/comm", "napi/eth0-8198\n");
  std::vector<uint32_t> ids;
  for (const NapiInstance& napi : find_napi_threads(tree.roots(), InterfaceName::parse("eth0").value()))
    ids.push_back(napi.id);
  EXPECT_EQ(ids, (std::vector<uint32_t>{8193, 8194}));
  EXPECT_TRUE(find_napi_threads(Tree().roots(), InterfaceName::parse("eth0").value()).empty());
}

TEST(NapiThreads, AreSeenFromTheFirstPidNamespace) {
  const Tree tree;
  EXPECT_FALSE(sees_kernel_threads(tree.roots())) << "the /proc of another: self leads nowhere";
  tree.put("proc/self/ns/net", "");
  EXPECT_TRUE(sees_kernel_threads(tree.roots())) << "a kernel that has one only";
  tree.put("proc/self/ns/pid", "");
  EXPECT_FALSE(sees_kernel_threads(tree.roots()));
}

TEST(QueueCpus, MasksAreLists) {
  const Tree tree;
  const InterfaceName eth0 = InterfaceName::parse("eth0").value();
  tree.put("sys/class/net/eth0/queues/rx-0/rps_cpus", "00000000,00000000\n");
  tree.put("sys/class/net/eth0/queues/rx-1/rps_cpus", "00000002,0000000f\n");
  tree.put("sys/class/net/eth0/queues/rx-3/rps_cpus", "1\n");
  EXPECT_EQ(read_queue_cpus(tree.roots(), eth0, QueueCpus::kRps), (std::vector<std::string>{"", "0-3,33"}));
  EXPECT_TRUE(read_queue_cpus(tree.roots(), eth0, QueueCpus::kXps).empty());
  ASSERT_TRUE(set_queue_cpus(tree.roots(), eth0, QueueCpus::kRps, 3, "0,33"));
  EXPECT_EQ(read_host_file(tree.path("sys/class/net/eth0/queues/rx-3/rps_cpus")), "2,00000001");
  EXPECT_EQ(set_queue_cpus(tree.roots(), eth0, QueueCpus::kXps, 0, "0").error().code, ENOENT);
}

TEST(KnobValue, HasOneForm) {
  EXPECT_EQ(canonical_value(Knob::kIrqAffinity, "1,0,3"), "0-1,3");
  EXPECT_EQ(canonical_value(Knob::kRps, ""), "");
  EXPECT_EQ(canonical_value(Knob::kRxUsecs, "064"), "64");
  EXPECT_EQ(canonical_value(Knob::kRule, "52-54-00-00-00-0A vlan 0 queue 03"), "52:54:00:00:00:0a queue 3");
  EXPECT_EQ(canonical_value(Knob::kChannels, "rx 4 tx 2"), "rx 4 tx 2");
  EXPECT_EQ(canonical_value(Knob::kQdisc, "noqueue"), "noqueue");
}

TEST(KnobValue, WhatIsNone) {
  for (const auto& [knob, value] : {std::pair{Knob::kLro, "yes"},
                                    {Knob::kRxUsecs, "-1"},
                                    {Knob::kTxFrames, ""},
                                    {Knob::kRxUsecs, "4294967296"},
                                    {Knob::kXps, "0x3"},
                                    {Knob::kQdisc, ""},
                                    {Knob::kRule, "flow-type ether queue 3"}}) {
    const auto refused = canonical_value(knob, value);
    ASSERT_FALSE(refused) << name_of(knob) << " " << value;
    EXPECT_EQ(refused.error().code, EINVAL);
    EXPECT_FALSE(refused.error().remedy.empty() && knob != Knob::kXps) << value;
  }
}

}  // namespace
}  // namespace xdpfwd
