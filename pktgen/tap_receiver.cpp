// SPDX-License-Identifier: BSD-2-Clause
#include "pktgen/tap_receiver.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "pktgen/sender.h"
#include "pktgen/worker_thread.h"

namespace xdpfwd::pktgen {
namespace {

constexpr size_t kTasks = 0;      // the epoll tag of the task queue; taps count from 1
constexpr unsigned kBudget = 64;  // frames of one tap before the next has its turn
constexpr size_t kLongestFrame = 65536 + 64;

}  // namespace

Result<std::unique_ptr<TapReceiver>> TapReceiver::start(const TapReceiverOptions& options) {
  std::unique_ptr<TapReceiver> receiver(new TapReceiver());
  receiver->epoll_.reset(::epoll_create1(EPOLL_CLOEXEC));
  if (!receiver->epoll_ || receiver->tasks_.fd() < 0) return fail_errno("starting a tap receiver", errno);
  epoll_event event{.events = EPOLLIN, .data = {.u64 = kTasks}};
  if (::epoll_ctl(receiver->epoll_.get(), EPOLL_CTL_ADD, receiver->tasks_.fd(), &event) != 0)
    return fail_errno("starting a tap receiver", errno);
  receiver->tasks_.open();
  auto thread = start_worker("pktgen-taps", options.cpu, [self = receiver.get()] { self->run(); });
  if (!thread) {
    receiver->tasks_.close();
    return std::unexpected(thread.error());
  }
  receiver->thread_ = std::move(*thread);
  return receiver;
}

TapReceiver::~TapReceiver() {
  stop();
}

void TapReceiver::stop() {
  stopping_ = true;
  if (!thread_.joinable()) return;
  tasks_.run([] {});  // wakes it up
  thread_.join();
}

Result<void> TapReceiver::add_tap(const TapOptions& options) {
  auto fd = open_tap(options);
  if (!fd) return std::unexpected(fd.error());
  Result<void> result;
  tasks_.run([&] {
    const size_t slot = next_slot_++;
    epoll_event event{.events = EPOLLIN, .data = {.u64 = slot}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd->get(), &event) != 0) {
      result = fail_errno(fmt::format("tap '{}'", options.name), errno);
      return;
    }
    taps_.emplace(slot, Tap{std::move(*fd), options.name, checker_.place(options.name)});
  });
  return result;
}

void TapReceiver::remove_tap(const std::string& name) {
  tasks_.run([&] { std::erase_if(taps_, [&](const auto& tap) { return tap.second.name == name; }); });
}

void TapReceiver::expect(const StreamSet& streams) {
  tasks_.run([&] { checker_.expect(streams); });
}

void TapReceiver::learn() {
  tasks_.run([&] { checker_.learn(); });
}

void TapReceiver::forget_latencies() {
  tasks_.run([&] { checker_.forget_latencies(); });
}

ReceiveReport TapReceiver::report() {
  ReceiveReport report;
  tasks_.run([&] { report = checker_.report(); });
  return report;
}

void TapReceiver::wait_quiet(std::chrono::milliseconds quiet, std::chrono::milliseconds at_most) {
  wait_for_frames(UINT64_MAX, quiet, at_most);
}

void TapReceiver::wait_for_frames(uint64_t total, std::chrono::milliseconds quiet,
                                  std::chrono::milliseconds at_most) {
  const auto start = std::chrono::steady_clock::now();
  auto last_change = start;
  uint64_t before = frames();
  while (before < total) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    tasks_.run([this] { drain(); });
    const auto now = std::chrono::steady_clock::now();
    if (const uint64_t after = frames(); after != before) {
      before = after;
      last_change = now;
    }
    if (now - last_change >= quiet || now - start >= at_most) return;
  }
}

// A turn for each tap.
void TapReceiver::drain() {
  for (const auto& [slot, tap] : taps_) read_some(slot, kBudget);
}

bool TapReceiver::read_some(size_t slot, unsigned budget) {
  alignas(64) static thread_local std::array<uint8_t, kLongestFrame> buffer;
  const auto found = taps_.find(slot);
  if (found == taps_.end()) return false;
  const Tap& tap = found->second;
  for (unsigned i = 0; i < budget; ++i) {
    const ssize_t size = ::read(tap.fd.get(), buffer.data(), buffer.size());
    if (size <= 0) return false;  // empty for now, down, or deleted under us
    checker_.judge(tap.place, {buffer.data(), static_cast<size_t>(size)}, monotonic_ns());
    frames_.fetch_add(1, std::memory_order_relaxed);
  }
  return true;
}

void TapReceiver::run() {
  std::array<epoll_event, 64> events;
  while (!stopping_) {
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < count; ++i) {
      const size_t slot = events[static_cast<size_t>(i)].data.u64;
      if (slot == kTasks) {
        tasks_.run_pending();
        continue;
      }
      // A deleted tap stays ready for ever, and reads nothing.
      if ((events[static_cast<size_t>(i)].events & (EPOLLERR | EPOLLHUP)) != 0 && !read_some(slot, kBudget)) {
        if (const auto tap = taps_.find(slot); tap != taps_.end())
          ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, tap->second.fd.get(), nullptr);
        continue;
      }
      read_some(slot, kBudget);
    }
  }
  uint64_t before = 0;
  do {
    before = frames();
    drain();
  } while (frames() != before);
  tasks_.close();
}

}  // namespace xdpfwd::pktgen
