// SPDX-License-Identifier: BSD-2-Clause
// Services by systemd, over the system bus. A bus that does not answer costs two seconds, and is left alone
// for a while then: the daemon has other things to do.
#pragma once

#include <systemd/sd-bus.h>

#include <chrono>
#include <memory>

#include "shell/services.h"

namespace xdpfwd {

class SystemdServices final : public Services {
 public:
  // Connects when something is asked, and again when the bus has gone meanwhile.
  Result<ServiceStatus> status(const std::string& service) override;
  Result<void> start(const std::string& service) override;
  Result<void> restart(const std::string& service) override;
  Result<void> stop(const std::string& service) override;

 private:
  Result<sd_bus*> bus();
  // Connected, greeted.
  Result<void> connect();
  Result<void> call(const char* method, const std::string& service);
  // What a failed call says. A connection that broke is made anew next time.
  std::unexpected<Error> refused(const char* what, const std::string& service, int result,
                                 const sd_bus_error& error);
  struct Close {
    void operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
  };
  std::unique_ptr<sd_bus, Close> bus_;
  std::chrono::steady_clock::time_point quiet_until_{};  // after it did not answer
};

}  // namespace xdpfwd
