// SPDX-License-Identifier: BSD-2-Clause
// `xdpctl napi pack --simulate`: what the packer would make of a load on a host, without a daemon.
#pragma once

#include <optional>
#include <string>

#include "ctl/commands.h"

namespace xdpfwd {

struct PackArguments {
  std::string trace;  // a name, or a file
  uint32_t queues = 128;
  uint32_t cpus = 96;
  uint32_t guests = 1000;
  double load = 30;            // percent of the CPUs of one CPU a queue
  uint32_t seconds = 0;        // 0: the trace's own
  double target = 90;          // percent
  std::optional<double> mark;  // nothing: the target's usual one
  uint64_t seed = 1;
};

int simulate_packing(const Session& session, const PackArguments& arguments);

}  // namespace xdpfwd
