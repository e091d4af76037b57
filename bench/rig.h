// SPDX-License-Identifier: BSD-2-Clause
// The test bed of one contender: cables, taps and a network namespace of its own, the same for all of them.
//
//   sender (CPU A) ─▶ swN ══ cable ══ upN ─▶ NAPI in softirq (CPU B, after rx-usecs) ─▶ contender ─▶ tap
//
// The cable's far end is made to work as a NIC does that interrupts one CPU with coalescing: NAPI, with GRO
// on and interrupts deferred to a timer, stays on the CPU where it was woken. Nobody reads the taps while
// traffic runs: a run has fewer frames than the taps have slots, so that no reader takes CPU time, and no
// frame is lost to a slow one.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "bench/site.h"
#include "bench/telemetry.h"
#include "pktgen/frame_checker.h"
#include "pktgen/netns.h"
#include "pktgen/sender.h"
#include "pktgen/stream.h"

namespace xdpfwd::bench {

// Slots of a tap whose reader's lateness is measured: as many as virtio-net can have. A reader that is too
// slow loses frames then, instead of being late with all of them.
inline constexpr uint32_t kVirtqueueSlots = 1024;

struct RigOptions {
  std::string name = {};  // unique in this process
  unsigned guests = 1;
  unsigned macs_per_guest = 1;
  unsigned members = 1;
  uint32_t ring_slots = 131'072;  // of a tap
  unsigned rx_cpu = 1;
  unsigned tx_cpu = 0;
  unsigned rx_usecs = 50;
  bool keep_tag = false;  // the contender leaves the tag on
  unsigned queues = 1;    // of each cable's end, each with a NAPI of its own
  // Frames are sent as socket buffers, by AF_XDP, each flow by a queue of its own; else as XDP frames, for
  // which veth takes the queue with the number of the sending CPU.
  bool socket_buffers = false;
};

struct TrialOptions {
  double pps = 0;        // of all guests together; 0 = as fast as possible
  double seconds = 0.4;  // without a reader cut down to what the taps hold
  std::vector<size_t> sizes = {64};
  unsigned guests = 0;  // only so many of the rig's guests; 0 = all
  // Somebody reads the taps while traffic runs, on the receiving CPU, as soon as frames come: for latencies.
  bool reader = false;
  // Called where the measured window of the run begins, in its middle, and where the window ends. The first
  // and the last take the generator's time; what is done in the middle does not.
  std::function<void()> window_opens = {};
  std::function<void()> in_the_middle = {};
  std::function<void()> window_closes = {};
};

struct Trial {
  double asked_pps = 0;
  uint64_t due = 0;        // frames that were to be sent
  uint64_t sent = 0;       // frames on the cable
  uint64_t refused = 0;    // frames that the cable did not take, its ring being full: nobody polled in time
  uint64_t unsent = 0;     // frames that came too late to be sent
  uint64_t delivered = 0;  // frames in their tap, checked
  uint64_t wrong = 0;      // frames at the wrong tap, doubled, or with other bytes
  uint64_t elsewhere = 0;  // those of them that are at another tap
  double seconds = 0;
  bool ended_in_the_middle = false;   // all had been sent when in_the_middle came back
  pktgen::Histogram latency_ns = {};  // from the sender's stamp to the reader; only with a reader
  // Between a tenth and nine tenths of the run.
  CpuReading cpu = {};

  // Frames not sent, and frames sent and not delivered.
  [[nodiscard]] uint64_t lost() const { return due > delivered ? due - delivered : 0; }
  [[nodiscard]] double loss_ratio() const {
    return due > 0 ? static_cast<double>(lost()) / static_cast<double>(due) : 0;
  }
  [[nodiscard]] double delivered_pps() const {
    return seconds > 0 ? static_cast<double>(delivered) / seconds : 0;
  }
};

class Rig final : public Site {
 public:
  static Result<std::unique_ptr<Rig>> make(const RigOptions& options, Telemetry& telemetry);
  ~Rig() override;
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  [[nodiscard]] const RigOptions& options() const { return options_; }
  [[nodiscard]] const std::vector<pktgen::Guest>& guests() const override { return guests_; }
  [[nodiscard]] std::vector<std::string> uplinks() const override;  // up0, up1, ...
  [[nodiscard]] std::vector<std::string> bridge_ports() const override { return uplinks(); }
  [[nodiscard]] std::vector<std::string> senders() const;  // sw0, sw1, ...
  [[nodiscard]] std::vector<std::string> taps() const override;
  [[nodiscard]] const std::string& folder() const override { return folder_; }
  [[nodiscard]] const std::string& name() const override { return options_.name; }
  [[nodiscard]] unsigned rx_cpu() const override { return options_.rx_cpu; }
  [[nodiscard]] unsigned tx_cpu() const override { return options_.tx_cpu; }
  [[nodiscard]] Result<pktgen::InNamespace> enter() const override;

  // The NICs interrupt the receiving CPU from now on; at rest they do not wake up at all.
  Result<void> wake();
  Result<void> rest();

  // Sends, and counts what has arrived in the taps. `in_the_middle` is called in the middle of the run.
  Result<Trial> send(const TrialOptions& options);
  // Sends single frames to each guest until all have arrived.
  Result<void> wait_until_forwarding(std::chrono::milliseconds at_most);
  // Generator and taps alone: frames go from the generator straight into the taps.
  Result<Trial> send_without_forwarder(const TrialOptions& options);

  // What each queue of the uplinks has taken so far, by the driver's own counters.
  [[nodiscard]] Result<std::vector<uint64_t>> queue_packets() const;
  // Reads all that waits in the taps, unseen; how many frames that were.
  uint64_t take_all() { return drain(nullptr); }
  // The guest's side of a tap, for who wants to read it himself.
  [[nodiscard]] int tap_fd(size_t index) const { return taps_[index].fd.get(); }
  // A path of the namespace.
  [[nodiscard]] const std::string& netns() const { return netns_path_; }

 private:
  Rig(RigOptions options, Telemetry& telemetry) : options_(std::move(options)), telemetry_(telemetry) {}
  Result<void> build();
  Result<void> set_deferral(unsigned defer, unsigned usecs) const;
  // Of these guests, by these devices, with ids that no other set has: a flow for each queue.
  Result<pktgen::StreamSet> streams_of(std::span<const pktgen::Guest> guests,
                                       const std::vector<size_t>& sizes, size_t devices);
  [[nodiscard]] Result<std::unique_ptr<pktgen::Sender>> make_sender(const pktgen::StreamSet& streams,
                                                                    pktgen::SendOptions options) const;
  std::vector<pktgen::Guest> some_guests(size_t most);
  Result<Trial> run_trial(const TrialOptions& options, const std::vector<std::string>& devices);
  uint64_t drain(pktgen::FrameChecker* checker);
  void drain_until(pktgen::FrameChecker* checker, uint64_t expected, std::chrono::milliseconds quiet);

  struct Tap {
    std::string name;
    UniqueFd fd;
  };

  RigOptions options_;
  Telemetry& telemetry_;
  std::string folder_;
  std::string netns_path_;
  UniqueFd netns_fd_;
  pktgen::NetNamespace netns_;
  uint32_t netns_inode_ = 0;
  std::vector<pktgen::Guest> guests_;
  std::vector<Tap> taps_;
  uint32_t next_id_ = 1;
  size_t spread_ = 0;
};

}  // namespace xdpfwd::bench
