// SPDX-License-Identifier: BSD-2-Clause
#include "pktgen/stack_sink.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

#include "pktgen/netns.h"
#include "pktgen/sender.h"
#include "pktgen/tap.h"
#include "pktgen/worker_thread.h"

namespace xdpfwd::pktgen {
namespace {

constexpr unsigned kBudget = 64;
constexpr size_t kLongestFrame = 65536 + 64;

Result<UniqueFd> listen_on(const std::string& device, const std::string& netns) {
  auto opened = NetNamespace::open(netns);
  if (!opened) return std::unexpected(opened.error());
  auto inside = InNamespace::enter(*opened);
  if (!inside) return std::unexpected(inside.error());
  auto index = device_index(device);
  if (!index) return std::unexpected(index.error());

  // Protocol 0 until it is bound, so that frames of other devices do not come in before that.
  UniqueFd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("a packet socket", errno, "run as root, or with CAP_NET_RAW");
  const int yes = 1;
  const int buffer = 64 << 20;
  if (::setsockopt(fd.get(), SOL_PACKET, PACKET_AUXDATA, &yes, sizeof(yes)) != 0)
    return fail_errno(fmt::format("device '{}': asking for VLAN tags", device), errno);
  (void)::setsockopt(fd.get(), SOL_PACKET, PACKET_IGNORE_OUTGOING, &yes, sizeof(yes));
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
  // The stack drops frames to other stations early, but packet sockets see them first; a NIC needs to be
  // told.
  packet_mreq promiscuous{};
  promiscuous.mr_ifindex = static_cast<int>(*index);
  promiscuous.mr_type = PACKET_MR_PROMISC;
  (void)::setsockopt(fd.get(), SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  address.sll_ifindex = static_cast<int>(*index);
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) != 0)
    return fail_errno(fmt::format("device '{}': binding a packet socket", device), errno);
  return fd;
}

// Room in front of a frame, to put its tag back.
constexpr size_t kRoom = kVlanSize;

// The stack takes the outer tag out of the frame and keeps it aside. `at` points to the room before the
// frame.
std::span<const uint8_t> put_tag_back(uint8_t* at, size_t size, const tpacket_auxdata& aux) {
  if ((aux.tp_status & TP_STATUS_VLAN_VALID) == 0 || size < kEthernetSize) return {at + kRoom, size};
  const uint16_t tpid = (aux.tp_status & TP_STATUS_VLAN_TPID_VALID) != 0 ? aux.tp_vlan_tpid : kEtherTypeVlan;
  std::memmove(at, at + kRoom, 12);
  at[12] = static_cast<uint8_t>(tpid >> 8);
  at[13] = static_cast<uint8_t>(tpid);
  at[14] = static_cast<uint8_t>(aux.tp_vlan_tci >> 8);
  at[15] = static_cast<uint8_t>(aux.tp_vlan_tci);
  return {at, size + kVlanSize};
}

}  // namespace

Result<std::unique_ptr<StackSink>> StackSink::start(const std::vector<std::string>& devices,
                                                    const std::string& netns) {
  std::unique_ptr<StackSink> sink(new StackSink());
  sink->epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!sink->epoll_ || sink->tasks_.fd() < 0) return fail_errno("starting a stack sink", errno);
  epoll_event event{.events = EPOLLIN, .data = {.fd = sink->tasks_.fd()}};
  if (::epoll_ctl(sink->epoll_.get(), EPOLL_CTL_ADD, sink->tasks_.fd(), &event) != 0)
    return fail_errno("starting a stack sink", errno);
  for (const std::string& device : devices)
    if (auto added = sink->add_device(device, netns); !added) return std::unexpected(added.error());
  sink->tasks_.open();
  auto thread = start_worker("pktgen-stack", {}, [self = sink.get()] { self->run(); });
  if (!thread) {
    sink->tasks_.close();
    return std::unexpected(thread.error());
  }
  sink->thread_ = std::move(*thread);
  return sink;
}

StackSink::~StackSink() {
  stop();
}

void StackSink::stop() {
  stopping_ = true;
  if (!thread_.joinable()) return;
  tasks_.run([] {});
  thread_.join();
}

Result<void> StackSink::add_device(const std::string& device, const std::string& netns) {
  auto fd = listen_on(device, netns);
  if (!fd) return std::unexpected(fd.error());
  Result<void> result;
  tasks_.run([&] {
    epoll_event event{.events = EPOLLIN, .data = {.fd = fd->get()}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd->get(), &event) != 0)
      result = fail_errno(fmt::format("device '{}'", device), errno);
    else
      sockets_.push_back(std::move(*fd));
  });
  return result;
}

void StackSink::expect(const StreamSet& streams) {
  tasks_.run([&] { checker_.expect(streams); });
}

void StackSink::learn() {
  tasks_.run([&] { checker_.learn(); });
}

ReceiveReport StackSink::report() {
  ReceiveReport report;
  tasks_.run([&] {
    for (const UniqueFd& socket : sockets_) {
      tpacket_stats stats{};
      socklen_t size = sizeof(stats);
      if (::getsockopt(socket.get(), SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0)
        missed_ += stats.tp_drops;
    }
    report = checker_.report();
    report.missed = missed_;
  });
  return report;
}

void StackSink::read_some(int fd, unsigned budget) {
  static thread_local std::array<uint8_t, kRoom + kLongestFrame> buffer;
  for (unsigned i = 0; i < budget; ++i) {
    alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(tpacket_auxdata))> control;
    iovec vector{buffer.data() + kRoom, kLongestFrame};
    msghdr message{};
    message.msg_iov = &vector;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(fd, &message, 0);
    if (size < 0) return;
    std::span<const uint8_t> frame{buffer.data() + kRoom, static_cast<size_t>(size)};
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
      if (part->cmsg_level != SOL_PACKET || part->cmsg_type != PACKET_AUXDATA) continue;
      tpacket_auxdata aux;
      std::memcpy(&aux, CMSG_DATA(part), sizeof(aux));
      frame = put_tag_back(buffer.data(), static_cast<size_t>(size), aux);
    }
    checker_.judge(FrameChecker::kAnyPlace, frame, monotonic_ns());
    frames_.fetch_add(1, std::memory_order_relaxed);
  }
}

void StackSink::run() {
  std::array<epoll_event, 64> events;
  while (!stopping_) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const int fd = events[static_cast<size_t>(i)].data.fd;
      if (fd == tasks_.fd())
        tasks_.run_pending();
      else
        read_some(fd, kBudget);
    }
  }
  for (const UniqueFd& socket : sockets_) read_some(socket.get(), 1U << 20);
  tasks_.close();
}

}  // namespace xdpfwd::pktgen
