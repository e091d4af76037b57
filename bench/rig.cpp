// SPDX-License-Identifier: BSD-2-Clause
#include "bench/rig.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <fstream>
#include <thread>

#include "bench/spread.h"
#include "bench/stage.h"
#include "kernel/effect_counters.h"
#include "pktgen/packet.h"
#include "pktgen/tap.h"
#include "pktgen/worker_thread.h"

namespace xdpfwd::bench {
namespace {

using namespace std::chrono_literals;

constexpr uint16_t kFirstVlan = 100;
// NAPI stays deferred for as many empty polls: at 50 us each, for more than a day.
constexpr unsigned kDeferForGood = 0x7fffffff;

Result<void> write_file(const std::string& path, unsigned value) {
  std::ofstream file(path);
  file << value << std::flush;
  if (!file) return fail_errno(path, errno);
  return {};
}

// The harness itself, and what it starts, scheduled otherwise for a while.
class Scheduled {
 public:
  Scheduled(const cpu_set_t& cpus, int policy, int priority) : policy_(::sched_getscheduler(0)) {
    ::sched_getparam(0, &param_);
    ::sched_getaffinity(0, sizeof(cpus_), &cpus_);
    // First to the CPUs: behind the generator, on its CPU, nothing more would be done.
    ::sched_setaffinity(0, sizeof(cpus), &cpus);
    const sched_param param{.sched_priority = priority};
    ::sched_setscheduler(0, policy, &param);
  }
  ~Scheduled() {
    ::sched_setscheduler(0, policy_, &param_);
    ::sched_setaffinity(0, sizeof(cpus_), &cpus_);
  }
  Scheduled(const Scheduled&) = delete;
  Scheduled& operator=(const Scheduled&) = delete;

 private:
  int policy_;
  sched_param param_{};
  cpu_set_t cpus_{};
};

// Before the generator, on its CPU: for the moments that the harness needs to look.
Scheduled before_generator(unsigned cpu) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(cpu, &only);
  return {only, SCHED_FIFO, 2};
}

// As usual, on all other CPUs: for what is not to take the generator's time.
Scheduled beside_generator(unsigned cpu) {
  cpu_set_t others;
  CPU_ZERO(&others);
  for (unsigned other = 0; other < CPU_SETSIZE; ++other)
    if (other != cpu) CPU_SET(other, &others);
  return {others, SCHED_OTHER, 0};
}

}  // namespace

Result<std::unique_ptr<Rig>> Rig::make(const RigOptions& options, Telemetry& telemetry) {
  auto rig = std::unique_ptr<Rig>(new Rig(options, telemetry));
  if (auto built = rig->build(); !built) return fail_in(options.name, built.error());
  return rig;
}

Rig::~Rig() {
  taps_.clear();
  ::umount2((folder_ + "/bpf").c_str(), MNT_DETACH);
  ::umount2((folder_ + "/sys").c_str(), MNT_DETACH);
}

Result<void> Rig::build() {
  const auto stage = enter_stage();
  if (!stage) return std::unexpected(stage.error());
  folder_ = "/mnt/" + options_.name;
  for (const char* part : {"", "/bpf", "/sys"})
    if (::mkdir((folder_ + part).c_str(), 0700) != 0 && errno != EEXIST)
      return fail_errno(folder_ + part, errno);
  auto here = pktgen::NetNamespace::open("");
  if (!here) return std::unexpected(here.error());
  if (::unshare(CLONE_NEWNET) != 0) return fail_errno("a network namespace", errno, "run as root");
  netns_fd_.reset(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  const bool mounted = ::mount("sysfs", (folder_ + "/sys").c_str(), "sysfs", 0, nullptr) == 0 &&
                       ::mount("bpf", (folder_ + "/bpf").c_str(), "bpf", 0, nullptr) == 0;
  const int code = errno;
  if (auto back = here->enter(); !back) return back;
  if (!mounted) return fail_errno("mounting the rig's filesystems", code);
  netns_path_ = fmt::format("/proc/self/fd/{}", netns_fd_.get());
  auto netns = pktgen::NetNamespace::open(netns_path_);
  if (!netns) return std::unexpected(netns.error());
  netns_ = std::move(*netns);
  const auto inode = netns_.inode();
  if (!inode) return std::unexpected(inode.error());
  netns_inode_ = *inode;

  // No IPv6: the host itself sends nothing. No bridge netfilter: no contender pays for firewalls.
  if (auto done =
          run("ip link set lo up; for f in /proc/sys/net/ipv6/conf/*/disable_ipv6; do echo 1 > $f; done; "
              "for f in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e $f ] || echo 0 > $f; done");
      !done)
    return done;
  for (unsigned member = 0; member < options_.members; ++member) {
    // GRO gives a veth NAPI without an XDP program, too: all contenders receive as from a NIC. Socket buffers
    // go that way only while their sender has no TSO.
    if (auto cabled = run(
            fmt::format("ip link add up{0} numtxqueues {1} numrxqueues {1} type veth "
                        "peer name sw{0} numtxqueues {1} numrxqueues {1} && ethtool -K up{0} gro on && "
                        "{2} ip link set up{0} up && ip link set sw{0} up",
                        member, options_.queues,
                        options_.socket_buffers ? fmt::format("ethtool -K sw{} tso off &&", member) : ""));
        !cabled)
      return cabled;
  }
  for (unsigned guest = 0; guest < options_.guests; ++guest) {
    const std::string name = fmt::format("tap{}", guest);
    auto fd = pktgen::open_tap({.name = name, .netns = netns_path_, .queue_length = options_.ring_slots});
    if (!fd && fd.error().code == ERANGE && options_.ring_slots > pktgen::kLongestQueue) {
      options_.ring_slots = pktgen::kLongestQueue;
      fd = pktgen::open_tap({.name = name, .netns = netns_path_, .queue_length = options_.ring_slots});
    }
    if (!fd) return std::unexpected(fd.error());
    // A lockless, queueless tap, as article 2 asks for; the XDP path has no queueing discipline anyway.
    if (auto plain = run(fmt::format("tc qdisc replace dev {} root noqueue", name)); !plain) return plain;
    taps_.push_back({name, std::move(*fd)});
    const auto vlan = VlanTag::make(static_cast<uint16_t>(kFirstVlan + guest % 16));
    if (!vlan) return std::unexpected(vlan.error());
    for (unsigned mac = 0; mac < options_.macs_per_guest; ++mac) {
      const uint64_t number = static_cast<uint64_t>(mac) * options_.guests + guest;
      guests_.push_back({.name = fmt::format("vm{}-{}", guest, mac),
                         .tap = name,
                         .mac = MacAddress::from_bits(0x525400000000 + number),
                         .vlan = *vlan,
                         .keep_tag = options_.keep_tag});
    }
  }
  return {};
}

std::vector<std::string> Rig::uplinks() const {
  std::vector<std::string> names;
  names.reserve(options_.members);
  for (unsigned member = 0; member < options_.members; ++member) names.push_back(fmt::format("up{}", member));
  return names;
}

std::vector<std::string> Rig::senders() const {
  std::vector<std::string> names;
  names.reserve(options_.members);
  for (unsigned member = 0; member < options_.members; ++member) names.push_back(fmt::format("sw{}", member));
  return names;
}

std::vector<std::string> Rig::taps() const {
  std::vector<std::string> names;
  names.reserve(taps_.size());
  for (const Tap& tap : taps_) names.push_back(tap.name);
  return names;
}

Result<pktgen::InNamespace> Rig::enter() const {
  return pktgen::InNamespace::enter(netns_);
}

Result<void> Rig::set_deferral(unsigned defer, unsigned usecs) const {
  for (const std::string& uplink : uplinks()) {
    const std::string device = fmt::format("{}/sys/class/net/{}/", folder_, uplink);
    if (auto set = write_file(device + "gro_flush_timeout", usecs * 1000); !set) return set;
    if (auto set = write_file(device + "napi_defer_hard_irqs", defer); !set) return set;
  }
  return {};
}

Result<void> Rig::rest() {
  return set_deferral(0, 0);
}

// The timer that polls runs on the CPU that polled last. So the first frame is sent on the receiving CPU, to
// each queue.
Result<void> Rig::wake() {
  telemetry_.watch(netns_inode_);
  if (auto set = set_deferral(kDeferForGood, options_.rx_usecs); !set) return set;
  const std::vector<pktgen::Guest> nobody = {{.name = "nobody", .tap = "", .mac = kUnknownMac, .vlan = {}}};
  auto streams = streams_of(nobody, {64}, options_.members);
  if (!streams) return std::unexpected(streams.error());
  const uint64_t frames = 2 * streams->size();
  const uint64_t before = telemetry_.read().packets;
  auto sender = make_sender(
      *streams, {.devices = senders(), .netns = netns_path_, .count = frames, .cpu = options_.rx_cpu});
  if (!sender) return std::unexpected(sender.error());
  if (auto started = (*sender)->start(); !started) return started;
  if (auto sent = (*sender)->wait(); !sent) return std::unexpected(sent.error());
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  while (telemetry_.read().packets - before < frames) {
    if (std::chrono::steady_clock::now() > deadline)
      return fail(fmt::format("CPU {} does not receive from {}", options_.rx_cpu, uplinks()[0]),
                  "the kernel must know napi_defer_hard_irqs, and veth must have NAPI");
    std::this_thread::sleep_for(1ms);
  }
  return {};
}

Result<pktgen::StreamSet> Rig::streams_of(std::span<const pktgen::Guest> guests,
                                          const std::vector<size_t>& sizes, size_t devices) {
  auto streams = pktgen::StreamSet::of_guests(guests, {.sizes = sizes,
                                                       .members = static_cast<uint32_t>(devices),
                                                       .first_id = next_id_,
                                                       .sources = options_.queues});
  // Numbers come round again: what an old trial left in a queue has been read or lost long ago.
  if (streams) next_id_ = streams->end_id() > 100'000 ? 1 : streams->end_id();
  return streams;
}

Result<std::unique_ptr<pktgen::Sender>> Rig::make_sender(const pktgen::StreamSet& streams,
                                                         pktgen::SendOptions options) const {
  options.queues = options_.queues;
  return options_.socket_buffers ? pktgen::make_xsk_sender(streams, options)
                                 : pktgen::make_live_sender(streams, options);
}

Result<std::vector<uint64_t>> Rig::queue_packets() const {
  std::vector<uint64_t> packets(options_.queues);
  const auto inside = enter();
  if (!inside) return std::unexpected(inside.error());
  auto ethtool = Ethtool::open();
  if (!ethtool) return std::unexpected(ethtool.error());
  for (const std::string& uplink : uplinks())
    for (const QueueCount& count :
         read_queue_counts(*ethtool, ifindex(uplink), InterfaceName::parse(uplink).value()))
      if (count.queue < packets.size()) packets[count.queue] += count.packets;
  return packets;
}

uint64_t Rig::drain(pktgen::FrameChecker* checker) {
  alignas(64) static std::array<uint8_t, 65'536> buffer;
  uint64_t frames = 0;
  for (const Tap& tap : taps_) {
    const uint32_t place = checker != nullptr ? checker->place(tap.name) : 0;
    for (ssize_t size = 0; (size = ::read(tap.fd.get(), buffer.data(), buffer.size())) > 0; ++frames)
      if (checker != nullptr)
        checker->judge(place, {buffer.data(), static_cast<size_t>(size)}, pktgen::monotonic_ns());
  }
  return frames;
}

// Until all have come, or none has for a while.
void Rig::drain_until(pktgen::FrameChecker* checker, uint64_t expected, std::chrono::milliseconds quiet) {
  uint64_t frames = drain(checker);
  auto last = std::chrono::steady_clock::now();
  while (frames < expected && std::chrono::steady_clock::now() - last < quiet) {
    std::this_thread::sleep_for(2ms);
    const uint64_t more = drain(checker);
    frames += more;
    if (more > 0) last = std::chrono::steady_clock::now();
  }
}

Result<Trial> Rig::send(const TrialOptions& options) {
  return run_trial(options, senders());
}

Result<Trial> Rig::send_without_forwarder(const TrialOptions& options) {
  // One tap: live frames know only the device that they leave by.
  TrialOptions one = options;
  one.guests = 1;
  return run_trial(one, {taps_[0].name});
}

// So many of the guests, spread over all of them, others with each trial: a trial reaches no more of them
// than it has frames.
std::vector<pktgen::Guest> Rig::some_guests(size_t most) {
  if (guests_.size() <= most) return guests_;
  std::vector<pktgen::Guest> some;
  some.reserve(most);
  for (const size_t row : spread_rows(guests_.size(), most, spread_++)) some.push_back(guests_[row]);
  return some;
}

Result<Trial> Rig::run_trial(const TrialOptions& options, const std::vector<std::string>& devices) {
  const uint64_t room = static_cast<uint64_t>(options_.ring_slots) *
                        std::min<size_t>(options.guests != 0 ? options.guests : taps_.size(), taps_.size()) *
                        9 / 10;
  const auto wanted = static_cast<uint64_t>(options.pps * options.seconds);
  // A reader makes room.
  const uint64_t due =
      options.pps > 0 ? std::clamp<uint64_t>(wanted, 1, options.reader ? std::max<uint64_t>(wanted, 1) : room)
                      : room;
  std::vector<pktgen::Guest> guests = some_guests(options.guests != 0 ? guests_.size() : due);
  if (options.guests != 0) guests.resize(std::min<size_t>(guests.size(), options.guests));
  const bool straight = devices[0] == taps_[0].name;
  // What goes straight into a tap has no tag to lose.
  if (straight)
    for (pktgen::Guest& guest : guests) guest.vlan = {};
  auto streams = streams_of(guests, options.sizes, devices.size());
  if (!streams) return std::unexpected(streams.error());
  drain(nullptr);
  auto sender = make_sender(*streams, {.devices = devices,
                                       .netns = netns_path_,
                                       .pps = options.pps,
                                       .count = due,
                                       .cpu = options_.tx_cpu,
                                       .max_late = 64,
                                       .realtime = true});
  if (!sender) return std::unexpected(sender.error());
  const auto wait_for = [&](uint64_t frames) {
    while ((*sender)->frames_done() < frames && !(*sender)->finished()) std::this_thread::sleep_for(500us);
  };
  Trial trial{.asked_pps = options.pps, .due = due};
  pktgen::FrameChecker checker(pktgen::FrameChecker::Form::kDelivered);
  checker.expect(*streams);
  std::atomic<bool> reading = true;
  std::thread reader;
  if (options.reader) {
    auto started = pktgen::start_worker("bench-reader", options_.rx_cpu, [&] {
      (void)pktgen::go_before_others();
      std::vector<pollfd> events;
      events.reserve(taps_.size());
      for (const Tap& tap : taps_) events.push_back({tap.fd.get(), POLLIN, 0});
      while (reading)
        if (::poll(events.data(), events.size(), 20) > 0) drain(&checker);
    });
    if (!started) return std::unexpected(started.error());
    reader = std::move(*started);
  }
  {
    const Scheduled foremost = before_generator(options_.tx_cpu);
    if (auto started = (*sender)->start(); !started) {
      reading = false;
      if (reader.joinable()) reader.join();
      return std::unexpected(started.error());
    }
    wait_for(due / 10 + 1);
    if (options.window_opens) options.window_opens();
    const CpuReading first = telemetry_.read_all();
    if (options.in_the_middle) {
      wait_for(due / 2);
      const Scheduled aside = beside_generator(options_.tx_cpu);
      options.in_the_middle();
      trial.ended_in_the_middle = (*sender)->finished();
    }
    wait_for(due - due / 10);
    const CpuReading last = telemetry_.read_all();
    if (options.window_closes) options.window_closes();
    trial.cpu = last - first;
    while (!(*sender)->finished()) std::this_thread::sleep_for(500us);
  }
  const auto sent = (*sender)->wait();
  if (reader.joinable()) {
    std::this_thread::sleep_for(20ms);
    reading = false;
    reader.join();
  }
  if (!sent) return std::unexpected(sent.error());
  drain_until(&checker, sent->sent() - std::min(sent->sent(), checker.report().total().delivered()), 50ms);
  const pktgen::StreamTally total = checker.report().total();
  trial.sent = sent->sent();
  trial.refused = sent->refused;
  trial.unsent = due - sent->handed_over;
  trial.delivered = total.delivered();
  trial.wrong = total.corrupted + total.misdelivered + total.duplicated;
  trial.elsewhere = total.misdelivered;
  trial.seconds = sent->seconds;
  if (options.reader) trial.latency_ns = checker.report().latency_ns;
  return trial;
}

Result<void> Rig::wait_until_forwarding(std::chrono::milliseconds at_most) {
  const auto deadline = std::chrono::steady_clock::now() + at_most;
  std::vector<pktgen::Guest> firsts;  // of each tap
  for (const pktgen::Guest& guest : guests_)
    if (firsts.size() < taps_.size()) firsts.push_back(guest);
  for (;;) {
    auto streams = pktgen::StreamSet::of_guests(firsts, {.members = options_.members, .first_id = next_id_});
    if (!streams) return std::unexpected(streams.error());
    next_id_ = streams->end_id();
    drain(nullptr);
    auto sender = pktgen::make_packet_sender(
        *streams, {.devices = senders(), .netns = netns_path_, .pps = 10'000, .count = streams->size()});
    if (!sender) return std::unexpected(sender.error());
    if (auto started = (*sender)->start(); !started) return started;
    if (auto sent = (*sender)->wait(); !sent) return std::unexpected(sent.error());
    pktgen::FrameChecker checker(pktgen::FrameChecker::Form::kDelivered);
    checker.expect(*streams);
    drain_until(&checker, streams->size(), 100ms);
    const pktgen::StreamTally total = checker.report().total();
    if (total.delivered() >= streams->size()) return {};
    if (std::chrono::steady_clock::now() > deadline)
      return fail(fmt::format("only {} of {} frames came through ({} changed, {} at the wrong tap)",
                              total.delivered(), streams->size(), total.corrupted, total.misdelivered));
  }
}

}  // namespace xdpfwd::bench
