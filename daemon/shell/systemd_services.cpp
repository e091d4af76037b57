// SPDX-License-Identifier: BSD-2-Clause
#include "shell/systemd_services.h"

#include <fmt/format.h>
#include <signal.h>

#include <cerrno>
#include <cstdlib>
#include <string_view>

namespace xdpfwd {
namespace {

constexpr const char* kManager = "org.freedesktop.systemd1";
constexpr const char* kManagerPath = "/org/freedesktop/systemd1";
constexpr const char* kManagerInterface = "org.freedesktop.systemd1.Manager";
constexpr const char* kUnitInterface = "org.freedesktop.systemd1.Unit";
constexpr const char* kServiceInterface = "org.freedesktop.systemd1.Service";
constexpr uint64_t kPatienceUs = 2'000'000;
constexpr auto kQuiet = std::chrono::seconds(20);

struct BusError {
  sd_bus_error error = SD_BUS_ERROR_NULL;
  BusError() = default;
  BusError(const BusError&) = delete;
  BusError& operator=(const BusError&) = delete;
  ~BusError() { sd_bus_error_free(&error); }
};
struct Unref {
  void operator()(sd_bus_message* message) const { sd_bus_message_unref(message); }
};
using Message = std::unique_ptr<sd_bus_message, Unref>;
// systemd tells whoever gave it a job when that is done.
int note_done(sd_bus_message* message, void* jobs, sd_bus_error*) {
  uint32_t number = 0;
  const char* job = nullptr;
  if (sd_bus_message_read(message, "uo", &number, &job) >= 0)
    static_cast<std::set<std::string>*>(jobs)->erase(job);
  return 0;
}

}  // namespace

// A call would wait for the greeting longer than the daemon's own watchdog does.
Result<void> SystemdServices::connect() {
  const char* remedy = "install and start dbus";
  sd_bus* opened = nullptr;
  if (const int result = sd_bus_open_system(&opened); result < 0)
    return fail_errno("connect", -result, remedy);
  bus_.reset(opened);
  stops_.clear();
  if (const int result = sd_bus_match_signal_async(opened, nullptr, kManager, kManagerPath, kManagerInterface,
                                                   "JobRemoved", note_done, nullptr, &stops_);
      result < 0)
    return fail_errno("JobRemoved", -result, remedy);
  sd_bus_set_method_call_timeout(opened, kPatienceUs);
  const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(kPatienceUs);
  for (;;) {
    int result = sd_bus_process(opened, nullptr);
    if (result > 0) continue;
    if (result == 0 && sd_bus_is_ready(opened) > 0) return {};
    const auto left =
        std::chrono::duration_cast<std::chrono::microseconds>(until - std::chrono::steady_clock::now());
    if (result == 0 && left.count() <= 0) result = -ETIMEDOUT;
    if (result == 0) result = sd_bus_wait(opened, static_cast<uint64_t>(left.count()));
    if (result < 0 && result != -EINTR) return fail_errno("no greeting", -result, remedy);
  }
}

Result<sd_bus*> SystemdServices::bus() {
  if (bus_ && sd_bus_is_open(bus_.get()) <= 0) bus_.reset();
  if (!bus_) {
    if (std::chrono::steady_clock::now() < quiet_until_)
      return fail("systemd did not answer over the system bus a moment ago", "see: systemctl status dbus",
                  ETIMEDOUT);
    if (auto connected = connect(); !connected) {
      bus_.reset();
      quiet_until_ = std::chrono::steady_clock::now() + kQuiet;
      return fail_in("cannot reach systemd over the system bus", connected.error());
    }
  }
  // What the bus told meanwhile (as that our name came) is nobody's to read.
  while (sd_bus_process(bus_.get(), nullptr) > 0) {
  }
  return bus_.get();
}

std::unexpected<Error> SystemdServices::refused(const char* what, const std::string& service, int result,
                                                const sd_bus_error& error) {
  const bool silent = result == -ETIMEDOUT || sd_bus_error_has_name(&error, SD_BUS_ERROR_NO_REPLY) > 0;
  if (silent || !sd_bus_error_is_set(&error)) bus_.reset();
  if (silent) quiet_until_ = std::chrono::steady_clock::now() + kQuiet;
  return fail(
      fmt::format("systemd: {} {}: {}", what, service,
                  error.message ? std::string(error.message) : fail_errno("", -result).error().message),
      fmt::format("see: systemctl status {}", service), -result);
}

Result<void> SystemdServices::call(const char* method, const std::string& service, std::string* job) {
  const auto connected = bus();
  if (!connected) return std::unexpected(connected.error());
  BusError error;
  sd_bus_message* raw = nullptr;
  int result = sd_bus_call_method(*connected, kManager, kManagerPath, kManagerInterface, method, &error.error,
                                  &raw, "ss", service.c_str(), "replace");
  const Message reply(raw);
  const char* path = nullptr;
  if (result >= 0) result = sd_bus_message_read(reply.get(), "o", &path);
  if (result < 0) return refused(method, service, result, error.error);
  if (job) *job = path;
  return {};
}

Result<void> SystemdServices::start(const std::string& service) {
  return call("StartUnit", service);
}

Result<void> SystemdServices::restart(const std::string& service) {
  return call("RestartUnit", service);
}

Result<void> SystemdServices::stop(const std::string& service) {
  std::string job;
  if (auto told = call("StopUnit", service, &job); !told) return told;
  stops_.insert(job);
  return {};
}

void SystemdServices::await_stops() {
  const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(kPatienceUs);
  while (bus_ && !stops_.empty()) {
    int result = sd_bus_process(bus_.get(), nullptr);
    if (result > 0) continue;
    const auto left =
        std::chrono::duration_cast<std::chrono::microseconds>(until - std::chrono::steady_clock::now());
    if (result < 0 || left.count() <= 0) break;
    result = sd_bus_wait(bus_.get(), static_cast<uint64_t>(left.count()));
    if (result < 0 && result != -EINTR) break;
  }
  stops_.clear();
}

void SystemdServices::forget_failure(const std::string& service) {
  const auto connected = bus();
  if (!connected) return;
  BusError error;
  (void)sd_bus_call_method(*connected, kManager, kManagerPath, kManagerInterface, "ResetFailedUnit",
                           &error.error, nullptr, "s", service.c_str());
}

Result<ServiceStatus> SystemdServices::status(const std::string& service) {
  const auto connected = bus();
  if (!connected) return std::unexpected(connected.error());
  BusError error;
  sd_bus_message* raw = nullptr;
  int result = sd_bus_call_method(*connected, kManager, kManagerPath, kManagerInterface, "LoadUnit",
                                  &error.error, &raw, "s", service.c_str());
  if (result < 0) return refused("LoadUnit", service, result, error.error);
  const Message reply(raw);
  const char* path = nullptr;
  if (result = sd_bus_message_read(reply.get(), "o", &path); result < 0)
    return refused("LoadUnit", service, result, error.error);
  const auto text = [&](const char* property) -> Result<std::string> {
    char* value = nullptr;
    BusError failed;
    if (const int got = sd_bus_get_property_string(*connected, kManager, path, kUnitInterface, property,
                                                   &failed.error, &value);
        got < 0)
      return refused(property, service, got, failed.error);
    std::string copy(value);
    free(value);
    return copy;
  };
  const auto load = text("LoadState");
  if (!load) return std::unexpected(load.error());
  if (*load != "loaded")
    return fail(fmt::format("systemd: the unit of {} is {}", service, *load),
                "install xdpfwd-poller@.service, then: systemctl daemon-reload", ENOENT);
  const auto active = text("ActiveState");
  if (!active) return std::unexpected(active.error());
  const auto number = [&](const char* property) -> Result<int> {
    int32_t value = 0;
    BusError failed;
    if (const int got = sd_bus_get_property_trivial(*connected, kManager, path, kServiceInterface, property,
                                                    &failed.error, 'i', &value);
        got < 0)
      return refused(property, service, got, failed.error);
    return value;
  };
  ServiceStatus status;
  const auto code = number("ExecMainCode");
  if (!code) return std::unexpected(code.error());
  const auto exited = number("ExecMainStatus");
  if (!exited) return std::unexpected(exited.error());
  status.exit_status = *code == CLD_KILLED || *code == CLD_DUMPED ? 128 + *exited : *exited;
  uint32_t job = 0;
  if (result =
          sd_bus_get_property(*connected, kManager, path, kUnitInterface, "Job", &error.error, &raw, "(uo)");
      result >= 0) {
    const Message property(raw);
    const char* ignored = nullptr;
    (void)sd_bus_message_read(property.get(), "(uo)", &job, &ignored);
  }
  using State = ServiceStatus::State;
  if (job != 0 || *active == "activating" || *active == "reloading" || *active == "deactivating")
    status.state = State::kStarting;
  else if (*active == "active")
    status.state = State::kRunning;
  else
    status.state = *active == "failed" ? State::kGivenUp : State::kStopped;
  return status;
}

}  // namespace xdpfwd
