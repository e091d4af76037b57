// SPDX-License-Identifier: BSD-2-Clause
// For how long an event stops forwarding: frames that were due and did not arrive, divided by the rate.
// Beside each event stands "nothing", the same run without one: what the machine itself loses. "unsent" and
// "refused" say how many of the lost never were on the cable.
#include <fmt/format.h>

#include <algorithm>

#include "bench/grid.h"

namespace xdpfwd::bench {
namespace {

// So slow that two seconds of traffic follow the event: Open vSwitch needs one to start.
constexpr double kPps = 25'000;
constexpr double kSeconds = 4;

Result<void> run_blocked(Run& run) {
  std::vector<std::unique_ptr<Stand>> stands;
  size_t runs = 0;
  const unsigned repetitions = run.repetitions(10, 2);
  for (const ContenderKind* kind :
       present_contenders(run, [](const ContenderKind& kind) { return kind.delivers; })) {
    // Traffic is the first guest's; the second tap is for it to move to.
    auto stand = Stand::open(*kind,
                             {.guests = std::min(2U, kind->most_guests),
                              .rx_cpu = run.options.rx_cpu,
                              .tx_cpu = run.options.tx_cpu},
                             *run.telemetry);
    if (!stand) {
      leave_out(run, kind->name, stand.error());
      continue;
    }
    const size_t events = (*stand)->contender().events().size();
    if (events == 0) {
      leave_out(run, kind->name,
                {"nothing happens to it: it has no process, reload or move of a guest", "", 0});
      continue;
    }
    runs += (events + 1) * repetitions;
    stands.push_back(std::move(*stand));
  }
  run.progress.begin("blocked-time", runs);
  for (unsigned repetition = 1; repetition <= repetitions; ++repetition) {
    for (const auto& stand : stands) {
      std::vector<Contender::Event> events = stand->contender().events();
      events.insert(events.begin(), {"nothing", [] { return Result<void>{}; }});
      for (const Contender::Event& event : events) {
        if (run.interrupted()) return {};
        const std::string name = fmt::format("{}: {}", stand->kind().name, event.name);
        if (run.file.has(name, {}, repetition)) {
          run.progress.skip();
          continue;
        }
        run.progress.step(name);
        if (auto woken = stand->wake(); !woken) return woken;
        Result<void> happened;
        const auto trial =
            stand->rig().send({.pps = kPps, .seconds = kSeconds, .guests = 1, .in_the_middle = [&] {
                                 happened = event.happen();
                               }});
        if (!trial) return std::unexpected(trial.error());
        if (!happened) return fail_in(name, happened.error());
        if (event.undo)
          if (auto undone = event.undo(); !undone) return fail_in(name, undone.error());
        if (auto again = stand->rig().wait_until_forwarding(std::chrono::seconds(30)); !again)
          return fail_in(name, again.error());
        if (auto rested = stand->rest(); !rested) return rested;
        if (trial->ended_in_the_middle) {
          leave_out(run, name, fail("the traffic ended before the event", "measure again at rest").error());
          continue;
        }
        const uint64_t moved = event.moves_guest ? trial->elsewhere : 0;
        if (event.moves_guest && moved == 0) return fail(name + ": nothing came to the new tap");
        const uint64_t arrived = trial->delivered + moved;
        const auto lost = static_cast<double>(trial->due > arrived ? trial->due - arrived : 0);
        if (auto added = run.file.add({name,
                                       {},
                                       repetition,
                                       {{"blocked_ms", lost / kPps * 1000},
                                        {"lost", lost},
                                        {"unsent", static_cast<double>(trial->unsent)},
                                        {"refused", static_cast<double>(trial->refused)},
                                        {"sent", static_cast<double>(trial->sent)},
                                        {"moved", static_cast<double>(moved)},
                                        {"wrong", static_cast<double>(trial->wrong - moved)}}});
            !added)
          return added;
      }
    }
  }
  run.progress.end();
  return {};
}

const RegisteredScenario blocked(
    {.name = "blocked-time",
     .summary = "how long restarts, reloads and a guest's move stop forwarding: frames lost / rate",
     .run = run_blocked,
     .plots = {{"blocked time", "", "", "blocked_ms", "ms", false, false}},
     .table = {"blocked_ms", "lost", "unsent", "refused", "sent", "moved", "wrong"},
     .order = 70});

}  // namespace
}  // namespace xdpfwd::bench
