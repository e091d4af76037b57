// SPDX-License-Identifier: BSD-2-Clause
// Binds the methods of org.xdpfwd.Control to the Control interface: checks parameters and who asks, and turns
// reports into replies. It decides nothing about forwarding.
#pragma once

#include <systemd/sd-event.h>

#include <memory>
#include <string>

#include "base/result.h"
#include "core/control.h"
#include "shell/varlink_server.h"

namespace xdpfwd {

class ControlServer {
 public:
  struct Options {
    std::string socket;
    std::string group;  // empty: the daemon's own
    std::string version;
    VarlinkLimits limits = {};
    std::function<void(const Peer&, const std::string& why)> on_drop = {};
  };

  // `event` and `control` must outlive the server.
  static Result<std::unique_ptr<ControlServer>> start(sd_event* event, Control& control, Options options);

 private:
  explicit ControlServer(std::unique_ptr<VarlinkServer> server) : server_(std::move(server)) {}
  std::unique_ptr<VarlinkServer> server_;
};

// What the server answers to one call. `control` must outlive the replies.
ReplySource answer(Control& control, const std::string& version, const Call& call, const Peer& peer);

}  // namespace xdpfwd
