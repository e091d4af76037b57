// SPDX-License-Identifier: BSD-2-Clause
// What is lost after the verdict is counted by cause, on real taps: each loss is made to happen. And what
// others lose is not counted.
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <array>
#include <cstring>

#include "pktgen/packet.h"
#include "probe.skel.h"
#include "support/sandbox.h"
#include "tests/bpf/kernel_tables.h"
#include "uplink.skel.h"

namespace xdpfwd::test {
namespace {

constexpr uint32_t kLiveFrames = 1U << 1;  // BPF_F_TEST_XDP_LIVE_FRAMES
constexpr uint32_t kSlot = 300;
constexpr uint64_t kFrames = 2000;  // more than a tap's ring of 1000 takes

struct CloseLink {
  void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
using Link = std::unique_ptr<bpf_link, CloseLink>;

struct CloseUplink {
  void operator()(uplink_bpf* uplink) const { uplink_bpf::destroy(uplink); }
};
using Uplink = std::unique_ptr<uplink_bpf, CloseUplink>;

Uplink load_uplink() {
  Uplink uplink(uplink_bpf::open(nullptr));
  if (!uplink) return nullptr;
  uplink->rodata->member_slot = kMemberSlot;
  return uplink_bpf::load(uplink.get()) == 0 ? std::move(uplink) : nullptr;
}

// Sends so many frames of `size` bytes to the default guest through the program, and really delivers them.
void send(const Uplink& uplink, uint64_t frames, size_t size = 60) {
  std::vector<uint8_t> frame = Packet(Ethernet{}).bytes(size);
  LIBBPF_OPTS(bpf_test_run_opts, options);
  options.data_in = frame.data();
  options.data_size_in = static_cast<uint32_t>(frame.size());
  options.repeat = static_cast<int>(frames);
  options.flags = kLiveFrames;
  ASSERT_EQ(bpf_prog_test_run_opts(bpf_program__fd(uplink->progs.xdpfwd_uplink), &options), 0);
}

// The default guest, untagged, at `kSlot` on this device.
void install(KernelTables& tables, uint32_t ifindex) {
  World world;
  world.rows[FdbKey::make(kGuestMac, VlanTag())] = {kSlot, 0};
  world.ports[kSlot] = {ifindex, 1518};
  world.devices = {ifindex};
  auto done = tables.install(world);
  ASSERT_TRUE(done.has_value()) << done.error().text();
}

uint64_t read_all(const UniqueFd& tap) {
  uint64_t frames = 0;
  for (std::array<char, 2048> frame{}; read(tap.get(), frame.data(), frame.size()) > 0;) ++frames;
  return frames;
}

using Losses = std::array<uint64_t, XDPFWD_LOSS_COUNT>;

Losses only(xdpfwd_loss loss, uint64_t packets) {
  Losses losses{};
  losses[loss] = packets;
  return losses;
}

class Probe : public testing::Test {
 protected:
  void SetUp() override {
    XDPFWD_NEEDS_ROOT();
    run_status("echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6");
    uplink_ = load_uplink();
    ASSERT_TRUE(uplink_);
    tables_ = KernelTables(uplink_->obj);
    ASSERT_TRUE(tables_.prepare().has_value());

    probe_ = probe_bpf::open(nullptr);
    ASSERT_TRUE(probe_);
    struct stat netns{};
    ASSERT_EQ(stat("/proc/thread-self/ns/net", &netns), 0);
    probe_->rodata->netns_inum = static_cast<uint32_t>(netns.st_ino);
    bpf_map_info info{};
    uint32_t size = sizeof(info);
    ASSERT_EQ(bpf_obj_get_info_by_fd(bpf_map__fd(uplink_->maps.devmap), &info, &size), 0);
    probe_->rodata->devmap_id = info.id;
    ASSERT_EQ(probe_bpf::load(probe_), 0);
    for (const bpf_program* program : {probe_->progs.xdpfwd_devmap_xmit, probe_->progs.xdpfwd_redirect_err}) {
      links_.emplace_back(bpf_program__attach(program));
      ASSERT_TRUE(links_.back()) << strerror(errno);
    }
  }

  void TearDown() override {
    links_.clear();
    if (probe_) probe_bpf::destroy(probe_);
  }

  // The program forwards to this device, and the probe knows it as kSlot.
  void open_port(uint32_t ifindex) {
    ASSERT_NO_FATAL_FAILURE(install(tables_, ifindex));
    ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(probe_->maps.port_slots), &ifindex, &kSlot, BPF_ANY), 0);
  }

  uint64_t forwarded() {
    const auto counters = tables_.counters();
    return counters ? counters->member.packets[XDPFWD_REASON_FORWARDED] : 0;
  }

  Losses losses(uint32_t slot = kSlot) {
    std::vector<xdpfwd_port_losses> per_cpu(static_cast<size_t>(libbpf_num_possible_cpus()));
    EXPECT_EQ(bpf_map_lookup_elem(bpf_map__fd(probe_->maps.port_losses), &slot, per_cpu.data()), 0);
    Losses sums{};
    for (const auto& cpu : per_cpu) {
      for (size_t loss = 0; loss < sums.size(); ++loss) sums[loss] += cpu.packets[loss];
    }
    return sums;
  }

  Uplink uplink_;
  KernelTables tables_;
  probe_bpf* probe_ = nullptr;
  std::vector<Link> links_;
};

TEST_F(Probe, CountsNothingWhileFramesArrive) {
  const UniqueFd tap = open_tap("tap0");
  ASSERT_NO_FATAL_FAILURE(open_port(ifindex_of("tap0")));
  ASSERT_NO_FATAL_FAILURE(send(uplink_, 500));
  EXPECT_EQ(forwarded(), 500U);
  EXPECT_EQ(read_all(tap), 500U);
  EXPECT_EQ(losses(), Losses{});
}

TEST_F(Probe, CountsFramesThatAFullRingRefused) {
  const UniqueFd tap = open_tap("tap0");
  ASSERT_NO_FATAL_FAILURE(open_port(ifindex_of("tap0")));
  ASSERT_NO_FATAL_FAILURE(send(uplink_, kFrames));
  const uint64_t arrived = read_all(tap);
  EXPECT_EQ(forwarded(), kFrames);
  EXPECT_GT(arrived, 0U);
  EXPECT_LT(arrived, kFrames);
  EXPECT_EQ(losses(), only(XDPFWD_LOSS_RING_FULL, kFrames - arrived));
}

TEST_F(Probe, CountsFramesForATapWithoutReader) {
  UniqueFd tap = open_tap("tap0", {.multi_queue = true, .persist = true});
  tap.reset();
  ASSERT_NO_FATAL_FAILURE(open_port(ifindex_of("tap0")));
  ASSERT_NO_FATAL_FAILURE(send(uplink_, kFrames));
  EXPECT_EQ(forwarded(), kFrames);
  EXPECT_EQ(losses(), only(XDPFWD_LOSS_NO_READER, kFrames));
  run("ip link del tap0");
}

TEST_F(Probe, CountsFramesForATapThatIsDown) {
  const UniqueFd tap = open_tap("tap0");
  ASSERT_NO_FATAL_FAILURE(open_port(ifindex_of("tap0")));
  run("ip link set tap0 down");
  ASSERT_NO_FATAL_FAILURE(send(uplink_, kFrames));
  EXPECT_EQ(forwarded(), kFrames);
  EXPECT_EQ(losses(), only(XDPFWD_LOSS_DOWN, kFrames));
}

TEST_F(Probe, CountsFramesThatATapsLoweredMtuRefuses) {
  const UniqueFd tap = open_tap("tap0");
  ASSERT_NO_FATAL_FAILURE(open_port(ifindex_of("tap0")));
  run("ip link set tap0 mtu 500");
  ASSERT_NO_FATAL_FAILURE(send(uplink_, 100, 500 + 18));
  EXPECT_EQ(losses(), Losses{});
  ASSERT_NO_FATAL_FAILURE(send(uplink_, 100, 500 + 19));
  EXPECT_EQ(read_all(tap), 100U);
  EXPECT_EQ(losses(), only(XDPFWD_LOSS_TOO_LONG, 100));
}

TEST_F(Probe, CountsOtherRefusalsAsOther) {
  // lo takes no redirected frames.
  ASSERT_NO_FATAL_FAILURE(open_port(ifindex_of("lo")));
  ASSERT_NO_FATAL_FAILURE(send(uplink_, 100));
  EXPECT_EQ(losses(), only(XDPFWD_LOSS_OTHER, 100));
}

TEST_F(Probe, LeavesOutDevicesThatAreNoPorts) {
  const UniqueFd tap = open_tap("tap0");
  ASSERT_NO_FATAL_FAILURE(install(tables_, ifindex_of("tap0")));
  ASSERT_NO_FATAL_FAILURE(send(uplink_, kFrames));
  run("ip link set tap0 down");
  ASSERT_NO_FATAL_FAILURE(send(uplink_, kFrames));
  EXPECT_EQ(forwarded(), 2 * kFrames);
  for (uint32_t slot = 0; slot < XDPFWD_MAX_PORTS; ++slot) ASSERT_EQ(losses(slot), Losses{}) << slot;
}

TEST_F(Probe, LeavesOutRefusalsOfOtherDevmaps) {
  const UniqueFd tap = open_tap("tap0");
  ASSERT_NO_FATAL_FAILURE(open_port(ifindex_of("tap0")));
  const Uplink theirs = load_uplink();
  ASSERT_TRUE(theirs);
  KernelTables their_tables(theirs->obj);
  ASSERT_TRUE(their_tables.prepare().has_value());
  ASSERT_NO_FATAL_FAILURE(install(their_tables, ifindex_of("tap0")));
  run("ip link set tap0 down");
  ASSERT_NO_FATAL_FAILURE(send(theirs, kFrames));
  EXPECT_EQ(losses(), Losses{});
  ASSERT_NO_FATAL_FAILURE(send(uplink_, 1));
  EXPECT_EQ(losses(), only(XDPFWD_LOSS_DOWN, 1));
}

// Their tap has the ifindex of ours.
TEST_F(Probe, LeavesOutOtherNetworkNamespaces) {
  const UniqueFd tap = open_tap("tap0");
  const uint32_t ifindex = ifindex_of("tap0");
  ASSERT_NO_FATAL_FAILURE(open_port(ifindex));

  const UniqueFd home(open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  ASSERT_EQ(unshare(CLONE_NEWNET), 0);
  UniqueFd theirs(open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK));
  ifreq request{};
  std::strcpy(request.ifr_name, "theirs");
  request.ifr_flags = IFF_TAP | IFF_NO_PI;
  ASSERT_EQ(ioctl(theirs.get(), TUNSETIFINDEX, &ifindex), 0);
  ASSERT_EQ(ioctl(theirs.get(), TUNSETIFF, &request), 0) << strerror(errno);
  run("ip link set theirs up");
  ASSERT_EQ(ifindex_of("theirs"), ifindex);
  const Uplink uplink = load_uplink();
  ASSERT_TRUE(uplink);
  KernelTables tables(uplink->obj);
  ASSERT_TRUE(tables.prepare().has_value());
  ASSERT_NO_FATAL_FAILURE(install(tables, ifindex));
  ASSERT_NO_FATAL_FAILURE(send(uplink, kFrames));
  EXPECT_LT(read_all(theirs), kFrames);
  ASSERT_EQ(setns(home.get(), CLONE_NEWNET), 0);

  EXPECT_EQ(losses(), Losses{});
  ASSERT_NO_FATAL_FAILURE(send(uplink_, kFrames));
  EXPECT_EQ(losses(), only(XDPFWD_LOSS_RING_FULL, kFrames - read_all(tap)));
}

// What a kernel may lack is looked for in its modules, which takes CAP_SYS_ADMIN: the unit has it not.
TEST(UplinkObject, calls_no_function_that_an_older_kernel_lacks) {
  const Uplink uplink(uplink_bpf::open(nullptr));
  ASSERT_TRUE(uplink);
  EXPECT_LT(btf__find_by_name_kind(bpf_object__btf(uplink->obj), ".ksyms", BTF_KIND_DATASEC), 0);
}

}  // namespace
}  // namespace xdpfwd::test
