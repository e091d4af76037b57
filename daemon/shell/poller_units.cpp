// SPDX-License-Identifier: BSD-2-Clause
#include "shell/poller_units.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "base/unique_fd.h"
#include "shell/log.h"
#include "sources/read_file.h"

namespace xdpfwd {
namespace {

// A file that begins otherwise is somebody else's.
constexpr std::string_view kOurs = "# Written by xdpfwd for tuning.napi = \"busy-poll\": changes are lost.\n";
constexpr std::string_view kSuffix = ".conf";
constexpr int kUsage = 2;     // exit status of xdpfwd-poller: its configuration is bad
constexpr int kNoHandle = 4;  // nothing here polls the NAPI of its queues

std::string service_of(const std::string& name) {
  return "xdpfwd-poller@" + name + ".service";
}
std::string thing_of(const std::string& name) {
  return "poller " + name;
}
std::string log_of(const std::string& name) {
  return "see: journalctl -u " + service_of(name);
}
Problem problem_of(const std::string& name, std::string why, std::string remedy, bool waiting = false) {
  return {.thing = thing_of(name),
          .why = std::move(why),
          .remedy = std::move(remedy),
          .retry_ms = {},
          .waiting = waiting};
}

Result<void> write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t wrote = ::write(fd, text.data(), text.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote < 0) return fail_errno("write", errno);
    text.remove_prefix(static_cast<size_t>(wrote));
  }
  return {};
}

}  // namespace

std::string PollerUnits::command_of(const std::string& name) const {
  return fmt::format("xdpfwd-poller --config {} --name {} --runtime-dir {}/{}", path_of(name), name,
                     counters_, name);
}

PollerUnits::Held PollerUnits::holder_of(const std::string& name, std::string* text) const {
  const auto read = read_file(path_of(name));
  if (!read) return read.error().code == ENOENT ? Held::kNobody : Held::kOthers;
  if (text) *text = *read;
  return read->starts_with(kOurs) ? Held::kUs : Held::kOthers;
}

// A poller that starts meanwhile reads the old one or the new one. It is another user, so all may read it.
Result<void> PollerUnits::write(const std::string& name, const std::string& text) const {
  if (::mkdir(folder_.c_str(), 0755) == 0)
    (void)::chmod(folder_.c_str(), 0755);  // whatever our umask
  else if (errno != EEXIST)
    return fail_errno("cannot make " + folder_, errno);
  const std::string path = path_of(name);
  const std::string temporary = path + ".tmp";
  const auto give_up = [&](const char* what, int error) {
    ::unlink(temporary.c_str());
    return fail_errno(fmt::format("cannot write {}: {}", path, what), error);
  };
  const UniqueFd file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644));
  if (!file) return give_up("open", errno);
  if (auto written = write_all(file.get(), text); !written) return give_up("write", written.error().code);
  if (::fchmod(file.get(), 0644) < 0) return give_up("fchmod", errno);
  if (::rename(temporary.c_str(), path.c_str()) < 0) return give_up("rename", errno);
  return {};
}

std::set<std::string> PollerUnits::superfluous(const std::set<std::string>& wanted) const {
  std::set<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder_, error), end; !error && at != end;
       at.increment(error)) {
    const std::string file = at->path().filename();
    if (!file.ends_with(kSuffix)) continue;
    const std::string name = file.substr(0, file.size() - kSuffix.size());
    if (!wanted.contains(name) && holder_of(name, nullptr) == Held::kUs) names.insert(name);
  }
  return names;
}

bool PollerUnits::has_ended(const std::string& name) {
  using Now = ServiceStatus::State;
  const auto status = services_->status(service_of(name));
  if (!status) {
    not_retired_.push_back(problem_of(name, "whether it has ended is not known: " + status.error().message,
                                      status.error().remedy));
    return false;
  }
  if (status->state == Now::kStarting || status->state == Now::kRunning) {
    if (status->state == Now::kRunning) stopping_.erase(name);  // somebody has started it again
    not_retired_.push_back(problem_of(name, "it is being stopped", log_of(name), true));
    return false;
  }
  if (status->state == Now::kGivenUp) services_->forget_failure(service_of(name));
  stopping_.erase(name);
  return true;
}

void PollerUnits::retire(const std::set<std::string>& wanted) {
  not_retired_.clear();
  const std::set<std::string> names = superfluous(wanted);
  std::erase_if(stopping_, [&](const std::string& name) { return !names.contains(name); });
  bool told = false;
  for (const std::string& name : names) {
    if (!services_ || stopping_.contains(name)) continue;
    if (auto stopped = services_->stop(service_of(name)); !stopped) {
      not_retired_.push_back(
          problem_of(name, "it cannot be stopped: " + stopped.error().message, stopped.error().remedy));
      continue;
    }
    stopping_.insert(name);
    told = true;
  }
  if (told) services_->await_stops();
  for (const std::string& name : names) {
    // The file stays until then: it is how we know that the poller is ours.
    if (services_ && (!stopping_.contains(name) || !has_ended(name))) continue;
    if (::unlink(path_of(name).c_str()) < 0 && errno != ENOENT) {
      not_retired_.push_back(
          problem_of(name, fail_errno("cannot remove " + path_of(name), errno).error().message, {}));
      continue;
    }
    log_event(spdlog::level::info,
              services_ ? fmt::format("poller {} is stopped: no queue is busy-polled on its CPU", name)
                        : fmt::format("poller {} is not wanted any more: end it", name));
  }
}

bool PollerUnits::polls_others(const Poller& poller, const PollerReading& reading) {
  std::vector<Poller::Queue> queues;
  for (size_t i = 0; i < reading.counters.queues; ++i)
    if (const auto device = InterfaceName::parse(reading.device_of(i)))
      queues.push_back({.device = *device, .number = reading.counters.queue[i].queue});
  std::vector<Poller::Queue> wanted = poller.queues;
  std::ranges::sort(queues);
  std::ranges::sort(wanted);
  return queues != wanted || reading.counters.cpu != poller.cpu;
}

// Only a start or an end that lasts as usual is asked for often, and said to be one.
void PollerUnits::note_state(Served& served, const ServiceStatus& status, uint64_t now_ms) {
  const std::string name = served.poller.name();
  if (status.state != ServiceStatus::State::kStarting) {
    starting_since_ms_.erase(name);
    return;
  }
  const uint64_t since_ms = starting_since_ms_.try_emplace(name, now_ms).first->second;
  served.failed_status = status.exit_status;
  served.starting = status.exit_status == 0 && now_ms - since_ms < kLongestStartMs;
}

void PollerUnits::serve(Served& served, uint64_t now_ms) {
  const std::string name = served.poller.name();
  const std::string service = service_of(name);
  const std::string wanted = std::string(kOurs) + served.poller.configuration();
  std::string found;
  const Held holder = holder_of(name, &found);
  const auto tell = [&](std::string why, std::string remedy) {
    served.problem = problem_of(name, std::move(why), std::move(remedy));
  };
  if (holder == Held::kOthers) {
    tell(fmt::format("{} is somebody else's: it is left alone, and so is its poller", path_of(name)),
         "take the file away, or name other CPUs in tuning.cpus");
    return;
  }
  const bool changed = holder == Held::kNobody || found != wanted;
  if (changed)
    if (auto written = write(name, wanted); !written) {
      tell(written.error().message, written.error().remedy);
      return;
    }
  if (!services_) return;
  auto status = services_->status(service);
  if (!status) {
    tell(status.error().message, status.error().remedy);
    return;
  }
  using Now = ServiceStatus::State;
  const bool failed = status->state == Now::kGivenUp && !changed && !retry_;
  if (failed && status->exit_status == kNoHandle) {
    for (const Poller::Queue& queue : served.poller.queues) unpolled_.insert(queue.number);
    without_handle_.insert(name);
    log_event(
        spdlog::level::warn,
        fmt::format("poller {}: nothing on this kernel polls its queues for a process: they are deferred",
                    name));
    return;
  }
  if (failed && status->exit_status == kUsage) {
    tell("xdpfwd-poller does not understand its file: it is of another release", log_of(name));
    return;
  }
  note_state(served, *status, now_ms);
  bool outdated = changed;
  if (!changed && status->state == Now::kRunning) {
    // We may have been killed after we wrote its file.
    const auto reading = read_poller(counters_ + "/" + name);
    const auto last = started_ms_.find(name);
    outdated = reading && reading->running && polls_others(served.poller, *reading) &&
               (last == started_ms_.end() || now_ms - last->second >= kAgainMs);
  }
  if (!outdated && (status->state == Now::kRunning || status->state == Now::kStarting)) return;
  const auto begun = outdated ? services_->restart(service) : services_->start(service);
  if (!begun) {
    tell(begun.error().message, begun.error().remedy);
    return;
  }
  served.starting = true;
  served.failed_status = 0;
  started_ms_[name] = starting_since_ms_[name] = now_ms;
  log_event(spdlog::level::info,
            fmt::format("poller {} is started: {} queues", name, served.poller.queues.size()));
}

void PollerUnits::make_so(const std::vector<Poller>& wanted, uint64_t now_ms) {
  const bool same = std::ranges::equal(wanted, served_, {}, {}, &Served::poller);
  // Many looks in a row, as links come and go.
  if (last_ms_ != 0 && same && now_ms < last_ms_ + kStartingMs) return;
  last_ms_ = now_ms;
  std::set<std::string> names;
  for (const Poller& poller : wanted) names.insert(poller.name());
  retire(names);
  served_.clear();
  const size_t unpolled = unpolled_.size();
  for (const Poller& poller : wanted) {
    served_.push_back({.poller = poller, .problem = {}});
    serve(served_.back(), now_ms);
  }
  retry_ = false;
  next_ms_.reset();
  if (unpolled != unpolled_.size() || std::ranges::any_of(not_retired_, &Problem::waiting) ||
      std::ranges::any_of(served_, &Served::starting))
    next_ms_ = now_ms + kStartingMs;
}

std::optional<Problem> PollerUnits::what_is_wrong_with(const Served& served) const {
  const std::string name = served.poller.name();
  if (served.problem) return served.problem;
  const std::string remedy = services_ ? log_of(name) : "start it: " + command_of(name);
  const auto reading = read_poller(counters_ + "/" + name);
  if (!reading && reading.error().code != ENOENT)
    return problem_of(name, reading.error().message, reading.error().remedy);
  if (!reading || !reading->running) {
    if (served.starting) return problem_of(name, "it is being started", {}, true);
    if (served.failed_status != 0)
      return problem_of(name,
                        fmt::format("it ended with status {}, and systemd starts it again every 5 s: the "
                                    "kernel's timer polls its queues",
                                    served.failed_status),
                        remedy);
    return problem_of(
        name,
        services_
            ? "it does not run: the kernel's timer polls its queues"
            : "it does not run, and there is no systemd to start it: the kernel's timer polls its queues",
        remedy);
  }
  if (reading->silent_ms > kSilentMs)
    return problem_of(name,
                      fmt::format("it has stalled for {} s: the kernel's timer polls its queues",
                                  reading->silent_ms / 1000),
                      remedy);
  if (polls_others(served.poller, *reading)) {
    if (served.starting) return problem_of(name, "it is being started", {}, true);
    return problem_of(
        name, "it polls other queues than it should: it runs with an older file",
        services_ ? "systemctl restart " + service_of(name) : "end it, then: " + command_of(name));
  }
  return std::nullopt;
}

std::vector<Problem> PollerUnits::problems() const {
  std::vector<Problem> all = not_retired_;
  for (const std::string& name : without_handle_)
    all.push_back(problem_of(name, "nothing on this kernel polls its queues for a process: they are deferred",
                             log_of(name), true));
  for (const Served& served : served_)
    if (auto problem = what_is_wrong_with(served)) all.push_back(std::move(*problem));
  return all;
}

std::vector<Problem> PollerUnits::by_hand(const std::vector<Poller>& planned) const {
  std::vector<Problem> all;
  if (services_) return all;
  for (const Poller& poller : planned)
    all.push_back(problem_of(poller.name(), "there is no systemd to start it",
                             "when its file is there: " + command_of(poller.name()), true));
  return all;
}

}  // namespace xdpfwd
