// SPDX-License-Identifier: BSD-2-Clause
// Tells how far a run is and how long it will still take, on standard error.
#pragma once

#include <chrono>
#include <string>

namespace xdpfwd::bench {

class Progress {
 public:
  // A part with so many steps begins; those done in an earlier run are not counted into the speed.
  void begin(std::string part, size_t steps);
  void skip() { ++skipped_; }
  void step(const std::string& what);  // one is about to be done
  void note(const std::string& text);  // a line that stays
  void end();

 private:
  void clear() const;
  std::string part_;
  size_t steps_ = 0;
  size_t done_ = 0;
  size_t skipped_ = 0;
  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point last_told_;
};

// "2 min 5 s"
std::string duration_text(double seconds);

}  // namespace xdpfwd::bench
