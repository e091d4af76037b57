// SPDX-License-Identifier: BSD-2-Clause
// Serves varlink on a unix socket, in the daemon's one thread and its sd-event loop. Nothing a client does or
// leaves undone can block it or take more than a bounded share: clients, request sizes and times have limits.
// What the calls mean is the handler's.
#pragma once

#include <systemd/sd-event.h>

#include <functional>
#include <memory>
#include <string>

#include "base/result.h"
#include "shell/varlink_connection.h"
#include "shell/varlink_listener.h"

namespace xdpfwd {

class VarlinkServer {
 public:
  struct Options {
    std::string path;
    std::string group;  // of the socket; empty: the daemon's own
    VarlinkLimits limits;
    // Told when a client was dropped or refused, for the log.
    std::function<void(const Peer&, const std::string& why)> on_drop = {};
  };

  // `event` must outlive the server. The socket is there when this returns.
  static Result<std::unique_ptr<VarlinkServer>> listen(sd_event* event, Options options,
                                                       VarlinkHandler handler);
  // Ends all connections and removes the socket.
  ~VarlinkServer();
  VarlinkServer(const VarlinkServer&) = delete;
  VarlinkServer& operator=(const VarlinkServer&) = delete;

  [[nodiscard]] size_t clients() const;

 private:
  class Implementation;
  explicit VarlinkServer(std::unique_ptr<Implementation> implementation);
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace xdpfwd
