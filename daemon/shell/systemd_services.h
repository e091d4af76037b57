// SPDX-License-Identifier: BSD-2-Clause
// Services by systemd, over the system bus. A bus that does not answer costs two seconds, and is left alone
// for a while then: the daemon has other things to do.
#pragma once

#include <systemd/sd-bus.h>

#include <chrono>
#include <memory>
#include <set>
#include <string>

#include "shell/services.h"

namespace xdpfwd {

class SystemdServices final : public Services {
 public:
  SystemdServices() = default;
  SystemdServices(const SystemdServices&) = delete;  // the connection knows stops_
  SystemdServices& operator=(const SystemdServices&) = delete;
  // Connects when something is asked, and again when the bus has gone meanwhile.
  Result<ServiceStatus> status(const std::string& service) override;
  Result<void> start(const std::string& service) override;
  Result<void> restart(const std::string& service) override;
  Result<void> stop(const std::string& service) override;
  void await_stops() override;
  void forget_failure(const std::string& service) override;

 private:
  Result<sd_bus*> bus();
  // Connected, greeted.
  Result<void> connect();
  // `job`: the path of the one that it gives.
  Result<void> call(const char* method, const std::string& service, std::string* job = nullptr);
  // What a failed call says. A connection that broke is made anew next time.
  std::unexpected<Error> refused(const char* what, const std::string& service, int result,
                                 const sd_bus_error& error);
  struct Close {
    void operator()(sd_bus* bus) const { sd_bus_close_unref(bus); }
  };
  std::set<std::string> stops_;  // jobs that are not done
  std::unique_ptr<sd_bus, Close> bus_;
  std::chrono::steady_clock::time_point quiet_until_{};  // after it did not answer
};

}  // namespace xdpfwd
