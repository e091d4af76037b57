// SPDX-License-Identifier: BSD-2-Clause
// A daemon that has the sample reports to tell, notes what it is told to do, and fails when asked to.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>

#include "core/control.h"
#include "support/sample_reports.h"

namespace xdpfwd {

class FakeControl : public Control {
 public:
  StatusReport status() override { return sample_status(); }
  std::vector<GuestReport> guests() override { return guest_list; }
  std::vector<FdbReport> fdb(FdbKey first, size_t count) override {
    ++fdb_calls;
    std::vector<FdbReport> rows;
    if (made_up_rows == 0) {
      for (const FdbReport& row : sample_fdb())
        if (row.key >= first && rows.size() < count) rows.push_back(row);
      return rows;
    }
    for (uint64_t i = first.packed; i < made_up_rows && rows.size() < count; ++i)
      rows.push_back({FdbKey{i}, "tap1", "vm1", false, true});
    return rows;
  }
  std::vector<PortReport> ports() override { return sample_ports(); }
  Result<StatsReport> stats() override {
    if (failure) return std::unexpected(*failure);
    return sample_stats();
  }
  Result<PlanReport> plan() override {
    if (failure) return std::unexpected(*failure);
    return sample_plan();
  }
  Result<TuningReport> tune_plan() override {
    if (failure) return std::unexpected(*failure);
    return sample_tuning();
  }
  TuningReport tune_status() override { return sample_tuning(); }
  Result<NapiStatusReport> napi_status() override {
    if (failure) return std::unexpected(*failure);
    NapiStatusReport report = sample_napi_status();
    if (on_napi_status) on_napi_status(report);
    return report;
  }
  Result<TuningReport> set_napi(std::optional<NapiWish> wish) override {
    if (failure) return std::unexpected(*failure);
    napi = std::move(wish);
    return sample_tuning();
  }
  Result<TuningReport> tune_apply() override {
    if (failure) return std::unexpected(*failure);
    ++tunings;
    return sample_tuning();
  }
  Result<TuningReport> tune_revert() override {
    if (failure) return std::unexpected(*failure);
    ++reverts;
    return sample_tuning();
  }
  Result<Ongoing<PollsReport>> watch_polls(uint64_t seconds) override {
    return ongoing(seconds, sample_polls());
  }
  Result<Ongoing<VerifyReport>> tune_verify(uint64_t seconds) override { return ongoing(seconds, verified); }
  Result<Ongoing<SuggestReport>> suggest_tx_coalesce(const InterfaceName& /*member*/,
                                                     uint64_t seconds_each) override {
    return ongoing(seconds_each, sample_suggestion());
  }
  Result<void> add_guest(Guest guest, bool ephemeral) override {
    if (failure) return std::unexpected(*failure);
    guest_list.push_back(
        {std::move(guest), ephemeral ? GuestSource::kEphemeral : GuestSource::kControl, PortState::kPending});
    return {};
  }
  Result<void> delete_guest(const std::string& name) override {
    if (failure) return std::unexpected(*failure);
    const size_t gone =
        std::erase_if(guest_list, [&](const GuestReport& guest) { return guest.guest.name == name; });
    if (gone == 0) return fail("there is no guest '" + name + "'", "see 'xdpctl guest list'", ENOENT);
    return {};
  }
  Result<void> reload() override {
    ++reloads;
    if (failure) return std::unexpected(*failure);
    return {};
  }
  Result<void> detach(const std::vector<InterfaceName>& members) override {
    if (failure) return std::unexpected(*failure);
    detached.push_back(members);
    return {};
  }

  // Not done at once, so that waiting is waited for; what it holds says whether it was given up.
  template <typename Report>
  Result<Ongoing<Report>> ongoing(uint64_t seconds, Report report) {
    if (failure) return std::unexpected(*failure);
    watched_seconds = seconds;
    return [this, held = watching, asked = 0,
            report = std::move(report)]() mutable -> Result<std::variant<NotYet, Report>> {
      if (asked++ == 0) return NotYet{.after_ms = wait_ms};
      return report;
    };
  }

  std::shared_ptr<int> watching = std::make_shared<int>(0);  // another owner: somebody watches
  std::atomic<uint64_t> watched_seconds = 0;
  uint64_t wait_ms = 1;
  VerifyReport verified = sample_verified();
  std::vector<GuestReport> guest_list = sample_guests();
  uint64_t made_up_rows = 0;  // instead of the sample rows
  std::atomic<size_t> fdb_calls = 0;
  std::atomic<size_t> reloads = 0;
  std::atomic<size_t> tunings = 0;
  std::atomic<size_t> reverts = 0;
  std::optional<NapiWish> napi = NapiWish{};  // what was last set
  std::vector<std::vector<InterfaceName>> detached;
  std::optional<Error> failure;
  std::function<void(NapiStatusReport&)> on_napi_status;
};

}  // namespace xdpfwd
