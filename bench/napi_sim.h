// SPDX-License-Identifier: BSD-2-Clause
// The command `napi-sim`: the packer and what it competes with, on load traces, in simulation. Only the files
// are its business; what is simulated and how is in daemon/packer/model/.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace xdpfwd::bench {

struct NapiSimRequest {
  std::vector<std::string> traces;  // names, or files; empty: every name
  uint32_t queues = 128;
  uint32_t cpus = 96;
  uint32_t guests = 1000;
  uint64_t seed = 1;
  uint32_t seeds = 1;          // this many, from `seed` on
  double load = 30;            // percent of the CPUs of one CPU a NAPI
  double target = 90;          // percent
  std::optional<double> mark;  // percent; nothing: the target's usual one
  uint32_t seconds = 0;        // of each trace that is not a file; 0: its own
  std::string out;             // folder for napi-sim.json and napi-sim.txt; empty: none
  bool json = false;
};

int napi_sim(const NapiSimRequest& request);

}  // namespace xdpfwd::bench
