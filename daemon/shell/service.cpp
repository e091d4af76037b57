// SPDX-License-Identifier: BSD-2-Clause
#include "shell/service.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>

#include <csignal>
#include <ctime>

#include "shell/log.h"

namespace xdpfwd {
namespace {

// The rows are read back this often: 0.3 s for a million.
constexpr uint64_t kAuditPeriodMs = 10 * 60 * 1000;
constexpr uint64_t kTimerAccuracyUs = 10'000;
// Nobody is told when a program is taken off a NIC. A look at the members alone takes microseconds.
constexpr uint64_t kCheckPeriodMs = 5000;
constexpr uint64_t kStopPollMs = 1000;

Result<void> checked(int result, const char* what) {
  if (result < 0) return fail_errno(what, -result);
  return {};
}

uint64_t monotonic_us() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

}  // namespace

uint64_t service_clock_ms() {
  return monotonic_us() / 1000;
}

Result<std::unique_ptr<Service>> Service::make(sd_event* loop, Daemon& daemon, LinkMonitor links,
                                               KnobMonitor knobs) {
  std::unique_ptr<Service> service(new Service(loop, daemon, std::move(links), std::move(knobs)));
  if (auto added = service->add_sources(); !added) return std::unexpected(added.error());
  return service;
}

Service::~Service() {
  daemon_.set_on_look({});
  for (sd_event_source* source : sources_) sd_event_source_disable_unref(source);
}

Result<void> Service::add_sources() {
  const auto keep = [&](int result, sd_event_source* source, const char* what) {
    if (result >= 0) sources_.push_back(source);
    return checked(result, what);
  };
  sd_event_source* source = nullptr;
  int result = sd_event_add_io(loop_, &source, links_.fd(), EPOLLIN, on_links, this);
  if (auto kept = keep(result, source, "cannot watch for link changes"); !kept) return kept;
  for (const int fd : knobs_.fds()) {
    result = sd_event_add_io(loop_, &source, fd, EPOLLIN, on_knobs, this);
    if (auto kept = keep(result, source, "cannot watch for changes of NICs' settings"); !kept) return kept;
  }
  result = sd_event_add_time(loop_, &look_, CLOCK_MONOTONIC, UINT64_MAX, kTimerAccuracyUs, on_look, this);
  if (auto kept = keep(result, look_, "cannot make a timer"); !kept) return kept;
  result = sd_event_add_time(loop_, &audit_, CLOCK_MONOTONIC, UINT64_MAX, kTimerAccuracyUs, on_audit, this);
  if (auto kept = keep(result, audit_, "cannot make a timer"); !kept) return kept;
  result = sd_event_add_time(loop_, &check_, CLOCK_MONOTONIC, UINT64_MAX, kTimerAccuracyUs, on_check, this);
  if (auto kept = keep(result, check_, "cannot make a timer"); !kept) return kept;
  result = sd_event_add_time(loop_, &pack_, CLOCK_MONOTONIC, UINT64_MAX, kTimerAccuracyUs, on_pack, this);
  if (auto kept = keep(result, pack_, "cannot make a timer"); !kept) return kept;
  result = sd_event_add_signal(loop_, &source, SIGHUP, on_reload, this);
  if (auto kept = keep(result, source, "cannot watch for SIGHUP"); !kept) return kept;
  for (const int signal : {SIGTERM, SIGINT}) {  // without a handler these end the loop
    result = sd_event_add_signal(loop_, &source, signal, nullptr, nullptr);
    if (auto kept = keep(result, source, "cannot watch for signals"); !kept) return kept;
  }
  return checked(sd_event_set_watchdog(loop_, true), "cannot serve the watchdog");
}

void Service::arm(sd_event_source* timer, uint64_t at_ms) {
  sd_event_source_set_time(timer, at_ms * 1000);
  sd_event_source_set_enabled(timer, SD_EVENT_ONESHOT);
}

void Service::arm_or_not(sd_event_source* timer, std::optional<uint64_t> at_ms) {
  if (at_ms)
    arm(timer, *at_ms);
  else
    sd_event_source_set_enabled(timer, SD_EVENT_OFF);
}

void Service::refresh() {
  arm_or_not(look_, daemon_.next_look_ms());
  arm_or_not(pack_, daemon_.next_pack_ms());
  // Only when there is news: systemd is told by a socket that can be full, and then this waits.
  if (std::string summary = daemon_.summary(); summary != told_) {
    sd_notify(0, fmt::format("STATUS={}", summary).c_str());
    told_ = std::move(summary);
  }
}

Result<void> Service::run() {
  daemon_.set_on_look([this] { refresh(); });
  arm(audit_, service_clock_ms() + kAuditPeriodMs);
  arm(check_, service_clock_ms() + kCheckPeriodMs);
  refresh();
  sd_notify(0, "READY=1");
  log_event(spdlog::level::info, fmt::format("ready: {}", daemon_.summary()));
  const int result = sd_event_loop(loop_);
  sd_notify(0, "STOPPING=1");
  if (result < 0) return fail_errno("the event loop failed", -result);
  stop();
  log_event(spdlog::level::info, "stopping; forwarding goes on as it is (xdpctl detach --all ends it)");
  return {};
}

// Resetting one NIC after the other takes seconds each. A kill meanwhile loses nothing: the next start goes
// on.
void Service::stop() {
  while (daemon_.stop()) {
    pollfd links{.fd = links_.fd(), .events = POLLIN, .revents = 0};
    (void)poll(&links, 1, static_cast<int>(kStopPollMs));
    (void)links_.changed();
  }
}

int Service::on_links(sd_event_source* /*source*/, int /*fd*/, uint32_t /*events*/, void* self) {
  auto* service = static_cast<Service*>(self);
  if (service->links_.changed()) service->daemon_.look_again();
  return 0;
}

int Service::on_knobs(sd_event_source* /*source*/, int /*fd*/, uint32_t /*events*/, void* self) {
  auto* service = static_cast<Service*>(self);
  if (service->knobs_.changed()) service->daemon_.look_at_tuning();
  return 0;
}

int Service::on_pack(sd_event_source* /*source*/, uint64_t /*now*/, void* self) {
  auto* service = static_cast<Service*>(self);
  service->daemon_.pack();
  arm_or_not(service->pack_, service->daemon_.next_pack_ms());
  return 0;
}

int Service::on_look(sd_event_source* /*source*/, uint64_t /*now*/, void* self) {
  auto* service = static_cast<Service*>(self);
  service->daemon_.look_again();
  return 0;
}

int Service::on_audit(sd_event_source* /*source*/, uint64_t /*now*/, void* self) {
  auto* service = static_cast<Service*>(self);
  service->daemon_.audit();
  service->arm(service->audit_, service_clock_ms() + kAuditPeriodMs);
  return 0;
}

int Service::on_check(sd_event_source* /*source*/, uint64_t /*now*/, void* self) {
  auto* service = static_cast<Service*>(self);
  service->daemon_.check();
  service->arm(service->check_, service_clock_ms() + kCheckPeriodMs);
  return 0;
}

int Service::on_reload(sd_event_source* /*source*/, const signalfd_siginfo* /*info*/, void* self) {
  auto* service = static_cast<Service*>(self);
  sd_notify(0, fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonic_us()).c_str());
  (void)service->daemon_.reload();  // a refusal is logged, and the old configuration goes on
  sd_notify(0, "READY=1");
  return 0;
}

}  // namespace xdpfwd
