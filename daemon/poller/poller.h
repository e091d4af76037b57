// SPDX-License-Identifier: BSD-2-Clause
// The poller itself: finds the NAPI of each of its queues, gives queues their turns, leaves idle ones alone,
// and finds them again when a NIC was reset, is gone or comes back. One thread, the caller's.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "kernel/netlink.h"
#include "poller/changes.h"
#include "poller/counters_file.h"
#include "poller/napi_handle.h"
#include "poller/napi_lookup.h"
#include "poller/options.h"
#include "poller/poll_counter.h"
#include "poller/rotation.h"
#include "poller/turn_length.h"
#include "poller/uring_set.h"

namespace xdpfwd::poller {

class Poller {
 public:
  // Puts back what one of its name that was killed has left, moves the calling thread to its CPU, finds every
  // queue and a way to poll it, and gives up all capabilities that are not needed any more. Codes: ENODEV a
  // NIC, queue or CPU is not there; ENOTSUP there is no way to poll.
  static Result<std::unique_ptr<Poller>> start(const Options& options, CountersFile counters,
                                               Changes changes);
  // Gives back what was changed.
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  // Until `stop`, which a signal handler may set. Code ENODEV: its CPU has gone.
  Result<void> run(const std::atomic<bool>& stop);

 private:
  using Nanoseconds = std::chrono::nanoseconds;
  struct Served {
    QueueSpec spec;
    uint32_t ifindex = 0;
    NapiInstance instance;
    std::unique_ptr<NapiHandle> handle;
    std::string trouble;           // last told
    Nanoseconds next_deferral{0};  // when it may be set again
    uint64_t turns = 0;
    uint64_t lookups = 0;
    uint64_t turns_checked = 0;
    uint64_t polls_checked = 0;
  };

  // A NIC, and what it said of its NAPI instances.
  struct Told {
    uint32_t ifindex = 0;
    Result<NicNapis> napis;
  };
  using AllTold = std::map<std::string, Told>;  // by the NIC's name

  Poller(const Options& options, CountersFile counters, Changes changes, NapiLookup lookup,
         NetlinkSocket links, PollCounter counter);
  Result<void> serve(size_t index);
  const Told& ask(const std::string& device, AllTold& all);
  Result<void> locate(size_t index, AllTold& all);
  void locate_all();
  Result<void> defer_interrupts(Served& served);
  void check_deferral(const Served& served) const;
  Result<void> tick(Nanoseconds now);
  // One turn of this queue, and of those that share it.
  void poll(size_t index);
  void sleep(Nanoseconds at_most);
  // What was taken from each queue, and which of them go on.
  void count(Nanoseconds now);
  void publish(Nanoseconds now);

  Options options_;
  CountersFile file_;
  Changes changes_;
  NapiLookup lookup_;
  NetlinkSocket links_;
  PollCounter counter_;
  std::shared_ptr<UringSet> uring_;
  std::vector<Served> served_;  // destroyed before lookup_ and changes_, which handles use
  Rotation rotation_;
  TurnLength turn_length_;
  Nanoseconds next_tick_{0};
  Nanoseconds next_locate_{0};
  Nanoseconds next_suspicion_{0};
};

}  // namespace xdpfwd::poller
