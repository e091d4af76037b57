// SPDX-License-Identifier: BSD-2-Clause
// What is sent and what must arrive: a stream is one kind of frame (destination, tags, size) through one
// member device, numbered from 0. Every byte of every frame follows from the stream, the number and the time
// of sending, so that a receiver can check them all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/net.h"
#include "pktgen/packet.h"

namespace xdpfwd::pktgen {

// ---- the stamp
// ----------------------------------------------------------------------------------------------

struct Stamp {
  uint64_t sequence = 0;  // 48 bits
  uint64_t sent_ns = 0;   // 48 bits of CLOCK_MONOTONIC

  static constexpr size_t kSize = 14;
  static constexpr uint64_t kMask = 0xffff'ffff'ffff;
  static constexpr uint16_t kPort = 0x7866;  // the UDP destination port by which our frames are known

  void write(uint8_t* to, uint32_t stream_id) const;
  // Fails when the check in it is wrong.
  static std::optional<Stamp> read(const uint8_t* from, uint32_t stream_id);
};

// Where a frame says that it belongs to a stream. It may lie: the bytes are to be compared with the stream's.
struct StampPlace {
  uint32_t stream_id = 0;
  size_t offset = 0;  // of the stamp
};
std::optional<StampPlace> find_stamp(std::span<const uint8_t> frame);

// ---- what is to be sent
// -------------------------------------------------------------------------------------

struct Guest {
  std::string name;
  std::string tap;  // where its frames must arrive
  MacAddress mac;
  VlanTag vlan;                            // untagged, 802.1Q or 802.1ad
  std::optional<uint8_t> priority = {};    // PCP; on an untagged guest it makes a priority tag (VID 0)
  std::optional<uint16_t> inner_vid = {};  // a second, 802.1Q tag, which the guest gets
  bool keep_tag = false;                   // trunk: the guest gets the outer tag, too
};

// Frames that belong to the host's stack, whatever the table says.
enum class Control {
  kUnknownUnicast,
  kBroadcast,
  kMulticast,
  kLacp,  // to LACP's address; an organisation-specific PDU, which a bond counts and forgets
};
std::string_view control_name(Control control);

struct StreamOptions {
  std::vector<size_t> sizes = {
      64};                // bytes of a frame as sent: from destination MAC on, with tags, without FCS
  uint32_t members = 1;   // each guest and size gets a stream through each of them
  uint32_t first_id = 1;  // the streams take the ids from here on, without gaps
  MacAddress source = kGatewayMac;
  // Senders behind the wire: each guest gets a stream from each of them. Their MACs count up from `source`,
  // their addresses from 192.0.2.1.
  size_t sources = 1;
  // UDP carries one byte; stamp and fill follow as what a NIC would have padded with. Only for layer 2: an IP
  // stack cuts padding off.
  bool one_byte_payload = false;
};

// ---- streams
// ------------------------------------------------------------------------------------------------

struct Stream {
  uint32_t id = 0;
  std::string label;    // for people: "web1 vlan 100 size 64 member 0"
  std::string tap;      // where it must arrive; empty: at the stack
  uint32_t member = 0;  // index of the device it leaves by
  size_t guest = 0;     // index into what the set was made of
  // Everything through the stamp, whose bytes are zero here. Delivered: as the guest must get it.
  std::vector<uint8_t> sent_head;
  std::vector<uint8_t> delivered_head;
  size_t fill_size = 0;

  [[nodiscard]] std::span<const uint8_t> fill() const;
  [[nodiscard]] size_t sent_size() const { return sent_head.size() + fill_size; }
  [[nodiscard]] size_t delivered_size() const { return delivered_head.size() + fill_size; }
  [[nodiscard]] std::vector<uint8_t> sent_frame(const Stamp& stamp) const;
  [[nodiscard]] std::vector<uint8_t> delivered_frame(const Stamp& stamp) const;
};

class StreamSet {
 public:
  static constexpr size_t kMaxSize = 2048;
  static constexpr size_t kMaxStreams = size_t{1} << 22;
  static constexpr size_t kMaxSources = 254;  // the addresses of 192.0.2.0/24

  // guests x sizes x members x sources. Fails on a size that cannot hold the stamp, or too many streams: the
  // last id is below kMaxStreams, as a receiver that learns takes no others.
  static Result<StreamSet> of_guests(std::span<const Guest> guests, const StreamOptions& options);
  // kinds x sizes x members, for the stack; all from the first source.
  static Result<StreamSet> of_control(std::span<const Control> kinds, const StreamOptions& options);

  [[nodiscard]] const std::vector<Stream>& streams() const { return streams_; }
  [[nodiscard]] const Stream& operator[](size_t index) const { return streams_[index]; }
  [[nodiscard]] size_t size() const { return streams_.size(); }
  [[nodiscard]] uint32_t first_id() const { return first_id_; }
  [[nodiscard]] uint32_t end_id() const { return first_id_ + static_cast<uint32_t>(streams_.size()); }
  [[nodiscard]] size_t longest() const;
  [[nodiscard]] const std::vector<MacAddress>& sources() const { return sources_; }

 private:
  std::vector<Stream> streams_;
  uint32_t first_id_ = 1;
  std::vector<MacAddress> sources_;
};

// The bytes that fills are cut from, and where a stream's fill starts in them.
std::span<const uint8_t> fill_pattern();
size_t fill_start(uint32_t stream_id);

}  // namespace xdpfwd::pktgen
