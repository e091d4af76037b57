// SPDX-License-Identifier: BSD-2-Clause
#include "ctl/napi_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>

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
double ran_ns(const NapiReport& napi) {
  return napi.ran.value_or(0) * kNsPerS / 1000;
}

struct Cost {
  double ns = kUsualCost;
  bool counted = false;
};
std::map<uint32_t, Cost> costs_of(std::span<const LoadSample> samples) {
  struct Sum {
    double ran_ns = 0, packets = 0;
  };
  std::map<uint32_t, Sum> sums;
  for (const LoadSample& sample : samples)
    for (const NapiReport& napi : sample.napis) {
      if (!napi.ran) continue;
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
Asked<LoadSample> take(const Session& session, uint64_t time_ms, bool is_first) {
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
  return LoadSample{.time_ms = time_ms, .napis = std::move(status->napis)};
}

void print(const Session& session, std::span<const LoadSample> samples) {
  if (!session.json) {
    fmt::print(session.out, "{}", recording_text(samples));
    return;
  }
  Json list = Json::array();
  for (const RecordedLoad& load : recorded_loads(samples))
    list.push_back({{"time_ms", load.time_ms},
                    {"napi", load.napi},
                    {"frames_per_s", load.frames_per_s},
                    {"cost_ns", load.cost_ns},
                    {"counted", load.counted}});
  fmt::print(session.out, "{}\n", Json{{"loads", list}}.dump());
}

}  // namespace

std::vector<RecordedLoad> recorded_loads(std::span<const LoadSample> samples) {
  const std::map<uint32_t, Cost> costs = costs_of(samples);
  std::vector<RecordedLoad> loads;
  for (const LoadSample& sample : samples)
    for (const auto& [napi, cost] : costs) {
      const auto now = std::ranges::find(sample.napis, napi, &NapiReport::napi);
      const double ran = now == sample.napis.end() ? 0 : ran_ns(*now);
      loads.push_back({.time_ms = sample.time_ms,
                       .napi = napi,
                       .frames_per_s = ran / cost.ns,
                       .cost_ns = cost.ns,
                       .counted = cost.counted});
    }
  return loads;
}

std::string recording_text(std::span<const LoadSample> samples) {
  std::string text = "time_ms,napi,frames_per_s,cost_ns\n";
  std::map<uint32_t, std::string> names;
  for (const LoadSample& sample : samples)
    for (const NapiReport& napi : sample.napis)
      names.try_emplace(napi.napi,
                        napi.queue ? fmt::format("{} queue {}", napi.device, *napi.queue) : napi.device);
  const std::vector<RecordedLoad> loads = recorded_loads(samples);
  for (const auto& [napi, name] : names) {
    const auto load = std::ranges::find(loads, napi, &RecordedLoad::napi);
    const bool assumed = load != loads.end() && !load->counted;
    text += fmt::format("# {}: {}{}\n", napi, name,
                        assumed ? "; what a frame costs is assumed, as too few were counted" : "");
  }
  for (const RecordedLoad& load : loads)
    text += fmt::format("{},{},{:.0f},{:.1f}\n", load.time_ms, load.napi, load.frames_per_s, load.cost_ns);
  return text;
}

int record_load(const Session& session, const RecordArguments& arguments) {
  if (static_cast<double>(arguments.seconds) / arguments.every_seconds > kMostLoadSamples)
    return complain(
        session,
        Error{.message = fmt::format("{} s with a sample every {} s are more than {} samples",
                                     arguments.seconds, arguments.every_seconds, kMostLoadSamples),
              .remedy = "give a longer --every, or fewer --seconds"},
        kExitUsage);
  const auto begun = Clock::now();
  const auto every =
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(arguments.every_seconds));
  const auto end = begun + std::chrono::seconds(arguments.seconds);
  // Until all is written, so that a second one does not take what the first has left.
  const EndingSignals signals;
  std::optional<int> signal;
  std::vector<LoadSample> samples;
  for (auto next = begun;; next += every) {
    signal = signals.wait_until(std::min(next, end));
    const auto now_ms = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - begun).count();
    auto sample = take(session, static_cast<uint64_t>(now_ms), samples.empty());
    // What was recorded until then is not lost.
    if (!sample) {
      if (samples.size() > 1) print(session, samples);
      return complain(session, sample.error().error,
                      sample.error().unreachable ? kExitUnreachable : kExitRefused);
    }
    samples.push_back(std::move(*sample));
    if (signal || next >= end) break;
  }
  print(session, samples);
  if (!signal) return kExitGood;
  (void)std::fflush(session.out);  // whoever asked us looks whether that failed
  return complain(
      session,
      Error{.message = fmt::format("ended by SIG{} after {:.1f} of {} s, with what was recorded until then",
                                   ::sigabbrev_np(*signal),
                                   static_cast<double>(samples.back().time_ms) / 1000, arguments.seconds),
            .remedy = {}},
      kExitSignal + *signal);
}

}  // namespace xdpfwd
