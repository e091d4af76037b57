// SPDX-License-Identifier: BSD-2-Clause
// Any bytes as a varlink message on the control socket: the daemon answers with something that is a reply.
#include <cstdlib>

#include "shell/control_server.h"
#include "support/fake_control.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace xdpfwd;
  const auto call = parse_call({reinterpret_cast<const char*>(data), size});
  if (!call) return 0;
  FakeControl control;
  const ReplySource replies = answer(control, "fuzz", *call, Peer{});
  for (int i = 0; i < 100; ++i) {
    const Reply reply = replies();
    if (!parse_reply(write_reply(reply))) std::abort();
    if (!reply.continues) return 0;
  }
  return 0;
}
