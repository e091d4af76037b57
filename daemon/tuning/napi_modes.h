// SPDX-License-Identifier: BSD-2-Clause
// What a mode of NAPI sets of an instance. Which queue is to have which mode is the wish's to say
// (core/napi_wish.h), which instance is a queue's, the driver's.
#pragma once

#include <string>
#include <vector>

#include "core/config.h"
#include "core/setting.h"
#include "tuning/remark.h"

namespace xdpfwd {

struct NapiDesire {
  Setting setting;
  std::string value;
  std::string reason;
  bool roams = false;  // as DesiredSetting's
};

// How long a queue waits in this mode until the kernel's timer polls, in microseconds.
uint32_t flush_usecs(const TuningSettings& tuning, NapiMode mode);

// Where none of the CPUs that may serve queues is online: what would be in threads is kept as it is, what
// would be busy-polled is deferred.
NapiWish without_cpus(NapiWish wish);

// Those of `cpus` that instances of mode auto are packed on: none on which a queue of another mode is, whose
// work nobody measures (and a poller has its CPU to itself). Where that leaves none: none of a poller's;
// else all.
std::vector<uint32_t> cpus_to_pack(const TuningSettings& tuning, const HostTuning& host,
                                   const std::vector<uint32_t>& cpus);

// The CPU that a NAPI instance is to be on, by its place, with its thread and its interrupt. One of mode auto
// stays where it is, if that is one of cpus_to_pack(). `cpus`: as choose_cpus() says, not empty.
uint32_t cpu_of_napi(const TuningSettings& tuning, const Nic& nic, const HostTuning& host,
                     const std::vector<uint32_t>& cpus, uint32_t place);

// The mode that the instance at `place` really has, which is that of the queue of this number: that of all,
// where the driver does not tell which instance is the queue's, or the kernel has one value for the NIC that
// the queue's own mode wants otherwise.
NapiMode mode_of_napi(const TuningSettings& tuning, const Nic& nic, const HostTuning& host, uint32_t place);

// `cpus`: of the queues, as choose_cpus() says; empty: threads stay where they are. What the NIC or the
// kernel cannot do goes to `remarks`.
std::vector<NapiDesire> choose_napi(const TuningSettings& tuning, const Nic& nic, const HostTuning& host,
                                    const std::vector<uint32_t>& cpus, std::vector<Remark>& remarks);

}  // namespace xdpfwd
