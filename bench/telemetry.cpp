// SPDX-License-Identifier: BSD-2-Clause
#include "bench/telemetry.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <sstream>
#include <string>

#include "kernel/pid_namespace.h"
#include "pktgen/sender.h"
#include "softirq_clock.skel.h"

namespace xdpfwd::bench {
namespace {

constexpr size_t kRowsSize = sizeof(softirq_row) * BENCH_MAX_CPUS;

uint64_t peek(const unsigned long long& shared) {
  return *static_cast<const volatile unsigned long long*>(&shared);
}

struct Tasks {
  std::array<uint64_t, BENCH_TASKS> ns{};
  uint64_t switches = 0;
};

// Whoever runs has been running since he came. A row that changes meanwhile is read again.
Tasks read_tasks(const softirq_row& row) {
  Tasks tasks;
  do {
    tasks.switches = peek(row.switches);
    for (size_t kind = 0; kind < BENCH_TASKS; ++kind) tasks.ns[kind] = peek(row.task_ns[kind]);
    const uint64_t since_ns = peek(row.switched_ns);
    const uint64_t softirqs_ns = peek(row.softirqs_ns) - peek(row.softirqs_ns_before);
    const uint64_t gone_ns = pktgen::monotonic_ns() - since_ns;
    if (since_ns != 0 && peek(row.running) < BENCH_TASKS)
      tasks.ns[peek(row.running)] += gone_ns - std::min(gone_ns, softirqs_ns);
  } while (peek(row.switches) != tasks.switches);
  return tasks;
}

void read_stat(unsigned cpu, CpuReading& reading) {
  std::ifstream file("/proc/stat");
  const std::string name = fmt::format("cpu{} ", cpu);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(name)) continue;
    std::istringstream fields(line.substr(name.size()));
    // user nice system idle iowait irq softirq steal
    uint64_t value = 0;
    for (int i = 0; i < 8 && fields >> value; ++i) {
      reading.tick_all += value;
      if (i < 2) reading.tick_user += value;
      if (i == 6) reading.tick_softirq += value;
    }
  }
}

void read_interrupts(unsigned cpu, CpuReading& reading) {
  std::ifstream file("/proc/interrupts");
  std::string line;
  std::getline(file, line);  // names of the CPUs that are up, in order
  std::istringstream heads(line);
  unsigned column = 0;
  const std::string wanted = fmt::format("CPU{}", cpu);
  for (std::string head; heads >> head && head != wanted;) ++column;
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string name;
    fields >> name;
    uint64_t value = 0;
    for (unsigned i = 0; i <= column && fields >> value; ++i)
      if (i == column) reading.interrupts += value;
  }
}

}  // namespace

CpuReading operator-(const CpuReading& later, const CpuReading& earlier) {
  std::array<uint64_t, BENCH_TASKS> task_ns{};
  for (size_t kind = 0; kind < task_ns.size(); ++kind)
    task_ns[kind] = later.task_ns[kind] - earlier.task_ns[kind];
  return {.at_ns = later.at_ns - earlier.at_ns,
          .net_softirq_ns = later.net_softirq_ns - earlier.net_softirq_ns,
          .other_softirq_ns = later.other_softirq_ns - earlier.other_softirq_ns,
          .other_cpus_ns = later.other_cpus_ns - earlier.other_cpus_ns,
          .polls = later.polls - earlier.polls,
          .empty_polls = later.empty_polls - earlier.empty_polls,
          .packets = later.packets - earlier.packets,
          .stray_packets = later.stray_packets - earlier.stray_packets,
          .task_ns = task_ns,
          .contender_ns = later.contender_ns - earlier.contender_ns,
          .switches = later.switches - earlier.switches,
          .interrupts = later.interrupts - earlier.interrupts,
          .tick_user = later.tick_user - earlier.tick_user,
          .tick_softirq = later.tick_softirq - earlier.tick_softirq,
          .tick_all = later.tick_all - earlier.tick_all};
}

Result<std::unique_ptr<Telemetry>> Telemetry::start(unsigned cpu) {
  if (cpu >= BENCH_MAX_CPUS) return fail(fmt::format("CPU {} cannot be watched", cpu), "choose a lower one");
  auto telemetry = std::unique_ptr<Telemetry>(new Telemetry(cpu));
  telemetry->skeleton_ = softirq_clock_bpf__open_and_load();
  if (!telemetry->skeleton_)
    return fail_errno("the kernel does not load the softirq clock", errno,
                      "it needs root, and a kernel with BTF and tracepoints");
  if (const int error = softirq_clock_bpf__attach(telemetry->skeleton_); error != 0)
    return fail_errno("attaching the softirq clock", -error);
  void* memory =
      ::mmap(nullptr, kRowsSize, PROT_READ, MAP_SHARED, bpf_map__fd(telemetry->skeleton_->maps.rows), 0);
  if (memory == MAP_FAILED) return fail_errno("mapping the softirq clock's rows", errno);
  telemetry->rows_ = static_cast<const softirq_row*>(memory);
  return telemetry;
}

Telemetry::~Telemetry() {
  if (rows_ != nullptr) ::munmap(const_cast<softirq_row*>(rows_), kRowsSize);
  softirq_clock_bpf__destroy(skeleton_);
}

void Telemetry::watch(uint32_t netns_inode) {
  std::atomic_ref<uint32_t>(skeleton_->bss->watched_netns).store(netns_inode);
}

Result<void> Telemetry::follow(const std::vector<pid_t>& processes) {
  if (!in_first_pid_namespace("/proc"))
    return fail("processes have other numbers in this PID namespace than the kernel tells",
                "run it in the first one (docker run --pid=host)");
  const int map = bpf_map__fd(skeleton_->maps.followed);
  for (const uint32_t before : followed_) bpf_map_delete_elem(map, &before);
  followed_.assign(processes.begin(), processes.end());
  const uint8_t here = 1;
  for (const uint32_t process : followed_)
    if (bpf_map_update_elem(map, &process, &here, BPF_ANY) < 0)
      return fail_errno(fmt::format("the time of process {}", process), errno);
  return {};
}

CpuReading Telemetry::read() const {
  CpuReading reading;
  static const auto cpus = static_cast<unsigned>(::sysconf(_SC_NPROCESSORS_CONF));
  for (unsigned cpu = 0; cpu < cpus && cpu < BENCH_MAX_CPUS; ++cpu) {
    const softirq_row& row = rows_[cpu];
    const Tasks tasks = read_tasks(row);
    reading.contender_ns += tasks.ns[BENCH_TASK_CONTENDER];
    const uint64_t net = peek(row.ns[BENCH_SOFTIRQ_NET_RX]) + peek(row.ns[BENCH_SOFTIRQ_NET_TX]);
    if (cpu != cpu_) {
      reading.other_cpus_ns += net;
      reading.stray_packets += peek(row.packets);
      continue;
    }
    reading.net_softirq_ns = net;
    for (unsigned vector = 0; vector < BENCH_SOFTIRQS; ++vector)
      if (vector != BENCH_SOFTIRQ_NET_RX && vector != BENCH_SOFTIRQ_NET_TX)
        reading.other_softirq_ns += peek(row.ns[vector]);
    reading.polls = peek(row.polls);
    reading.empty_polls = peek(row.empty_polls);
    reading.packets = peek(row.packets);
    reading.task_ns = tasks.ns;
    reading.switches = tasks.switches;
  }
  reading.at_ns = pktgen::monotonic_ns();
  return reading;
}

CpuReading Telemetry::read_all() const {
  CpuReading proc;
  read_stat(cpu_, proc);
  read_interrupts(cpu_, proc);
  CpuReading reading = read();
  reading.interrupts = proc.interrupts;
  reading.tick_user = proc.tick_user;
  reading.tick_softirq = proc.tick_softirq;
  reading.tick_all = proc.tick_all;
  return reading;
}

}  // namespace xdpfwd::bench
