// SPDX-License-Identifier: BSD-2-Clause
// The whole proof in one process: holds the guests' taps, waits until the forwarder forwards, finds a rate
// that the path takes without loss, sends every guest's streams over every member at it, checks each frame,
// and then shows that what belongs to the host's stack gets there.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "pktgen/scenario.h"
#include "pktgen/stack_sink.h"
#include "pktgen/tap_receiver.h"
#include "pktgen/verdict.h"

namespace xdpfwd::pktgen {

struct LoopOptions {
  Scenario scenario;
  double settle_s = 30;  // how long probes may take to get through; 0 = send none
  std::optional<unsigned> tx_cpu = {};
  std::optional<unsigned> rx_cpu = {};
  unsigned batch = 64;
  std::function<void(const std::string&)> progress = [](const std::string&) {};
  std::function<bool()> interrupted = [] { return false; };
};

// A rate tried out before the checked phase, with streams of its own.
struct Trial {
  double asked_pps = 0;  // 0 = as fast as possible
  double delivered_pps = 0;
  uint64_t lost = 0;
};

struct GuestResult {
  std::string name;
  std::string tap;
  std::string vlan;
  uint64_t handed_over = 0;
  uint64_t delivered = 0;
  uint64_t wrong = 0;
};

struct LoopReport {
  Verdict guests;                  // of the checked phase
  std::optional<Verdict> control;  // of the frames for the stack, seen on the members; empty: none asked for
  uint64_t passed_to_stack = 0;    // of the control frames
  uint64_t flooded = 0;            // control frames that the host's stack sent on to taps, as a bridge does
  uint64_t guest_frames_at_stack = 0;
  uint64_t refused = 0;  // frames that the sending device had no room for: never sent
  double asked_pps = 0;
  double pps = 0;  // delivered a second in the checked phase
  double seconds = 0;
  double overload_pps = 0;  // delivered a second with a sender that knows no pace; losses allowed
  std::vector<Trial> trials;
  Histogram latency_ns;
  std::vector<GuestResult> per_guest;
  SendReport sent;
  bool interrupted = false;

  [[nodiscard]] double ns_per_packet() const { return pps > 0 ? 1e9 / pps : 0; }
  [[nodiscard]] bool clean() const {
    return !interrupted && guests.clean() && (!control || control->clean());
  }
};

class Loop {
 public:
  // Opens the taps and listens on the members: from here on a forwarder finds readers.
  static Result<std::unique_ptr<Loop>> prepare(LoopOptions options);
  // Probes, calibrates, checks.
  Result<LoopReport> run();

  [[nodiscard]] TapReceiver& taps() { return *receiver_; }

 private:
  explicit Loop(LoopOptions options) : options_(std::move(options)) {}
  Result<StreamSet> guest_streams();
  Result<void> wait_until_forwarding();
  Result<SendReport> send(Backend backend, const StreamSet& streams, double pps,
                          std::optional<uint64_t> count, std::optional<double> seconds);
  Result<Trial> try_rate(double pps);
  Result<double> find_rate(LoopReport& report);
  Result<void> check_guests_phase(LoopReport& report);
  Result<void> check_control_phase(LoopReport& report);

  LoopOptions options_;
  std::unique_ptr<TapReceiver> receiver_;
  std::unique_ptr<StackSink> sink_;
  uint32_t next_id_ = 1;
};

}  // namespace xdpfwd::pktgen
