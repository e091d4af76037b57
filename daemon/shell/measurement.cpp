// SPDX-License-Identifier: BSD-2-Clause
#include "shell/measurement.h"

#include "tuning/polls.h"

namespace xdpfwd {

Result<std::unique_ptr<Measurement>> Measurement::begin(Kernel& kernel, Question question) {
  auto watch = kernel.watch_effect(question.scope.nics);
  if (!watch) return std::unexpected(watch.error());
  std::unique_ptr<Measurement> measurement(new Measurement(kernel, std::move(question)));
  measurement->watch_ = std::move(*watch);
  return measurement;
}

Result<std::variant<NotYet, Measured>> Measurement::advance(uint64_t now_ms) {
  if (!ends_ms_) {
    auto before = watch_->read();
    if (!before) return std::unexpected(before.error());
    before_ = std::move(*before);
    ends_ms_ = now_ms + question_.period_ms;
  }
  if (now_ms < *ends_ms_) return NotYet{.after_ms = *ends_ms_ - now_ms};
  const auto after = watch_->read();
  if (!after) return std::unexpected(after.error());
  auto host = kernel_.observe_tuning(question_.scope);
  if (!host) return std::unexpected(host.error());
  Measured measured{.polls = polls_between(before_, *after, *host, question_.taps), .host = {}};
  measured.host = std::move(*host);
  return measured;
}

}  // namespace xdpfwd
