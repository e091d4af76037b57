// SPDX-License-Identifier: BSD-2-Clause
// The program that reads the tag from the descriptor, as it is shipped: bound to a veth, which has
// bpf_xdp_metadata_rx_vlan_tag. A tcx program on the other end puts the tags beside the frames. Random frames
// go in by a packet socket; what reaches each tap, and what the stack is passed, is read back and equals the
// oracle, in order. XDPFWD_HINT_FRAMES sets how many, XDPFWD_RANDOM_SEED which.
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <random>

#include "push_tag.skel.h"
#include "support/sandbox.h"
#include "tests/bpf/kernel_tables.h"
#include "tests/bpf/oracle.h"
#include "tests/bpf/random_frames.h"
#include "tests/bpf/scenarios.h"
#include "uplink_hint.skel.h"

namespace xdpfwd::test {
namespace {

constexpr uint64_t kDefaultFrames = 100'000;
constexpr uint64_t kFramesPerWorld = 1024;
constexpr uint64_t kFramesPerBatch = 32;                       // a veth's ring has 256 entries
constexpr auto kTcxEgress = static_cast<bpf_attach_type>(47);  // BPF_TCX_EGRESS, newer than the headers
constexpr uint32_t kDeviceBoundOnly = 1U << 6;                 // BPF_F_XDP_DEV_BOUND_ONLY, likewise
constexpr int kPatienceMs = 5000;

using Bytes = std::vector<uint8_t>;

uint64_t environment_number(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 0) : otherwise;
}

struct CloseLink {
  void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
using Link = std::unique_ptr<bpf_link, CloseLink>;

UniqueFd packet_socket(const char* device, int protocol) {
  UniqueFd fd(socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const int on = 1, size = 32 << 20;
  setsockopt(fd.get(), SOL_PACKET, PACKET_AUXDATA, &on, sizeof(on));
  setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(static_cast<uint16_t>(protocol));
  address.sll_ifindex = static_cast<int>(if_nametoindex(device));
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0) << strerror(errno);
  return fd;
}

// One frame onto the wire, its tag beside it.
void send_frame(int fd, const Input& input) {
  iovec bytes{const_cast<uint8_t*>(input.frame.data()), input.frame.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(uint32_t))> control{};
  msghdr message{};
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SO_MARK;
  header->cmsg_len = CMSG_LEN(sizeof(uint32_t));
  uint32_t mark = 0;
  if (input.tag) mark = 0x10000U | (input.tag->tpid == ETH_P_8021AD ? 0x20000U : 0U) | input.tag->tci;
  std::memcpy(CMSG_DATA(header), &mark, sizeof(mark));
  ASSERT_EQ(sendmsg(fd, &message, 0), static_cast<ssize_t>(input.frame.size())) << strerror(errno);
}

Bytes with_tag(std::span<const uint8_t> frame, uint16_t tpid, uint16_t tci) {
  Bytes out(frame.begin(), frame.begin() + 12);
  for (const uint16_t word : {tpid, tci}) {
    out.push_back(static_cast<uint8_t>(word >> 8));
    out.push_back(static_cast<uint8_t>(word));
  }
  out.insert(out.end(), frame.begin() + 12, frame.end());
  return out;
}

std::optional<Bytes> read_tap(int fd) {
  Bytes frame(16384);
  const ssize_t size = read(fd, frame.data(), frame.size());
  if (size < 0) return std::nullopt;
  frame.resize(static_cast<size_t>(size));
  return frame;
}

// A frame that the stack got, with the tag that the kernel keeps beside it put back in.
std::optional<Bytes> read_passed(int fd) {
  Bytes frame(16384);
  iovec bytes{frame.data(), frame.size()};
  alignas(cmsghdr) std::array<char, 256> control{};
  sockaddr_ll from{};
  msghdr message{};
  message.msg_name = &from;
  message.msg_namelen = sizeof(from);
  message.msg_iov = &bytes;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t size = recvmsg(fd, &message, 0);
  if (size < 0) return std::nullopt;
  if (from.sll_pkttype == PACKET_OUTGOING) return read_passed(fd);
  frame.resize(static_cast<size_t>(size));
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level != SOL_PACKET || header->cmsg_type != PACKET_AUXDATA) continue;
    tpacket_auxdata aux{};
    std::memcpy(&aux, CMSG_DATA(header), sizeof(aux));
    if ((aux.tp_status & TP_STATUS_VLAN_VALID) == 0) continue;
    return with_tag(frame, (aux.tp_status & TP_STATUS_VLAN_TPID_VALID) != 0 ? aux.tp_vlan_tpid : ETH_P_8021Q,
                    aux.tp_vlan_tci);
  }
  return frame;
}

// Since 6.8.
bool kernel_has_vlan_hint() {
  btf* kernel = btf__load_vmlinux_btf();
  const bool has =
      kernel && btf__find_by_name_kind(kernel, "bpf_xdp_metadata_rx_vlan_tag", BTF_KIND_FUNC) > 0;
  btf__free(kernel);
  return has;
}

// A place where frames come out, and those that must.
struct Exit {
  std::string name;
  UniqueFd fd;
  std::optional<Bytes> (*read)(int) = read_tap;
  std::deque<Bytes> expected = {};
};

void drain(Exit& exit) {
  while (!exit.expected.empty()) {
    std::optional<Bytes> frame = exit.read(exit.fd.get());
    if (!frame) {
      pollfd wait{exit.fd.get(), POLLIN, 0};
      ASSERT_EQ(poll(&wait, 1, kPatienceMs), 1)
          << exit.name << ": " << exit.expected.size() << " frames are missing";
      continue;
    }
    ASSERT_TRUE(*frame == exit.expected.front())
        << exit.name << ": a frame of " << frame->size() << " bytes came, not the one of "
        << exit.expected.front().size();
    exit.expected.pop_front();
  }
}

// What the header of this file says, on real devices.
class HintFlavour : public testing::Test {
 protected:
  void SetUp() override {
    XDPFWD_NEEDS_ROOT();
    if (!kernel_has_vlan_hint()) GTEST_SKIP() << "this kernel has no bpf_xdp_metadata_rx_vlan_tag";
    run_status(
        "echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6; echo 1 > "
        "/proc/sys/net/ipv6/conf/all/disable_ipv6");
    run("ip link add wire numtxqueues 1 numrxqueues 1 type veth peer name nic numtxqueues 1 numrxqueues 1");
    run("ip link set wire up && ip link set nic up");
    for (const char* name : {"tap0", "tap1", "tap2", "tap3"}) {
      UniqueFd tap = open_tap(name);
      devices_.push_back(ifindex_of(name));
      exits_.push_back({name, std::move(tap)});
    }
    const uint32_t nic = ifindex_of("nic");

    uplink_ = uplink_hint_bpf::open(nullptr);
    ASSERT_TRUE(uplink_);
    uplink_->rodata->member_slot = kMemberSlot;
    bpf_program* program = uplink_->progs.xdpfwd_uplink_hint;
    bpf_program__set_ifindex(program, nic);
    bpf_program__set_flags(program, bpf_program__flags(program) | kDeviceBoundOnly);
    ASSERT_EQ(uplink_hint_bpf::load(uplink_), 0);
    tables_ = KernelTables(uplink_->obj);
    ASSERT_TRUE(tables_.prepare().has_value());
    xdp_.reset(bpf_program__attach_xdp(program, static_cast<int>(nic)));
    ASSERT_TRUE(xdp_) << strerror(errno);

    push_ = push_tag_bpf::open_and_load();
    ASSERT_TRUE(push_);
    tcx_.reset(bpf_link_create(bpf_program__fd(push_->progs.push_tag), static_cast<int>(ifindex_of("wire")),
                               kTcxEgress, nullptr));
    ASSERT_TRUE(tcx_) << "tcx: " << strerror(errno);

    exits_.push_back({"stack", packet_socket("nic", ETH_P_ALL), read_passed});
    sender_ = packet_socket("wire", 0);
  }

  void TearDown() override {
    xdp_.reset();
    tcx_.reset();
    if (uplink_) uplink_hint_bpf::destroy(uplink_);
    if (push_) push_tag_bpf::destroy(push_);
  }

  // Where a frame with this prediction comes out; null: nowhere.
  Exit* exit_of(const World& world, const Prediction& prediction) {
    if (prediction.verdict == XDP_DROP) return nullptr;
    if (!prediction.slot) return &exits_.back();
    const uint32_t ifindex = world.ports.at(*prediction.slot).ifindex;
    const auto device = std::find(devices_.begin(), devices_.end(), ifindex);
    return &exits_[static_cast<size_t>(device - devices_.begin())];
  }

  uplink_hint_bpf* uplink_ = nullptr;
  push_tag_bpf* push_ = nullptr;
  Link xdp_;
  UniqueFd tcx_;
  KernelTables tables_;
  std::vector<uint32_t> devices_;
  std::vector<Exit> exits_;  // the taps in the order of devices_, then the stack
  UniqueFd sender_;
};

TEST_F(HintFlavour, OnAVethEqualsTheOracle) {
  const uint64_t seed = environment_number("XDPFWD_RANDOM_SEED", std::random_device{}());
  const uint64_t frames = environment_number("XDPFWD_HINT_FRAMES", kDefaultFrames);
  fmt::print("seed {}: XDPFWD_RANDOM_SEED={} XDPFWD_HINT_FRAMES={} repeats this\n", seed, seed, frames);
  RandomWorld random(seed, devices_);
  Counters predicted;
  Prediction prediction;
  uint64_t done = 0, with_hint = 0;
  const auto start = std::chrono::steady_clock::now();
  while (done < frames) {
    const World& world = random.next_world();
    auto installed = tables_.install(world);
    ASSERT_TRUE(installed.has_value()) << installed.error().text();
    for (uint64_t batch = 0; batch < kFramesPerWorld / kFramesPerBatch && done < frames; ++batch) {
      for (uint64_t i = 0; i < kFramesPerBatch && done < frames; ++i, ++done) {
        const Input input = random.next_wire_frame();
        predict(world, input, prediction);
        prediction.count(predicted);
        if (input.tag) ++with_hint;
        if (Exit* exit = exit_of(world, prediction)) {
          // The stack sees a passed frame with its tag, wherever the tag was.
          exit->expected.push_back(input.tag && !prediction.slot
                                       ? with_tag(input.frame, input.tag->tpid, input.tag->tci)
                                       : prediction.frame);
        }
        ASSERT_NO_FATAL_FAILURE(send_frame(sender_.get(), input));
      }
      for (Exit& exit : exits_) ASSERT_NO_FATAL_FAILURE(drain(exit)) << "up to frame " << done;
    }
    auto counted = tables_.counters();
    ASSERT_TRUE(counted.has_value()) << counted.error().text();
    for (uint32_t reason = 0; reason < XDPFWD_REASON_COUNT; ++reason) {
      ASSERT_EQ(counted->member.packets[reason], predicted.member.packets[reason]) << reason_name(reason);
    }
    ASSERT_TRUE(*counted == predicted) << "port counters differ";
  }
  for (const Exit& exit : exits_) EXPECT_FALSE(exit.read(exit.fd.get())) << exit.name << ": a frame too many";

  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  fmt::print("{} frames, {} with a tag in the descriptor, in {:.1f} s\n", done, with_hint, seconds);
  uint64_t sum = 0;
  for (uint32_t reason = 0; reason < XDPFWD_REASON_COUNT; ++reason) {
    fmt::print("  {:<16}{:>10}\n", reason_name(reason), predicted.member.packets[reason]);
    sum += predicted.member.packets[reason];
  }
  EXPECT_EQ(sum, done) << "frames in and the sum of reasons differ";
}

}  // namespace
}  // namespace xdpfwd::test
