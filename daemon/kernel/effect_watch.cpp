// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/effect_watch.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <ctime>

#include "bpf/polls_abi.h"
#include "kernel/bpf_failure.h"
#include "kernel/effect_counters.h"
#include "kernel/libbpf_log.h"
#include "polls.skel.h"

namespace xdpfwd {
namespace {

static_assert(kPollBuckets.size() == XDPFWD_POLLS_BUCKETS);
constexpr size_t kLargestTable = 32UL << 20;

struct DestroyPolls {
  void operator()(polls_bpf* s) const { polls_bpf__destroy(s); }
};
using Program = std::unique_ptr<polls_bpf, DestroyPolls>;

uint32_t own_netns_inum() {
  struct stat about{};
  return stat("/proc/self/ns/net", &about) == 0 ? static_cast<uint32_t>(about.st_ino) : 0;
}

uint64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

// Each row of a hash that programs add to meanwhile. A walk may see a row twice when another goes: none goes.
template <typename Key, typename Row, typename Each>
void for_each_row(int map, Each&& each) {
  Key key{};
  Key next{};
  Row row{};
  for (bool first = true; bpf_map_get_next_key(map, first ? nullptr : &key, &next) == 0; first = false) {
    key = next;
    if (bpf_map_lookup_elem(map, &key, &row) == 0) each(key, row);
  }
}

class Watch final : public EffectWatch {
 public:
  Watch(Program program, Ethtool ethtool, std::vector<TunedDevice> nics, HostRoots roots)
      : program_(std::move(program)),
        ethtool_(std::move(ethtool)),
        nics_(std::move(nics)),
        roots_(std::move(roots)) {}

  Result<EffectReading> read() override {
    EffectReading reading{.time_ns = monotonic_ns()};
    for_each_row<xdpfwd_polls_key, xdpfwd_polls_row>(
        bpf_map__fd(program_->maps.polls), [&](const xdpfwd_polls_key& key, const xdpfwd_polls_row& row) {
          NapiCount count{.ifindex = key.ifindex, .napi = key.napi, .packets = row.packets, .by_work = {}};
          std::ranges::copy(row.by_work, count.by_work.begin());
          reading.polls.push_back(count);
        });
    for_each_row<xdpfwd_delivery_key, xdpfwd_delivery_row>(
        bpf_map__fd(program_->maps.deliveries),
        [&](const xdpfwd_delivery_key& key, const xdpfwd_delivery_row& row) {
          reading.delivered.push_back({.ifindex = key.ifindex,
                                       .napi = key.napi,
                                       .tap = key.to,
                                       .taken = row.taken,
                                       .lost = row.lost});
        });
    std::ranges::sort(reading.polls, {}, [](const NapiCount& c) { return std::pair(c.ifindex, c.napi); });
    std::ranges::sort(reading.delivered, {},
                      [](const DeliveryCount& c) { return std::tuple(c.ifindex, c.napi, c.tap); });
    if (auto read = read_cpus(reading); !read) return std::unexpected(read.error());
    for (const TunedDevice& nic : nics_) {
      if (!ethtool_.is_there(nic.ifindex, nic.name)) continue;
      const auto counts = read_queue_counts(ethtool_, nic.ifindex, nic.name);
      if (const auto sent = read_host_number(
              fmt::format("{}/class/net/{}/statistics/tx_packets", roots_.sys, nic.name.view())))
        reading.sent.push_back({.ifindex = nic.ifindex, .packets = static_cast<uint64_t>(*sent)});
      reading.queues.insert(reading.queues.end(), counts.begin(), counts.end());
    }
    std::ranges::sort(reading.sent, {}, &SentCount::ifindex);
    std::ranges::sort(reading.queues, {}, [](const QueueCount& c) { return std::pair(c.ifindex, c.queue); });
    // A kernel without these files, or a sandbox that hides them, has none of these counts.
    if (const auto text = read_host_file(roots_.proc + "/interrupts", kLargestTable))
      reading.interrupts = parse_interrupt_counts(*text);
    if (const auto text = read_host_file(roots_.proc + "/net/softnet_stat", kLargestTable)) {
      const SoftnetCounts counts = parse_softnet(*text);
      reading.backlog_dropped = counts.dropped;
      reading.budget_exhausted = counts.squeezed;
    }
    return reading;
  }

 private:
  Result<void> read_cpus(EffectReading& reading) const {
    const int cpus = libbpf_num_possible_cpus();
    if (cpus <= 0) return fail_errno("cannot count the CPUs", -cpus);
    std::vector<xdpfwd_polls_cpu> rows(static_cast<size_t>(cpus));
    const uint32_t zero = 0;
    if (bpf_map_lookup_elem(bpf_map__fd(program_->maps.cpus), &zero, rows.data()) != 0)
      return fail_errno("cannot read the poll counts of the CPUs", errno);
    for (const xdpfwd_polls_cpu& row : rows) {
      reading.net_softirq_ns += row.net_ns;
      reading.uncounted += row.uncounted;
    }
    return {};
  }

  Program program_;
  Ethtool ethtool_;
  std::vector<TunedDevice> nics_;
  HostRoots roots_;
};

}  // namespace

Result<std::unique_ptr<EffectWatch>> watch_effect(const std::vector<TunedDevice>& nics,
                                                  const HostRoots& roots) {
  if (nics.size() > XDPFWD_POLLS_NICS)
    return fail(fmt::format("{} NICs are more than can be watched at once", nics.size()), "name some of them",
                E2BIG);
  clear_libbpf_log();
  Program program(polls_bpf__open());
  if (!program) return bpf_failure("cannot open the poll counter", errno);
  program->rodata->netns_inum = own_netns_inum();
  if (const int error = polls_bpf__load(program.get()))
    return bpf_failure("the kernel does not load the poll counter", -error);
  for (const TunedDevice& nic : nics) {
    const uint8_t yes = 1;
    if (bpf_map_update_elem(bpf_map__fd(program->maps.watched), &nic.ifindex, &yes, BPF_ANY) != 0)
      return fail_errno("cannot note a NIC to watch", errno);
  }
  if (const int error = polls_bpf__attach(program.get()))
    return bpf_failure("the kernel does not attach the poll counter to its tracepoints", -error);
  auto ethtool = Ethtool::open();
  if (!ethtool) return std::unexpected(ethtool.error());
  return std::make_unique<Watch>(std::move(program), std::move(*ethtool), nics, roots);
}

}  // namespace xdpfwd
