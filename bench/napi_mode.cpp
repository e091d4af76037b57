// SPDX-License-Identifier: BSD-2-Clause
#include "bench/napi_mode.h"

#include <fmt/format.h>
#include <sched.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>
#include <utility>

#include "kernel/generic_family.h"
#include "kernel/napi_instance.h"
#include "kernel/poller_counters.h"

namespace xdpfwd::bench {
namespace {

using namespace std::chrono_literals;

// Deferred for longer, or the timer for when the poller does not come: longer than it takes to come again.
constexpr unsigned kLongFlushNs = 200'000;

// The kernel threads of the NAPIs of a device, by their names. Rigs that are not threaded have none.
std::vector<pid_t> napi_threads(const std::string& device) {
  std::vector<pid_t> found;
  std::error_code gone;
  for (const auto& process : std::filesystem::directory_iterator("/proc", gone)) {
    std::ifstream file(process.path() / "comm");
    std::string name;
    std::getline(file, name);
    if (name.starts_with(fmt::format("napi/{}-", device)))
      found.push_back(static_cast<pid_t>(std::stol(process.path().filename())));
  }
  return found;
}

}  // namespace

InNapiMode::InNapiMode(InNapiMode&& other) noexcept
    : stand_(std::exchange(other.stand_, nullptr)),
      poller_(std::move(other.poller_)),
      packed_(other.packed_) {
  other.poller_.reset();
}

InNapiMode::~InNapiMode() {
  (void)leave();
}

Result<void> InNapiMode::leave() {
  if (!stand_) return {};
  if (poller_) poller_->end(SIGTERM);
  Result<void> left;
  if (packed_) left = leave_to_packer(false);
  if (auto done = set("threaded", 0); left) left = done;
  if (auto done = set("gro_flush_timeout", stand_->rig().options().rx_usecs * 1000); left) left = done;
  stand_ = nullptr;
  return left;
}

Result<void> InNapiMode::set(const char* file, unsigned value) const {
  for (const std::string& uplink : stand_->rig().uplinks()) {
    const std::string path = fmt::format("{}/sys/class/net/{}/{}", stand_->rig().folder(), uplink, file);
    std::ofstream stream(path);
    stream << value << std::flush;
    if (!stream) return fail_errno(path, errno);
  }
  return {};
}

std::vector<pid_t> InNapiMode::threads() const {
  std::vector<pid_t> all;
  for (const std::string& uplink : stand_->rig().uplinks())
    for (const pid_t thread : napi_threads(uplink)) all.push_back(thread);
  return all;
}

// Since Linux 6.17 it is kept for each NAPI, too, which sysfs does not show.
Result<void> InNapiMode::expect_no_threads() const {
  const Rig& rig = stand_->rig();
  const auto inside = rig.enter();
  if (!inside) return std::unexpected(inside.error());
  auto netdev = GenericFamily::open("netdev");
  if (!netdev) return std::unexpected(netdev.error());
  for (const std::string& uplink : rig.uplinks()) {
    unsigned threaded = 0;
    std::ifstream(fmt::format("{}/sys/class/net/{}/threaded", rig.folder(), uplink)) >> threaded;
    if (const auto napis = read_napis(*netdev, rig.ifindex(uplink)))
      for (const NapiInstance& napi : *napis) threaded += napi.threaded.value_or(0);
    if (threaded != 0) return fail(uplink + " still has NAPI in threads", "the mode before was not left");
  }
  return {};
}

Result<void> InNapiMode::run_in_threads() {
  if (auto done = set("threaded", 1); !done) return done;
  const std::vector<pid_t> made = threads();
  if (made.size() < stand_->rig().uplinks().size() * stand_->rig().options().queues)
    return fail("the kernel made no thread for each NAPI", "it needs threaded NAPI, Linux 5.12");
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(stand_->rig().rx_cpu(), &cpus);
  for (const pid_t thread : made)
    if (::sched_setaffinity(thread, sizeof(cpus), &cpus) != 0)
      return fail_errno("pinning a NAPI thread", errno);
  return {};
}

// The contender's own tuning, by a configuration beside its own.
Result<void> InNapiMode::leave_to_packer(bool packed) {
  const Rig& rig = stand_->rig();
  const std::string drop_in = rig.folder() + "/xdpfwd.d/packed.toml";
  std::error_code failed;
  std::filesystem::create_directories(rig.folder() + "/xdpfwd.d", failed);
  std::ofstream(drop_in) << fmt::format(
      "[tuning]\napply = \"manual\"\nprofile = \"none\"\nsteering = \"off\"\nchannels = \"keep\"\ncpus = "
      "\"{}\"\n"
      "napi = \"auto\"\n",
      rig.rx_cpu());
  if (!packed) std::filesystem::remove(drop_in, failed);
  const std::string ctl =
      fmt::format("{} --socket {}/control.sock", beside_this_program("xdpctl"), rig.folder());
  packed_ = true;
  if (!packed) return rig.run(fmt::format("{0} tune revert && {0} reload", ctl));
  if (auto applied = rig.run(fmt::format("{0} reload && {0} tune apply", ctl)); !applied) return applied;
  if (threads().empty()) return fail("mode auto made no NAPI thread", "see xdpfwd.log in the rig's folder");
  return stand_->rig().wake();  // deferred as the other modes are
}

Result<void> InNapiMode::run_in_poller() {
  Rig& rig = stand_->rig();
  const std::string folder = rig.folder() + "/poller";
  if (auto done = set("gro_flush_timeout", kLongFlushNs); !done) return done;
  ChildOptions options{.arguments = {beside_this_program("xdpfwd-poller"), "--cpu",
                                     fmt::format("{}", rig.rx_cpu()), "--runtime-dir", folder},
                       .log = rig.folder() + "/poller.log"};
  // As the daemon has it: a round of turns is half of what the timer waits, and a turn 10 us at most.
  const auto queues = rig.uplinks().size() * rig.options().queues;
  const size_t turn_us = std::clamp<size_t>(kLongFlushNs / 1000 / (2 * queues), 2, 10);
  for (const std::string& uplink : rig.uplinks())
    for (unsigned queue = 0; queue < rig.options().queues; ++queue) {
      options.arguments.emplace_back("--queue");
      options.arguments.push_back(fmt::format("{}:{},period={}", uplink, queue, turn_us));
    }
  const auto inside = rig.enter();
  if (!inside) return std::unexpected(inside.error());
  auto child = Child::start(options);
  if (!child) return std::unexpected(child.error());
  poller_ = std::move(*child);
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  for (;;) {
    const auto reading = read_poller(folder);
    if (reading && reading->running && reading->counters.pid == static_cast<uint32_t>(poller_->pid()) &&
        reading->counters.queues == queues &&
        std::all_of(reading->counters.queue, reading->counters.queue + reading->counters.queues,
                    [](const PollerQueueCounters& queue) { return queue.own_polls > 0; }))
      return {};
    if (!poller_->running() || std::chrono::steady_clock::now() > deadline)
      return fail("xdpfwd-poller polls nothing: " + poller_->last_words(),
                  "veth needs a static NAPI id of io_uring, Linux 6.13");
    std::this_thread::sleep_for(5ms);
  }
}

Result<InNapiMode> InNapiMode::enter(Stand& stand, NapiMode mode) {
  InNapiMode in_mode(stand);
  if (auto free = in_mode.expect_no_threads(); !free) return std::unexpected(free.error());
  Result<void> entered;
  if (mode == NapiMode::kDeferred) entered = in_mode.set("gro_flush_timeout", kLongFlushNs);
  if (mode == NapiMode::kThreaded) entered = in_mode.run_in_threads();
  if (mode == NapiMode::kAuto) entered = in_mode.leave_to_packer(true);
  if (mode == NapiMode::kBusyPoll) entered = in_mode.run_in_poller();
  if (!entered) return std::unexpected(entered.error());
  return in_mode;
}

ProcessCost InNapiMode::processes() const {
  ProcessCost cost = stand_->cost();
  if (!poller_) return cost;
  const ProcessCost poller = poller_->cost();
  cost.cpu_ns += poller.cpu_ns;
  cost.user_ticks += poller.user_ticks;
  cost.system_ticks += poller.system_ticks;
  return cost;
}

}  // namespace xdpfwd::bench
