// SPDX-License-Identifier: BSD-2-Clause
#include "bench/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>

namespace xdpfwd::bench {
namespace {

bool on_terminal() {
  static const bool yes = ::isatty(STDERR_FILENO) == 1;
  return yes;
}

}  // namespace

std::string duration_text(double seconds) {
  const auto whole = static_cast<long>(std::lround(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

void Progress::begin(std::string part, size_t steps) {
  part_ = std::move(part);
  steps_ = steps;
  done_ = 0;
  skipped_ = 0;
  start_ = std::chrono::steady_clock::now();
  last_told_ = {};
}

void Progress::clear() const {
  if (on_terminal()) fmt::print(stderr, "\r\033[K");
}

void Progress::step(const std::string& what) {
  const auto now = std::chrono::steady_clock::now();
  const size_t at = done_ + skipped_;
  // Where lines stay, a few of them are enough.
  if (on_terminal() || now - last_told_ > std::chrono::seconds(15)) {
    std::string text = fmt::format("{}: {} of {}, {}", part_, at, steps_, what);
    if (done_ > 0) {
      const double each = std::chrono::duration<double>(now - start_).count() / static_cast<double>(done_);
      text += fmt::format("; about {} left", duration_text(each * static_cast<double>(steps_ - at)));
    }
    clear();
    fmt::print(stderr, "{}{}", text, on_terminal() ? "" : "\n");
    (void)std::fflush(stderr);
    last_told_ = now;
  }
  ++done_;
}

void Progress::note(const std::string& text) {
  clear();
  fmt::print(stderr, "{}\n", text);
}

void Progress::end() {
  clear();
  if (steps_ > 0)
    fmt::print(
        stderr, "{}: {} measured{} in {}\n", part_, done_,
        skipped_ > 0 ? fmt::format(", {} from an earlier run", skipped_) : "",
        duration_text(std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count()));
  steps_ = 0;
}

}  // namespace xdpfwd::bench
