// SPDX-License-Identifier: BSD-2-Clause
#include "shell/varlink_server.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <list>

namespace xdpfwd {
namespace {

using Clock = VarlinkConnection::Clock;

// Behind the dataplane's events: who asks can wait a moment.
constexpr int64_t kPriority = SD_EVENT_PRIORITY_NORMAL + 10;
// Connections that are only told that there are too many; one more is closed at once.
constexpr std::ptrdiff_t kMostRefused = 16;
constexpr uint64_t kAcceptPauseUs = 1'000'000;
// Deadlines are limits, not appointments: late is fine, and lets the kernel batch wake-ups.
constexpr uint64_t kDeadlineAccuracyUs = 250'000;

uint64_t to_us(Clock::time_point time) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(time.time_since_epoch()).count());
}

// An event source, off and released at the end.
class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  ~Source() { sd_event_source_disable_unref(source_); }
  sd_event_source** out() { return &source_; }
  [[nodiscard]] sd_event_source* get() const { return source_; }

 private:
  sd_event_source* source_ = nullptr;
};

}  // namespace

class VarlinkServer::Implementation {
 public:
  Implementation(sd_event* event, Options options, VarlinkHandler handler, VarlinkListener listener)
      : event_(event),
        options_(std::move(options)),
        handler_(std::move(handler)),
        listener_(std::move(listener)) {}

  Result<void> start() {
    int code = sd_event_add_io(event_, accept_.out(), listener_.fd(), EPOLLIN, on_accept, this);
    if (code >= 0) code = sd_event_source_set_priority(accept_.get(), kPriority);
    if (code >= 0)
      code = sd_event_add_time(event_, accept_again_.out(), CLOCK_MONOTONIC, UINT64_MAX, 0, on_accept_again,
                               this);
    if (code >= 0) code = sd_event_source_set_enabled(accept_again_.get(), SD_EVENT_OFF);
    if (code < 0) return fail_errno("cannot watch the control socket", -code);
    return {};
  }

  [[nodiscard]] size_t clients() const { return clients_.size(); }

 private:
  struct Client {
    Client(Implementation& owner, UniqueFd fd, Peer peer)
        : server(owner), connection(std::move(fd), peer, owner.options_.limits, owner.handler_) {}
    Implementation& server;
    VarlinkConnection connection;
    bool refused = false;  // only told so: it takes no place
    // Sources go before the connection's descriptor does.
    Source io;
    Source timer;
    std::list<Client>::iterator self;
  };

  static int on_accept(sd_event_source*, int, uint32_t, void* self) {
    static_cast<Implementation*>(self)->accept_one();
    return 0;
  }
  static int on_accept_again(sd_event_source*, uint64_t, void* self) {
    sd_event_source_set_enabled(static_cast<Implementation*>(self)->accept_.get(), SD_EVENT_ON);
    return 0;
  }
  static int on_client(sd_event_source*, int, uint32_t, void* client) {
    advance(*static_cast<Client*>(client));
    return 0;
  }
  static int on_deadline(sd_event_source*, uint64_t, void* client) {
    advance(*static_cast<Client*>(client));
    return 0;
  }

  static void advance(Client& client) {
    if (client.connection.advance())
      client.server.watch(client);
    else
      client.server.drop(client, client.connection.why_over());
  }

  void accept_one() {
    UniqueFd fd(::accept4(listener_.fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) {
      // Without descriptors or memory the socket stays readable: a pause, or this would spin.
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) pause_accepting();
      return;
    }
    const auto peer = peer_of(fd.get(), listener_.gid());
    if (!peer) return;
    const bool refused = !make_room(*peer);
    if (refused) {
      report(*peer, "refused: there are too many clients");
      if (std::ranges::count_if(clients_, &Client::refused) >= kMostRefused) return;
    }
    clients_.emplace_front(*this, std::move(fd), *peer);
    Client& client = clients_.front();
    client.self = clients_.begin();
    client.refused = refused;
    if (refused)
      client.connection.refuse(
          error_reply(kTooManyClients,
                      fmt::format("there are {} clients already, {} of them user {}'s, all busy", taken(),
                                  taken_by(peer->uid), peer->uid),
                      "try again in some seconds"));
    if (!add_sources(client)) return drop(client, "out of memory");
    advance(client);
  }

  bool add_sources(Client& client) {
    return sd_event_add_io(event_, client.io.out(), client.connection.fd(), 0, on_client, &client) >= 0 &&
           sd_event_source_set_priority(client.io.get(), kPriority) >= 0 &&
           sd_event_add_time(event_, client.timer.out(), CLOCK_MONOTONIC, to_us(client.connection.deadline()),
                             kDeadlineAccuracyUs, on_deadline, &client) >= 0 &&
           sd_event_source_set_priority(client.timer.get(), kPriority) >= 0;
  }

  void watch(Client& client) {
    const uint32_t events = (client.connection.wants_read() ? uint32_t{EPOLLIN} : 0) |
                            (client.connection.wants_write() ? uint32_t{EPOLLOUT} : 0);
    if (sd_event_source_set_io_events(client.io.get(), events) < 0 ||
        sd_event_source_set_time(client.timer.get(), to_us(client.connection.deadline())) < 0 ||
        sd_event_source_set_enabled(client.timer.get(), SD_EVENT_ONESHOT) < 0)
      drop(client, "its events cannot be watched");
  }

  [[nodiscard]] size_t taken() const {
    return static_cast<size_t>(std::ranges::count_if(clients_, [](const Client& c) { return !c.refused; }));
  }
  [[nodiscard]] size_t taken_by(uid_t uid) const {
    return static_cast<size_t>(std::ranges::count_if(
        clients_, [&](const Client& c) { return !c.refused && c.connection.peer().uid == uid; }));
  }

  // A place for one more client of this user: one user's stuck ones must not shut out the others, nor all of
  // them root. A client that asks nothing loses nothing by connecting again: the longest idle one goes for
  // it.
  bool make_room(const Peer& peer) {
    const VarlinkLimits& limits = options_.limits;
    const bool root = peer.uid == 0;
    while (!root && taken_by(peer.uid) >= limits.of_one_user)
      if (!drop_longest_idle([&](const Client& c) { return c.connection.peer().uid == peer.uid; }))
        return false;
    while (taken() >= (root ? limits.clients : limits.clients - limits.for_root))
      if (!drop_longest_idle([](const Client&) { return true; })) return false;
    return true;
  }

  template <typename Condition>
  bool drop_longest_idle(Condition&& may_go) {
    Client* oldest = nullptr;
    for (Client& client : clients_)
      if (client.connection.idle() && may_go(client) &&
          (!oldest || client.connection.idle_since() < oldest->connection.idle_since()))
        oldest = &client;
    if (oldest) drop(*oldest, "it was idle, and others came");
    return oldest != nullptr;
  }

  void drop(Client& client, const std::string& why) {
    if (!why.empty()) report(client.connection.peer(), why);
    clients_.erase(client.self);
  }

  void report(const Peer& peer, const std::string& why) const {
    if (options_.on_drop) options_.on_drop(peer, why);
  }

  void pause_accepting() {
    uint64_t now = 0;
    if (sd_event_now(event_, CLOCK_MONOTONIC, &now) < 0) return;
    sd_event_source_set_time(accept_again_.get(), now + kAcceptPauseUs);
    sd_event_source_set_enabled(accept_again_.get(), SD_EVENT_ONESHOT);
    sd_event_source_set_enabled(accept_.get(), SD_EVENT_OFF);
  }

  sd_event* event_;
  Options options_;
  VarlinkHandler handler_;
  VarlinkListener listener_;
  Source accept_;
  Source accept_again_;
  std::list<Client> clients_;
};

Result<std::unique_ptr<VarlinkServer>> VarlinkServer::listen(sd_event* event, Options options,
                                                             VarlinkHandler handler) {
  auto listener = VarlinkListener::open(options.path, options.group);
  if (!listener) return std::unexpected(std::move(listener).error());
  auto implementation =
      std::make_unique<Implementation>(event, std::move(options), std::move(handler), std::move(*listener));
  if (auto done = implementation->start(); !done) return std::unexpected(std::move(done).error());
  return std::unique_ptr<VarlinkServer>(new VarlinkServer(std::move(implementation)));
}

VarlinkServer::VarlinkServer(std::unique_ptr<Implementation> implementation)
    : implementation_(std::move(implementation)) {}
VarlinkServer::~VarlinkServer() = default;

size_t VarlinkServer::clients() const {
  return implementation_->clients();
}

}  // namespace xdpfwd
