// SPDX-License-Identifier: BSD-2-Clause
#include "poller/counters_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "poller/napi_handle.h"
#include "poller/rotation.h"

namespace xdpfwd::poller {
namespace {

std::string path_in(const std::string& folder) {
  return folder + "/counters";
}

const char* state_name(uint32_t state) {
  switch (static_cast<QueueState>(state)) {
    case QueueState::kAbsent:
      return "absent";
    case QueueState::kPolling:
      return "polling";
    case QueueState::kBackedOff:
      return "backed-off";
  }
  return "unknown";
}

nlohmann::json json_of(const QueueCounters& queue) {
  return {{"device", std::string(queue.device, strnlen(queue.device, sizeof(queue.device)))},
          {"queue", queue.queue},
          {"napi", queue.napi},
          {"state", state_name(queue.state)},
          {"handle", handle_name(static_cast<HandleKind>(queue.handle))},
          {"defer_hard_irqs", queue.defer_hard_irqs},
          {"gro_flush_timeout_ns", queue.flush_timeout_ns},
          {"interrupts_masked", queue.interrupts_masked != 0},
          {"turns", queue.turns},
          {"own_polls", queue.own_polls},
          {"own_polls_with_work", queue.own_worked},
          {"own_packets", queue.own_packets},
          {"other_polls", queue.other_polls},
          {"other_packets", queue.other_packets},
          {"backoffs", queue.backoffs},
          {"returns", queue.returns},
          {"lookups", queue.lookups}};
}

}  // namespace

Result<CountersFile> CountersFile::create(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0755) < 0 && errno != EEXIST)
    return fail_errno("cannot make " + folder, errno, "--runtime-dir names another folder");
  const std::string path = path_in(folder);
  UniqueFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!file) return fail_errno("cannot write " + path, errno, "--runtime-dir names another folder");
  if (::flock(file.get(), LOCK_EX | LOCK_NB) < 0)
    return fail(path + " is locked: a poller of this name runs", "stop it, or give this one another name",
                EBUSY);
  // Whatever umask we have: it holds no secret, and readers are others. Emptied first: a new run counts anew.
  if (::fchmod(file.get(), 0644) < 0 || ::ftruncate(file.get(), 0) < 0 ||
      ::ftruncate(file.get(), sizeof(Counters)) < 0)
    return fail_errno("cannot write " + path, errno);
  void* memory = ::mmap(nullptr, sizeof(Counters), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (memory == MAP_FAILED) return fail_errno("cannot map " + path, errno);
  auto* counters = static_cast<Counters*>(memory);
  counters->version = kCountersVersion;
  counters->size = sizeof(Counters);
  std::memcpy(counters->magic, kCountersMagic, sizeof(counters->magic));
  return CountersFile(std::move(file), path, counters);
}

CountersFile::CountersFile(CountersFile&& other) noexcept
    : file_(std::move(other.file_)),
      path_(std::move(other.path_)),
      counters_(std::exchange(other.counters_, nullptr)) {}

CountersFile::~CountersFile() {
  if (counters_ == nullptr) return;
  ::munmap(counters_, sizeof(Counters));
  ::unlink(path_.c_str());
}

Result<std::string> read_status(const std::string& folder) {
  const std::string path = path_in(folder);
  const UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file)
    return fail_errno("cannot read " + path, errno, errno == ENOENT ? "no poller of this name runs" : "");
  Counters counters{};
  if (::pread(file.get(), &counters, sizeof(counters), 0) != static_cast<ssize_t>(sizeof(counters)) ||
      std::memcmp(counters.magic, kCountersMagic, sizeof(counters.magic)) != 0)
    return fail(path + " is no file of counters", "is the poller only starting?");
  if (counters.version != kCountersVersion || counters.queues > kCounterQueues)
    return fail(fmt::format("{} has version {}, and not {}", path, counters.version, kCountersVersion),
                "poller and reader are of different releases: restart the poller");
  const bool running = ::flock(file.get(), LOCK_SH | LOCK_NB) < 0;
  nlohmann::json queues = nlohmann::json::array();
  for (uint32_t i = 0; i < counters.queues; ++i) queues.push_back(json_of(counters.queue[i]));
  return nlohmann::json{{"version", counters.version},
                        {"running", running},
                        {"pid", counters.pid},
                        {"cpu", counters.cpu},
                        {"started_ns", counters.started_ns},
                        {"heartbeat_ns", counters.heartbeat_ns},
                        {"sleeps", counters.sleeps},
                        {"slept_ns", counters.slept_ns},
                        {"queues", queues}}
      .dump(2);
}

}  // namespace xdpfwd::poller
