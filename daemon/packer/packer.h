// SPDX-License-Identifier: BSD-2-Clause
// Which CPU each NAPI's thread and interrupt should be on, decided once in each control interval: no CPU over
// the mark, as few CPUs as possible filled to the target, few moves, near the NIC; in this order. Without
// clock or chance: the same loads give the same moves. Sampling and moving is the caller's.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "base/result.h"
#include "packer/demand.h"
#include "packer/host.h"

namespace xdpfwd::packer {

struct Decision {
  std::vector<Move> moves;            // by NAPI
  std::vector<uint32_t> unplaceable;  // NAPIs that may use no CPU of this host
};

class Packer {
 public:
  static Result<Packer> make(PackerSettings settings, std::vector<CpuPlace> cpus);
  // The loads of all NAPIs in the interval that has just ended; a NAPI that is not among them is forgotten.
  Decision decide(std::span<const NapiLoad> loads);

 private:
  Packer(PackerSettings settings, std::vector<CpuPlace> cpus);

  PackerSettings settings_;
  std::vector<CpuPlace> cpus_;
  std::map<uint32_t, size_t> index_of_cpu_;
  struct Known {
    Demand demand;
    uint32_t spent = 0;  // intervals until it has all its moves again
  };
  std::map<uint32_t, Known> known_;  // by NAPI
  std::vector<uint64_t> relieved_;   // by CPU: when it last gave or got a NAPI for relief
  uint64_t moved_ = 0;               // when anything last was
  uint64_t now_ = 0;                 // intervals
};

}  // namespace xdpfwd::packer
