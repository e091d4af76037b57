// SPDX-License-Identifier: BSD-2-Clause
// What the uplink program must do with a frame, said a second time: in plain C++, from the design's text, not
// from the program. It decodes a frame into values and builds the delivered frame from them; the program
// moves bytes.
#pragma once

#include <optional>
#include <vector>

#include "tests/bpf/world.h"

namespace xdpfwd::test {

struct Prediction {
  uint32_t verdict = 0;
  xdpfwd_reason reason = XDPFWD_REASON_MISS;
  std::optional<uint32_t> slot;  // where it is forwarded to
  std::vector<uint8_t> frame;    // as it leaves the program

  // The counters after this frame.
  void count(Counters& counters) const;
};

// Fills `prediction` (reused: a random test predicts millions).
void predict(const World& world, const Input& input, Prediction& prediction);

inline Prediction predict(const World& world, const Input& input) {
  Prediction prediction;
  predict(world, input, prediction);
  return prediction;
}

}  // namespace xdpfwd::test
