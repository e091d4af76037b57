// SPDX-License-Identifier: BSD-2-Clause
// The daemon's event loop: changes of links and knobs, signals, timers, the watchdog, and systemd's
// notifications. It decides nothing; each event becomes a call of Daemon.
#pragma once

#include <systemd/sd-event.h>

#include <memory>
#include <optional>

#include "kernel/knob_monitor.h"
#include "kernel/link_monitor.h"
#include "shell/daemon.h"

namespace xdpfwd {

class Service {
 public:
  // `loop` must outlive the service.
  static Result<std::unique_ptr<Service>> make(sd_event* loop, Daemon& daemon, LinkMonitor links,
                                               KnobMonitor knobs);
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;
  ~Service();

  // Says READY, then runs until SIGTERM or SIGINT. Forwarding goes on afterwards.
  Result<void> run();

 private:
  // After every look: when to look again, and what systemd shows.
  void refresh();
  Service(sd_event* loop, Daemon& daemon, LinkMonitor links, KnobMonitor knobs)
      : loop_(loop), daemon_(daemon), links_(std::move(links)), knobs_(std::move(knobs)) {}
  Result<void> add_sources();
  // Until tuning is put back, where the configuration says so.
  void stop();
  static void arm(sd_event_source* timer, uint64_t at_ms);
  static void arm_or_not(sd_event_source* timer, std::optional<uint64_t> at_ms);

  static int on_links(sd_event_source*, int fd, uint32_t events, void* self);
  static int on_knobs(sd_event_source*, int fd, uint32_t events, void* self);
  static int on_look(sd_event_source*, uint64_t, void* self);
  static int on_audit(sd_event_source*, uint64_t, void* self);
  static int on_pack(sd_event_source*, uint64_t, void* self);
  static int on_check(sd_event_source*, uint64_t, void* self);
  static int on_reload(sd_event_source*, const struct signalfd_siginfo*, void* self);

  sd_event* loop_;
  Daemon& daemon_;
  LinkMonitor links_;
  KnobMonitor knobs_;
  sd_event_source* look_ = nullptr;
  sd_event_source* audit_ = nullptr;
  sd_event_source* check_ = nullptr;
  sd_event_source* pack_ = nullptr;
  std::vector<sd_event_source*> sources_;
  std::string told_;  // as STATUS
};

// Milliseconds of the clock that the timers use.
uint64_t service_clock_ms();

}  // namespace xdpfwd
