// SPDX-License-Identifier: BSD-2-Clause
// What every sender is: it sends a set of streams in turn, at a pace, until a count, a time or stop() ends
// it, and says honestly what it sent. It knows nothing of what becomes of the frames.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "pktgen/stream.h"

namespace xdpfwd::pktgen {

struct SendOptions {
  std::vector<std::string> devices;                       // member i of the streams leaves by devices[i]
  std::string netns = {};                                 // where they are; "" is the caller's
  double pps = 0;                                         // of all streams together; 0 = as fast as possible
  std::optional<uint64_t> count = {};                     // frames
  std::optional<std::chrono::nanoseconds> duration = {};  // neither: until stop()
  std::optional<unsigned> cpu = {};                       // where the sending thread runs
  bool qdisc_bypass = true;                               // AF_PACKET only
  // AF_XDP only: queues of each device, from 0 on. A stream keeps to one, by its place in the set.
  uint32_t queues = 1;
  unsigned batch = 64;   // live frames only: handed over at a time, 1..256
  unsigned burst = 1;    // frames that are due at the same moment
  bool poisson = false;  // gaps are exponentially distributed; with a burst, those between bursts
  // Frames later than so many intervals are not sent, but counted as unsent; 0: all are sent, however late.
  unsigned max_late = 0;
  bool realtime = false;  // the sending thread goes before all usual ones on its CPU
};

struct DeviceReport {
  std::string name;
  uint64_t ring_full = 0;  // handed over, and not taken: the device's queue was full
  uint64_t errors = 0;     // not taken: the device was down, gone, or cannot take such frames
  uint64_t retries = 0;    // AF_PACKET: times the device's queue was full and the frame was sent later
  int last_errno = 0;
};

struct SendReport {
  std::vector<uint64_t> per_stream;  // frames handed to the device, by index in the set: numbers 0 .. n-1
  std::vector<DeviceReport> devices;
  uint64_t handed_over = 0;   // the sum of per_stream
  uint64_t refused = 0;       // of these, not taken by a device after all: they never were on the wire
  bool refused_known = true;  // false: the kernel cannot tell
  uint64_t unsent = 0;        // frames too late to be sent (max_late); who counts losses counts these, too
  uint64_t left_out = 0;      // frames that were due for a device taken out; not in handed_over
  double seconds =
      0;  // from the first frame to the last; where the duration ended the run, not less than that
  double asked_pps = 0;

  [[nodiscard]] uint64_t sent() const { return handed_over - refused; }
  [[nodiscard]] double pps() const { return seconds > 0 ? static_cast<double>(sent()) / seconds : 0; }
  // Of the rate sent from the rate asked for, if one was.
  [[nodiscard]] std::optional<double> deviation_percent() const {
    if (asked_pps <= 0) return {};
    return (pps() / asked_pps - 1) * 100;
  }
};

class Sender {
 public:
  virtual ~Sender() = default;

  // Begins to send, in a thread of its own.
  virtual Result<void> start() = 0;
  // Ends the run early. Any thread may call it, more than once.
  virtual void stop() = 0;
  // Waits for the end and says what was sent. An error is one that kept the sender from sending.
  virtual Result<SendReport> wait() = 0;
  [[nodiscard]] virtual bool finished() const = 0;
  // Frames handed over, left out or unsent up to now, also while it runs. Asking costs the sender nothing,
  // however many streams there are. The kernel's generator tells only when it has ended.
  [[nodiscard]] virtual uint64_t frames_done() const = 0;

  // From now on member `member` leaves by `device`; "" takes it out: its frames are not made. For failovers.
  virtual Result<void> set_device(uint32_t member, const std::string& device) = 0;
};

// Live frames: XDP frames made by a BPF program and redirected to the devices, millions a second. Needs Linux
// 5.18, CAP_SYS_ADMIN, and devices that take redirected frames: a veth does so only while its peer has a
// native XDP program or GRO on. Keeps a CPU busy at any pace.
Result<std::unique_ptr<Sender>> make_live_sender(const StreamSet& streams, const SendOptions& options);

// AF_PACKET: works with every device, sleeps between frames, and costs more for each.
Result<std::unique_ptr<Sender>> make_packet_sender(const StreamSet& streams, const SendOptions& options);

// AF_XDP: works with every device; frames wait in shared memory for a device that is busy.
Result<std::unique_ptr<Sender>> make_xsk_sender(const StreamSet& streams, const SendOptions& options);

// The kernel's own packet generator (pktgen.ko): its frames are not ours: they carry no stamp, so that a
// receiver can only count them. One guest, one size, one device, evenly paced.
Result<std::unique_ptr<Sender>> make_kernel_sender(const StreamSet& streams, const SendOptions& options);

enum class Backend { kLive, kPacket, kXsk, kKernel };
Result<Backend> parse_backend(std::string_view name);
std::string_view backend_name(Backend backend);
Result<std::unique_ptr<Sender>> make_sender(Backend backend, const StreamSet& streams,
                                            const SendOptions& options);

uint64_t monotonic_ns();

}  // namespace xdpfwd::pktgen
