// SPDX-License-Identifier: BSD-2-Clause
#include "poller/counters_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

namespace xdpfwd::poller {
namespace {

constexpr const char* kRemedy = "--runtime-dir names another folder";

nlohmann::json json_of(const PollerReading& reading, size_t index) {
  const PollerQueueCounters& queue = reading.counters.queue[index];
  return {{"device", reading.device_of(index)},
          {"queue", queue.queue},
          {"napi", queue.napi},
          {"state", name_of(static_cast<PollerQueueState>(queue.state))},
          {"handle", name_of(static_cast<PollerHandle>(queue.handle))},
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

// All may open the counters, and so lock them. Who is the poller is told by a file that nobody else can open.
Result<UniqueFd> lock_folder(const std::string& folder) {
  const std::string path = folder + "/lock";
  UniqueFd lock(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!lock) return fail_errno("cannot write " + path, errno, kRemedy);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) < 0)
    return fail(path + " is locked: a poller of this name runs", "stop it, or give this one another name",
                EBUSY);
  return lock;
}

Result<CountersFile> CountersFile::create(const std::string& folder) {
  if (::mkdir(folder.c_str(), 0755) < 0 && errno != EEXIST)
    return fail_errno("cannot make " + folder, errno, kRemedy);
  auto lock = lock_folder(folder);
  if (!lock) return std::unexpected(lock.error());
  // A new file, as somebody may hold a lock on the one that a killed poller left. Locked before anybody can
  // open it.
  const std::string path = folder + "/counters";
  const std::string temporary = path + ".new";
  if (::unlink(temporary.c_str()) < 0 && errno != ENOENT)
    return fail_errno("cannot remove " + temporary, errno);
  UniqueFd file(::open(temporary.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return fail_errno("cannot write " + temporary, errno, kRemedy);
  void* memory = MAP_FAILED;
  if (::flock(file.get(), LOCK_EX | LOCK_NB) == 0 && ::ftruncate(file.get(), sizeof(PollerCounters)) == 0)
    memory = ::mmap(nullptr, sizeof(PollerCounters), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (memory == MAP_FAILED) return fail_errno("cannot map " + temporary, errno);
  auto* counters = static_cast<PollerCounters*>(memory);
  counters->version = kPollerCountersVersion;
  counters->size = sizeof(PollerCounters);
  std::memcpy(counters->magic, kPollerMagic, sizeof(counters->magic));
  CountersFile made(std::move(*lock), std::move(file), path, counters);
  // Whatever umask we have: it holds no secret, and readers are others.
  if (::fchmod(made.file_.get(), 0644) < 0 || ::rename(temporary.c_str(), path.c_str()) < 0)
    return fail_errno("cannot write " + path, errno);
  return made;
}

CountersFile::CountersFile(CountersFile&& other) noexcept
    : lock_(std::move(other.lock_)),
      file_(std::move(other.file_)),
      path_(std::move(other.path_)),
      counters_(std::exchange(other.counters_, nullptr)) {}

CountersFile::~CountersFile() {
  if (counters_ == nullptr) return;
  ::munmap(counters_, sizeof(PollerCounters));
  ::unlink(path_.c_str());
}

Result<std::string> read_status(const std::string& folder) {
  const auto reading = read_poller(folder);
  if (!reading) return std::unexpected(reading.error());
  const PollerCounters& counters = reading->counters;
  nlohmann::json queues = nlohmann::json::array();
  for (uint32_t i = 0; i < counters.queues; ++i) queues.push_back(json_of(*reading, i));
  return nlohmann::json{{"version", counters.version},
                        {"running", reading->running},
                        {"silent_ms", reading->silent_ms},
                        {"pid", counters.pid},
                        {"cpu", counters.cpu},
                        {"started_ns", counters.started_ns},
                        {"heartbeat_ns", counters.heartbeat_ns},
                        {"sleeps", counters.sleeps},
                        {"slept_ns", counters.slept_ns},
                        {"queues", queues}}
      .dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace xdpfwd::poller
