// SPDX-License-Identifier: BSD-2-Clause
#include "ctl/napi_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>
#include <string_view>

#include "core/napi_json.h"
#include "ctl/client.h"
#include "ctl/ending_signals.h"
#include "packer/model/recorded_trace.h"
#include "packer/model/synthetic_trace.h"

namespace xdpfwd {
namespace {

using Clock = std::chrono::steady_clock;

constexpr double kNsPerS = 1e9;
// Where polls are not counted: what the simulation takes for a frame, too.
constexpr double kUsualCost = packer::SyntheticSettings{}.cost_ns;

// Of an interval, per second.
double ran_ns(const NapiLoad& napi) {
  return napi.ran * kNsPerS / 1000;
}

struct Cost {
  double ns = kUsualCost;
  bool counted = false;
};
std::map<uint32_t, Cost> costs_of(const Recording& recording) {
  struct Sum {
    double ran_ns = 0, packets = 0;
  };
  std::map<uint32_t, Sum> sums;
  for (const Recording::Sample& sample : recording.samples())
    for (const NapiLoad& napi : sample.napis) {
      Sum& sum = sums[napi.napi];
      if (!napi.packets) continue;
      sum.ran_ns += ran_ns(napi);
      sum.packets += *napi.packets;
    }
  std::map<uint32_t, Cost> costs;
  for (const auto& [napi, sum] : sums) {
    const double ns = sum.packets > 0 ? sum.ran_ns / sum.packets : 0;
    // An instance that hardly receives still sends: no frame costs what the simulation does not take.
    costs[napi] = ns > 0 && ns <= packer::kMostCostNs ? Cost{.ns = ns, .counted = true} : Cost{};
  }
  return costs;
}

// Of none is one that is taken while a NIC is reset; but whoever begins with none waits for nothing.
Asked<std::vector<NapiReport>> take(const Session& session, bool is_first) {
  auto client = Client::connect(session.socket);
  if (!client) return std::unexpected(client.error());
  const auto answer = client->ask("GetNapi");
  if (!answer) return std::unexpected(answer.error());
  auto status = read_napi_status(*answer);
  if (!status) return std::unexpected(AskError{.error = status.error()});
  if (is_first &&
      !std::ranges::any_of(status->napis, [](const NapiReport& napi) { return napi.ran.has_value(); }))
    return std::unexpected(
        AskError{.error = {.message = "the load of no NAPI instance is sampled: only that of mode auto is",
                           .remedy = "xdpctl napi set auto; and look again a second later"}});
  return std::move(status->napis);
}

void print(const Session& session, const Recording& recording) {
  if (!session.json) {
    fmt::print(session.out, "{}", recording_text(recording));
    return;
  }
  // One by one: all as one value would be fifty times what is recorded.
  fmt::print(session.out, "{{\"loads\":[");
  std::string_view before;
  for_each_load(recording, [&](const RecordedLoad& load) {
    const Json one = {{"time_ms", load.time_ms},
                      {"napi", load.napi},
                      {"frames_per_s", load.frames_per_s},
                      {"cost_ns", load.cost_ns},
                      {"counted", load.counted}};
    fmt::print(session.out, "{}{}", before, one.dump());
    before = ",";
  });
  fmt::print(session.out, "]}}\n");
}

}  // namespace

void Recording::add(uint64_t time_ms, std::span<const NapiReport> napis) {
  Sample& sample = samples_.emplace_back(Sample{.time_ms = time_ms, .napis = {}});
  for (const NapiReport& napi : napis) {
    names_.try_emplace(napi.napi,
                       napi.queue ? fmt::format("{} queue {}", napi.device, *napi.queue) : napi.device);
    if (napi.ran) sample.napis.push_back({.napi = napi.napi, .ran = *napi.ran, .packets = napi.packets});
  }
  sample.napis.shrink_to_fit();
}

void for_each_load(const Recording& recording, const std::function<void(const RecordedLoad&)>& use) {
  const std::map<uint32_t, Cost> costs = costs_of(recording);
  for (const Recording::Sample& sample : recording.samples())
    for (const auto& [napi, cost] : costs) {
      const auto now = std::ranges::find(sample.napis, napi, &NapiLoad::napi);
      const double ran = now == sample.napis.end() ? 0 : ran_ns(*now);
      use({.time_ms = sample.time_ms,
           .napi = napi,
           .frames_per_s = ran / cost.ns,
           .cost_ns = cost.ns,
           .counted = cost.counted});
    }
}

std::string recording_text(const Recording& recording) {
  std::string text = "time_ms,napi,frames_per_s,cost_ns\n";
  const std::map<uint32_t, Cost> costs = costs_of(recording);
  for (const auto& [napi, name] : recording.names()) {
    const auto cost = costs.find(napi);
    const bool assumed = cost != costs.end() && !cost->second.counted;
    text += fmt::format("# {}: {}{}\n", napi, name,
                        assumed ? "; what a frame costs is assumed, as too few were counted" : "");
  }
  for_each_load(recording, [&](const RecordedLoad& load) {
    text += fmt::format("{},{},{:.0f},{:.1f}\n", load.time_ms, load.napi, load.frames_per_s, load.cost_ns);
  });
  return text;
}

Result<void> check_size(const RecordArguments& arguments, size_t napis) {
  const double samples = static_cast<double>(arguments.seconds) / arguments.every_seconds;
  const std::string what =
      fmt::format("{} s with a sample every {} s", arguments.seconds, arguments.every_seconds);
  const char* remedy = "give a longer --every, or fewer --seconds";
  if (samples > kMostLoadSamples)
    return fail(fmt::format("{} are more than {} samples", what, kMostLoadSamples), remedy);
  if (samples * static_cast<double>(napis) > static_cast<double>(kMostLoads))
    return fail(fmt::format("{}, of {} NAPI instances each, are more than {} loads", what, napis, kMostLoads),
                remedy);
  return {};
}

int record_load(const Session& session, const RecordArguments& arguments) {
  if (auto fits = check_size(arguments, 0); !fits) return complain(session, fits.error(), kExitUsage);
  const auto begun = Clock::now();
  const auto every =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(arguments.every_seconds));
  const auto end = begun + std::chrono::seconds(arguments.seconds);
  // Until all is written, so that a second one does not take what the first has left.
  const EndingSignals signals;
  std::optional<int> signal;
  Recording recording;
  for (auto next = begun;; next += every) {
    signal = signals.wait_until(std::min(next, end));
    const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun).count();
    const bool is_first = recording.samples().empty();
    const auto napis = take(session, is_first);
    // What was recorded until then is not lost.
    if (!napis) {
      if (recording.samples().size() > 1) print(session, recording);
      return complain(session, napis.error().error,
                      napis.error().unreachable ? kExitUnreachable : kExitRefused);
    }
    if (is_first)
      if (auto fits = check_size(arguments, napis->size()); !fits)
        return complain(session, fits.error(), kExitUsage);
    recording.add(static_cast<uint64_t>(now_ms), *napis);
    if (signal || next >= end) break;
  }
  print(session, recording);
  if (!signal) return kExitGood;
  (void)std::fflush(session.out);  // whoever asked us looks whether that failed
  return complain(
      session,
      Error{.message = fmt::format("ended by SIG{} after {:.1f} of {} s, with what was recorded until then",
                                   ::sigabbrev_np(*signal),
                                   static_cast<double>(recording.samples().back().time_ms) / 1000,
                                   arguments.seconds),
            .remedy = {}},
      kExitSignal + *signal);
}

}  // namespace xdpfwd
