// SPDX-License-Identifier: BSD-2-Clause
// Whoever starts and stops the pollers' services for us: systemd (systemd_services.h), or a test's own.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace xdpfwd {

struct ServiceStatus {
  enum class State : uint8_t {
    kStopped,
    kStarting,  // or ending, or waiting until it is started again
    kRunning,
    kGivenUp,  // it failed, and is not started again by itself
  };
  State state = State::kStopped;
  int exit_status = 0;  // of its last run, when that has ended; 128 and the number of a signal that ended it
};

class Services {
 public:
  virtual ~Services() = default;
  virtual Result<ServiceStatus> status(const std::string& service) = 0;
  // None waits until it is done.
  virtual Result<void> start(const std::string& service) = 0;
  virtual Result<void> restart(const std::string& service) = 0;
  virtual Result<void> stop(const std::string& service) = 0;
  // Until all that were told to stop have ended, two seconds at most. Which have, status() tells.
  virtual void await_stops() = 0;
  // That it failed.
  virtual void forget_failure(const std::string& service) = 0;
};

}  // namespace xdpfwd
