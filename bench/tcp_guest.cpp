// SPDX-License-Identifier: BSD-2-Clause
#include "bench/tcp_guest.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>

#include "bench/stage.h"
#include "pktgen/tap.h"
#include "pktgen/tc_attach.h"
#include "pktgen/worker_thread.h"
#include "tc_forward.skel.h"

namespace xdpfwd::bench {
namespace {

constexpr uint16_t kPort = 5001;
constexpr const char* kWireAddress = "10.0.0.1";
constexpr const char* kGuestAddress = "10.0.0.2";
constexpr const char* kWireMac = "02:00:00:00:00:01";

// Between the host's tap and the guest's own one.
class Relay {
 public:
  ~Relay() {
    stopping_ = true;
    if (thread_.joinable()) thread_.join();
  }
  Relay() = default;
  Relay(const Relay&) = delete;
  Relay& operator=(const Relay&) = delete;

  Result<void> start(int one, int other, unsigned cpu) {
    auto thread = pktgen::start_worker("bench-guest", cpu, [this, one, other] {
      std::array<pollfd, 2> events = {{{one, POLLIN, 0}, {other, POLLIN, 0}}};
      while (!stopping_)
        if (::poll(events.data(), events.size(), 20) > 0) {
          carry(one, other);
          carry(other, one);
        }
    });
    if (!thread) return std::unexpected(thread.error());
    thread_ = std::move(*thread);
    return {};
  }

 private:
  static void carry(int from, int to) {
    std::array<uint8_t, 65'536> frame;
    for (int i = 0; i < 64; ++i) {
      const ssize_t size = ::read(from, frame.data(), frame.size());
      if (size <= 0) return;
      (void)!::write(to, frame.data(), static_cast<size_t>(size));
    }
  }
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

// The guest, its address, and the way back.
class GuestStack {
 public:
  GuestStack() = default;
  ~GuestStack() { tc_forward_bpf__destroy(skeleton_); }
  GuestStack(const GuestStack&) = delete;
  GuestStack& operator=(const GuestStack&) = delete;

  [[nodiscard]] Result<pktgen::InNamespace> enter() const { return pktgen::InNamespace::enter(netns_); }
  Result<void> build(Rig& rig) {
    auto here = pktgen::NetNamespace::open("");
    if (!here) return std::unexpected(here.error());
    if (::unshare(CLONE_NEWNET) != 0) return fail_errno("a network namespace", errno, "run as root");
    netns_fd_.reset(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
    if (auto back = here->enter(); !back) return back;
    const std::string path = fmt::format("/proc/self/fd/{}", netns_fd_.get());
    auto netns = pktgen::NetNamespace::open(path);
    if (!netns) return std::unexpected(netns.error());
    netns_ = std::move(*netns);
    auto tap = pktgen::open_tap({.name = "vm0", .netns = path, .queue_length = rig.options().ring_slots});
    if (!tap) return std::unexpected(tap.error());
    tap_ = std::move(*tap);
    const pktgen::Guest& guest = rig.guests().front();
    {
      const auto inside = enter();
      if (!inside) return std::unexpected(inside.error());
      if (auto set = bench::run(fmt::format("ip link set vm0 address {0} && ip address add {1}/24 dev vm0 && "
                                            "ip neigh replace {2} lladdr {3} dev vm0 nud permanent",
                                            guest.mac.text(), kGuestAddress, kWireAddress, kWireMac));
          !set)
        return set;
    }
    if (auto set = rig.run(fmt::format(
            "ip link set sw0 address {3} && ethtool -K sw0 tx off tso off gso off txvlan off >/dev/null && "
            "ip address replace {2}/24 dev sw0 && ip neigh replace {1} lladdr {0} dev sw0 nud permanent",
            guest.mac.text(), kGuestAddress, kWireAddress, kWireMac));
        !set)
      return set;
    skeleton_ = tc_forward_bpf__open();
    if (!skeleton_) return fail_errno("the tc program", errno);
    skeleton_->rodata->pushed_vid = guest.vlan.id();
    skeleton_->rodata->way_back = rig.ifindex("up0");
    if (const int error = tc_forward_bpf__load(skeleton_); error != 0)
      return fail_errno("the kernel does not load the tc program", -error);
    const auto inside = rig.enter();
    if (!inside) return std::unexpected(inside.error());
    for (const auto& [program, device, side] :
         {std::tuple(skeleton_->progs.tc_push, "sw0", pktgen::TcxSide::kEgress),
          std::tuple(skeleton_->progs.tc_pop, "sw0", pktgen::TcxSide::kIngress),
          std::tuple(skeleton_->progs.tc_back, "tap0", pktgen::TcxSide::kIngress)}) {
      auto link = pktgen::attach_tcx(bpf_program__fd(program), rig.ifindex(device), side);
      if (!link) return fail_in(device, link.error());
      links_.push_back(std::move(*link));
    }
    return relay_.start(rig.tap_fd(0), tap_.get(), rig.tx_cpu());
  }

 private:
  UniqueFd netns_fd_;
  pktgen::NetNamespace netns_;
  UniqueFd tap_;
  tc_forward_bpf* skeleton_ = nullptr;
  std::vector<UniqueFd> links_;
  Relay relay_;
};

sockaddr_in address_of(const char* text) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kPort);
  ::inet_pton(AF_INET, text, &address.sin_addr);
  return address;
}

Result<UniqueFd> open_socket(const Result<pktgen::InNamespace>& inside) {
  if (!inside) return std::unexpected(inside.error());
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fail_errno("a TCP socket", errno);
  // Nobody waits for ever.
  const timeval patience{.tv_sec = 10, .tv_usec = 0};
  const int yes = 1;
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
  return fd;
}

// Sends for so long; `received` counts what the guest has got.
class Connection {
 public:
  static Result<std::unique_ptr<Connection>> open(const Rig& rig, const GuestStack& guest) {
    auto listener = open_socket(guest.enter());
    if (!listener) return std::unexpected(listener.error());
    const sockaddr_in there = address_of(kGuestAddress);
    if (::bind(listener->get(), reinterpret_cast<const sockaddr*>(&there), sizeof(there)) != 0 ||
        ::listen(listener->get(), 1) != 0)
      return fail_errno("listening in the guest", errno);
    auto client = open_socket(rig.enter());
    if (!client) return std::unexpected(client.error());
    if (::connect(client->get(), reinterpret_cast<const sockaddr*>(&there), sizeof(there)) != 0)
      return fail_errno("connecting to the guest", errno);
    auto connection = std::unique_ptr<Connection>(new Connection);
    connection->client_ = std::move(*client);
    connection->server_.reset(::accept4(listener->get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection->server_) return fail_errno("the guest's connection", errno);
    auto receiver = pktgen::start_worker("bench-tcp-rx", rig.tx_cpu(), [raw = connection.get()] {
      static thread_local std::array<char, 262'144> buffer;
      for (ssize_t size = 0; (size = ::read(raw->server_.get(), buffer.data(), buffer.size())) > 0;)
        raw->received_ += static_cast<uint64_t>(size);
    });
    if (!receiver) return std::unexpected(receiver.error());
    connection->receiver_ = std::move(*receiver);
    auto sender = pktgen::start_worker("bench-tcp-tx", rig.tx_cpu(), [raw = connection.get()] {
      static thread_local std::array<char, 65'536> buffer{};
      while (!raw->stopping_ && ::send(raw->client_.get(), buffer.data(), buffer.size(), MSG_NOSIGNAL) > 0)
        continue;
      ::shutdown(raw->client_.get(), SHUT_WR);
    });
    if (!sender) return std::unexpected(sender.error());
    connection->sender_ = std::move(*sender);
    return connection;
  }
  ~Connection() {
    stopping_ = true;
    if (sender_.joinable()) sender_.join();
    if (receiver_.joinable()) receiver_.join();
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  [[nodiscard]] uint64_t received() const { return received_; }

 private:
  Connection() = default;
  UniqueFd client_;
  UniqueFd server_;
  std::atomic<uint64_t> received_ = 0;
  std::atomic<bool> stopping_ = false;
  std::thread receiver_;
  std::thread sender_;
};

class BulkGuest final : public TcpGuest {
 public:
  explicit BulkGuest(Rig& rig) : rig_(rig) {}
  Result<void> build() { return stack_.build(rig_); }
  Result<void> fill() override {
    auto connection = Connection::open(rig_, stack_);
    if (!connection) return std::unexpected(connection.error());
    connection_ = std::move(*connection);
    return {};
  }
  [[nodiscard]] uint64_t received() const override { return connection_ ? connection_->received() : 0; }

 private:
  Rig& rig_;
  GuestStack stack_;
  std::unique_ptr<Connection> connection_;  // ends before what it runs over
};

}  // namespace

Result<std::unique_ptr<TcpGuest>> TcpGuest::make(Rig& rig) {
  auto guest = std::make_unique<BulkGuest>(rig);
  if (auto built = guest->build(); !built) return std::unexpected(built.error());
  return guest;
}

}  // namespace xdpfwd::bench
