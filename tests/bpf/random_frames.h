// SPDX-License-Identifier: BSD-2-Clause
// Random worlds and random frames for them, from a seed: mostly frames that mean something in that world, so
// that every rule is met often, and mutations of those, so that every field is also wrong.
#pragma once

#include <random>
#include <string>

#include "tests/bpf/world.h"

namespace xdpfwd::test {

class RandomWorld {
 public:
  RandomWorld(uint64_t seed, std::vector<uint32_t> devices);

  // New tables; the frames that follow are for them.
  const World& next_world();
  // The next frame, valid until the call after. With `any_length`, also frames that no test run takes: runts.
  Input next_frame(bool any_length);
  // The same, with lengths and tags that survive a wire and a socket: whole, in one buffer, 60..1514 bytes,
  // and no tag in the frame's last bytes.
  Input next_wire_frame();

 private:
  uint64_t below(uint64_t limit) { return random_() % limit; }
  bool one_in(uint64_t n) { return below(n) == 0; }
  template <typename T>
  const T& pick(const std::vector<T>& values) {
    return values[below(values.size())];
  }
  void write_mac(size_t at, MacAddress mac);
  std::optional<DescriptorTag> make_head(bool with_tag);
  size_t random_length();

  std::mt19937_64 random_;
  std::vector<uint32_t> devices_;
  World world_;
  std::vector<FdbKey> keys_;                             // of world_
  std::vector<std::vector<uint8_t>> tagged_, untagged_;  // heads of frames
  std::vector<uint8_t> noise_;
  std::vector<uint8_t> frame_;
};

}  // namespace xdpfwd::test
