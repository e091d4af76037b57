// SPDX-License-Identifier: BSD-2-Clause
// xdpfwd-pktgen: send, ladder, sink and loop. This file is the command line and nothing else.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <exception>
#include <random>

#include "pktgen/interrupt.h"
#include "pktgen/kernel_sender.h"
#include "pktgen/ladder.h"
#include "pktgen/loop.h"
#include "pktgen/report_text.h"
#include "pktgen/scenario.h"
#include "pktgen/start_signal.h"
#include "pktgen/tc_drop.h"
#include "pktgen/verdict.h"

namespace xdpfwd::pktgen {
namespace {

using namespace std::chrono_literals;

enum ExitCode { kOk = 0, kFramesWrong = 1, kUsage = 2, kEnvironment = 3 };

constexpr const char* kFooter =
    "Exit codes: 0 all frames as they should be, 1 frames lost, wrong or not sent, 2 wrong arguments, 3 the "
    "system "
    "refused.";

struct Flags {
  std::string scenario;
  std::vector<std::string> guests;
  std::vector<std::string> members;
  std::vector<std::string> devices;
  std::vector<std::string> taps;
  std::vector<std::string> stack_devices;
  std::vector<std::string> sizes;
  std::vector<std::string> drop_devices;
  std::vector<double> rates;
  unsigned repetitions = 1;
  unsigned burst = 1;
  unsigned max_late = 0;
  bool poisson = false;
  bool realtime = false;
  bool one_byte = false;
  std::optional<uint64_t> sources;
  std::optional<double> pps;
  std::optional<uint64_t> count;
  std::optional<double> duration;
  std::optional<std::string> backend;
  std::string netns;
  std::string tx_netns;
  std::string rx_netns;
  std::optional<uint32_t> queue_length;
  std::optional<uint64_t> control;
  std::optional<unsigned> tx_cpu;
  std::optional<unsigned> rx_cpu;
  std::optional<uint32_t> first_id;
  unsigned batch = 64;
  double settle = 30;
  std::string ready_file;
  std::string start_file;
  bool start_stdin = false;
  bool hold = false;
  bool qdisc = false;
  bool json = false;
};

int complain(const Error& error, ExitCode code) {
  fmt::print(stderr, "xdpfwd-pktgen: {}\n", error.text());
  return code;
}

// The file's scenario, with what the flags say on top.
Result<Scenario> scenario_of(const Flags& flags) {
  Scenario scenario;
  if (!flags.scenario.empty()) {
    auto read = read_scenario(flags.scenario);
    if (!read) return read;
    scenario = std::move(*read);
  }
  for (const std::string& text : flags.guests) {
    auto guest = parse_guest(text);
    if (!guest) return std::unexpected(guest.error());
    scenario.guests.push_back(std::move(*guest));
  }
  for (const std::string& text : flags.members) {
    auto member = parse_member(text);
    if (!member) return std::unexpected(member.error());
    scenario.members.push_back(std::move(*member));
  }
  if (!flags.sizes.empty()) scenario.sizes.clear();
  for (const std::string& text : flags.sizes) {
    auto sizes = parse_size(text);
    if (!sizes) return std::unexpected(sizes.error());
    scenario.sizes.insert(scenario.sizes.end(), sizes->begin(), sizes->end());
  }
  if (flags.sources) scenario.sources = flags.sources;
  if (flags.pps) scenario.pps = flags.pps;
  if (flags.count) scenario.count = flags.count;
  if (flags.duration) scenario.duration_s = flags.duration;
  if (flags.queue_length) scenario.queue_length = flags.queue_length;
  if (flags.control) scenario.control_frames = flags.control;
  if (!flags.tx_netns.empty()) scenario.tx_netns = flags.tx_netns;
  if (!flags.rx_netns.empty()) scenario.rx_netns = flags.rx_netns;
  if (flags.backend) {
    auto backend = parse_backend(*flags.backend);
    if (!backend) return std::unexpected(backend.error());
    scenario.backend = *backend;
  }
  return scenario;
}

// A sender of what the flags ask for, and what it is.
struct Planned {
  Scenario scenario;
  StreamOptions stream_options;
  StreamSet streams;
  SendOptions options;
  Backend backend = Backend::kLive;
};

Result<Planned> plan_sending(const Flags& flags) {
  auto scenario = scenario_of(flags);
  if (!scenario) return std::unexpected(scenario.error());
  if (auto checked = check_guests(scenario->guests, false); !checked) return std::unexpected(checked.error());
  const std::vector<std::string> devices = flags.devices.empty() ? scenario->tx_devices() : flags.devices;
  if (devices.empty()) return fail("no device to send from", "name at least one: --dev eth0");
  if (auto checked = check_names("device", devices); !checked) return std::unexpected(checked.error());
  StreamOptions stream_options{.members = static_cast<uint32_t>(devices.size()),
                               .sources = scenario->sources.value_or(1),
                               .one_byte_payload = flags.one_byte};
  if (!scenario->sizes.empty()) stream_options.sizes = scenario->sizes;
  // Numbers of streams start anywhere, so that a sink which sees two runs takes them for two.
  const size_t count =
      scenario->guests.size() * stream_options.sizes.size() * devices.size() * stream_options.sources;
  const size_t room = StreamSet::kMaxStreams - std::min(StreamSet::kMaxStreams - 1, count);
  stream_options.first_id = flags.first_id.value_or(static_cast<uint32_t>(1 + std::random_device()() % room));
  auto streams = StreamSet::of_guests(scenario->guests, stream_options);
  if (!streams) return std::unexpected(streams.error());
  if (!scenario->count && !scenario->duration_s) scenario->duration_s = 10;
  SendOptions options{.devices = devices,
                      .netns = flags.netns.empty() ? scenario->tx_netns : flags.netns,
                      .pps = scenario->pps.value_or(0),
                      .count = scenario->count,
                      .cpu = flags.tx_cpu,
                      .qdisc_bypass = !flags.qdisc,
                      .batch = flags.batch,
                      .burst = flags.burst,
                      .poisson = flags.poisson,
                      .max_late = flags.max_late,
                      .realtime = flags.realtime};
  if (scenario->duration_s)
    options.duration = std::chrono::nanoseconds(static_cast<int64_t>(*scenario->duration_s * 1e9));
  const Backend backend = scenario->backend.value_or(Backend::kLive);
  if (backend == Backend::kKernel)
    if (auto told = kernel_commands(*streams, options); !told) return std::unexpected(told.error());
  return Planned{std::move(*scenario), std::move(stream_options), std::move(*streams), std::move(options),
                 backend};
}

Result<SendReport> send_once(const Planned& planned, Interrupt& interrupt) {
  auto sender = make_sender(planned.backend, planned.streams, planned.options);
  if (!sender) return std::unexpected(sender.error());
  if (auto started = (*sender)->start(); !started) return std::unexpected(started.error());
  while (!(*sender)->finished()) {
    interrupt.wait(-1, 10ms);
    if (interrupt.arrived()) (*sender)->stop();
  }
  return (*sender)->wait();
}

int run_send(const Flags& flags, Interrupt& interrupt) {
  const auto planned = plan_sending(flags);
  if (!planned) return complain(planned.error(), kUsage);
  const auto report = send_once(*planned, interrupt);
  if (!report) return complain(report.error(), kEnvironment);
  fmt::print("{}\n",
             flags.json ? send_json(*report, planned->backend) : send_text(*report, planned->backend));
  return all_sent(*report) ? kOk : kFramesWrong;
}

// A step of a ladder. The next one has streams of its own, so that a sink takes no frame of it for one of
// this.
Result<SendReport> send_step(Planned& planned, double pps, Interrupt& interrupt) {
  planned.options.pps = pps;
  auto report = send_once(planned, interrupt);
  // Numbers come round again.
  const size_t last = planned.streams.end_id() + planned.streams.size() - 1;
  planned.stream_options.first_id = last < StreamSet::kMaxStreams ? planned.streams.end_id() : 1;
  auto streams = StreamSet::of_guests(planned.scenario.guests, planned.stream_options);
  if (!streams) return std::unexpected(streams.error());
  planned.streams = std::move(*streams);
  return report;
}

// The same at one rate after the other, up to the maximum where no rates are named. JSON tells of each run;
// the table of medians is for people.
int run_ladder(const Flags& flags, Interrupt& interrupt) {
  auto planned = plan_sending(flags);
  if (!planned) return complain(planned.error(), kUsage);
  std::vector<double> rates = flags.rates;
  if (rates.empty()) {
    fmt::print(stderr, "looking for the maximum\n");
    const auto fastest = send_step(*planned, 0, interrupt);
    if (!fastest) return complain(fastest.error(), kEnvironment);
    rates = ladder_rates(fastest->pps());
  }
  LadderTable table;
  bool clean = true;
  // Round by round, so that what else the machine does meets all rates alike.
  for (unsigned round = 0; round < flags.repetitions; ++round) {
    for (const double rate : rates) {
      if (interrupt.arrived()) break;
      const auto report = send_step(*planned, rate, interrupt);
      if (!report) return complain(report.error(), kEnvironment);
      clean = clean && all_sent(*report);
      table.add(*report);
      fmt::print(flags.json ? stdout : stderr, "{}\n",
                 flags.json ? send_json(*report, planned->backend) : send_text(*report, planned->backend));
      (void)std::fflush(stdout);
    }
  }
  if (!flags.json) fmt::print("{}\n", table.text());
  return clean ? kOk : kFramesWrong;
}

// Counts and drops in a guest, until told to stop.
int run_drop(const Flags& flags, Interrupt& interrupt) {
  if (auto checked = check_names("device", flags.drop_devices); !checked)
    return complain(checked.error(), kUsage);
  auto sink = TcDrop::start(flags.drop_devices, flags.netns);
  if (!sink) return complain(sink.error(), kEnvironment);
  if (!flags.ready_file.empty())
    if (auto done = announce_ready(flags.ready_file); !done) return complain(done.error(), kEnvironment);
  fmt::print(stderr, "dropping on {} devices; Ctrl-C ends it\n", flags.drop_devices.size());
  const auto start = std::chrono::steady_clock::now();
  auto counts = (*sink)->counts();
  while (counts && !interrupt.arrived()) {
    interrupt.wait(-1, 20ms);
    counts = (*sink)->counts();
    if (flags.count && counts && counts->frames >= *flags.count) break;
    if (flags.duration &&
        std::chrono::steady_clock::now() - start >= std::chrono::duration<double>(*flags.duration))
      break;
  }
  if (!counts) return complain(counts.error(), kEnvironment);
  fmt::print("{}\n", flags.json ? drop_json(*counts) : drop_text(*counts));
  return counts->frames > 0 ? kOk : kFramesWrong;
}

int run_sink(const Flags& flags, Interrupt& interrupt) {
  if (!flags.drop_devices.empty()) return run_drop(flags, interrupt);
  auto scenario = scenario_of(flags);
  if (!scenario) return complain(scenario.error(), kUsage);
  const std::vector<std::string> taps = flags.taps.empty() ? scenario->taps() : flags.taps;
  if (taps.empty() && flags.stack_devices.empty())
    return complain({"nothing to read", "name at least one tap: --tap tap1"}, kUsage);
  if (auto checked = check_names("tap", taps); !checked) return complain(checked.error(), kUsage);
  if (auto checked = check_names("device", flags.stack_devices); !checked)
    return complain(checked.error(), kUsage);
  const std::string netns = flags.netns.empty() ? scenario->rx_netns : flags.netns;

  auto receiver = TapReceiver::start({.cpu = flags.rx_cpu});
  if (!receiver) return complain(receiver.error(), kEnvironment);
  (*receiver)->learn();
  for (const std::string& tap : taps)
    if (auto added =
            (*receiver)->add_tap({.name = tap, .netns = netns, .queue_length = scenario->queue_length});
        !added)
      return complain(added.error(), kEnvironment);
  auto stack = StackSink::start(flags.stack_devices, netns);
  if (!stack) return complain(stack.error(), kEnvironment);
  (*stack)->learn();

  if (!flags.ready_file.empty())
    if (auto done = announce_ready(flags.ready_file); !done) return complain(done.error(), kEnvironment);
  fmt::print(stderr, "reading {} taps; Ctrl-C ends it\n", taps.size());
  const auto start = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  };
  while (!interrupt.arrived()) {
    interrupt.wait(-1, 20ms);
    if (scenario->duration_s && elapsed() >= *scenario->duration_s) break;
    if (scenario->count && (*receiver)->frames() >= *scenario->count) break;
  }
  SinkReport report{.seconds = elapsed()};
  (*receiver)->stop();
  report.taps = (*receiver)->report();
  report.stack = (*stack)->report();
  fmt::print("{}\n", flags.json ? sink_json(report) : sink_text(report));
  return report.clean() ? kOk : kFramesWrong;
}

int run_loop(const Flags& flags, Interrupt& interrupt) {
  auto scenario = scenario_of(flags);
  if (!scenario) return complain(scenario.error(), kUsage);
  if (auto checked = check_guests(scenario->guests, true); !checked) return complain(checked.error(), kUsage);
  if (auto checked = check_members(scenario->members); !checked) return complain(checked.error(), kUsage);
  auto loop = Loop::prepare({.scenario = std::move(*scenario),
                             .settle_s = flags.settle,
                             .tx_cpu = flags.tx_cpu,
                             .rx_cpu = flags.rx_cpu,
                             .batch = flags.batch,
                             .progress = [](const std::string& line) { fmt::print(stderr, "{}\n", line); },
                             .interrupted = [&] { return interrupt.arrived(); }});
  if (!loop) return complain(loop.error(), kEnvironment);
  fmt::print(stderr, "ready: the taps are open\n");
  if (!flags.ready_file.empty())
    if (auto done = announce_ready(flags.ready_file); !done) return complain(done.error(), kEnvironment);
  if (!flags.start_file.empty())
    if (auto done = wait_for_file(flags.start_file, interrupt); !done)
      return complain(done.error(), kEnvironment);
  if (flags.start_stdin) wait_for_line(interrupt);

  auto report = (*loop)->run();
  if (!report) return complain(report.error(), kEnvironment);
  fmt::print("{}\n", flags.json ? loop_json(*report) : loop_text(*report));
  std::fflush(stdout);
  if (flags.hold && !interrupt.arrived()) {
    fmt::print(stderr, "holding the taps open; Ctrl-C ends it\n");
    while (!interrupt.arrived()) interrupt.wait(-1, 1s);
  }
  return report->clean() ? kOk : kFramesWrong;
}

CLI::Validator within(const Limits& limits) {
  return CLI::Validator(
      [limits](const std::string& text) {
        double value = std::nan("");
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc() || end != text.data() + text.size()) value = std::nan("");
        const auto checked = limits.check(value, text);
        return checked ? std::string() : checked.error().text();
      },
      limits.text());
}

void add_traffic_flags(CLI::App& command, Flags& flags) {
  command
      .add_option("--scenario", flags.scenario,
                  "JSON file with guests, members, sizes, rates; flags come on top")
      ->check(CLI::ExistingFile);
  command
      .add_option("--guest", flags.guests,
                  "mac=52:54:00:00:00:01,vlan=100,tap=tap1[,name=web1][,inner=7][,priority=3][,trunk]; "
                  "vlan is 1..4094, ad:100 (802.1ad) or untagged; may be repeated")
      ->delimiter('\0');
  command
      .add_option("--size", flags.sizes,
                  "bytes of a frame as sent, without FCS, or imix; may be repeated (default 64)")
      ->delimiter(',');
  command
      .add_option(
          "--sources", flags.sources,
          "senders behind the wire, each with a MAC and an IPv4 address of its own; each guest gets a "
          "stream from each of them (default 1)")
      ->check(within(kSourcesLimits));
  command.add_option("--pps", flags.pps, "frames a second, of all streams together")
      ->check(within(kPpsLimits));
  command.add_option("--count", flags.count, "frames to send")->check(within(kCountLimits));
  command.add_option("--duration", flags.duration, "seconds to send")->check(within(kSecondsLimits));
  command
      .add_option(
          "--backend", flags.backend,
          "live: XDP frames, fast (default); packet: AF_PACKET, everywhere; xsk: AF_XDP; kernel: pktgen.ko, "
          "whose frames are not checked")
      ->check(CLI::IsMember({"live", "packet", "xsk", "kernel"}));
  command.add_option("--tx-cpu", flags.tx_cpu, "CPU of the sending thread");
  command.add_option("--batch", flags.batch, "live frames handed over at a time")->check(CLI::Range(1, 256));
}

void add_sending_flags(CLI::App& command, Flags& flags) {
  add_traffic_flags(command, flags);
  command.add_option("--dev", flags.devices,
                     "device to send from; each guest gets a stream through each of them");
  command.add_option("--netns", flags.netns, "network namespace of the devices");
  command.add_option("--first-id", flags.first_id, "number of the first stream (default: anywhere)")
      ->check(CLI::Range(1U, 1U << 21));
  command.add_option("--burst", flags.burst, "frames that are due at the same moment; the rate stays")
      ->check(CLI::Range(1, 65536));
  command.add_flag("--poisson", flags.poisson, "gaps (between bursts) are random, exponentially distributed");
  command.add_option(
      "--max-late", flags.max_late,
      "leave frames out, and say so, that are late by more than so many intervals (default: catch up)");
  command.add_flag("--realtime", flags.realtime, "send before all usual threads of the CPU");
  command.add_flag("--one-byte", flags.one_byte,
                   "a UDP payload of one byte; the stamp is in the padding, which an IP stack cuts off");
  command.add_flag("--qdisc", flags.qdisc, "packet back end: go through the queueing discipline");
  command.add_flag("--json", flags.json, "one line of JSON for each run");
}

int run(int argc, char** argv) {
  Interrupt interrupt;
  Flags flags;
  CLI::App app("Sends, receives and checks frames: a traffic generator whose every byte is known.",
               "xdpfwd-pktgen");
  app.footer(kFooter);
  app.require_subcommand(1);
  app.set_version_flag("--version", XDPFWD_VERSION);

  CLI::App* send = app.add_subcommand("send", "send streams of frames to guests");
  add_sending_flags(*send, flags);

  CLI::App* ladder = app.add_subcommand("ladder", "send at one rate after the other");
  add_sending_flags(*ladder, flags);
  ladder
      ->add_option(
          "--rates", flags.rates,
          "frames a second of each step, e.g. 1000,10000,100000; 0 is as fast as possible (default: 1000, "
          "2000, 5000 and so on up to what the back end can)")
      ->delimiter(',')
      ->check(within(kPpsLimits));
  ladder->add_option("--repetitions", flags.repetitions, "rounds; the table has medians (default 1)")
      ->check(CLI::Range(1U, 1000U));

  CLI::App* sink = app.add_subcommand("sink", "read taps as VMs would, and check what arrives");
  sink->add_option("--tap", flags.taps, "tap to read, created when it is not there; may be repeated");
  sink->add_option(
      "--drop", flags.drop_devices,
      "instead: count and drop frames on this device's tc ingress, as in a guest; may be repeated");
  sink->add_option("--stack", flags.stack_devices,
                   "device whose frames for the stack are counted; may be repeated");
  sink->add_option("--scenario", flags.scenario, "JSON file that names the taps")->check(CLI::ExistingFile);
  sink->add_option("--netns", flags.netns, "network namespace of taps and devices");
  sink->add_option("--count", flags.count, "end after so many frames")->check(within(kCountLimits));
  sink->add_option("--duration", flags.duration, "end after so many seconds")->check(within(kSecondsLimits));
  sink->add_option("--queue-length", flags.queue_length, "txqueuelen of the taps")
      ->check(within(kQueueLengthLimits));
  sink->add_option("--rx-cpu", flags.rx_cpu, "CPU of the reading thread");
  for (const char* other : {"--tap", "--stack", "--scenario", "--queue-length", "--rx-cpu"})
    sink->get_option("--drop")->excludes(other);
  sink->add_option("--ready-file", flags.ready_file, "file to write once the taps are open");
  sink->add_flag("--json", flags.json, "one line of JSON");

  CLI::App* loop =
      app.add_subcommand("loop", "both: send to guests, check every frame at their taps and at the stack");
  add_traffic_flags(*loop, flags);
  loop->add_option("--member", flags.members, "tx=sw0,rx=up0: a cable to the forwarder; may be repeated")
      ->delimiter('\0');
  loop->add_option("--tx-netns", flags.tx_netns, "network namespace of the sending ends");
  loop->add_option("--rx-netns", flags.rx_netns, "network namespace of the forwarder and its taps");
  loop->add_option("--queue-length", flags.queue_length, "txqueuelen of the taps (default 16384)")
      ->check(within(kQueueLengthLimits));
  loop->add_option("--control", flags.control,
                   "frames for the stack, of each kind, size and member (default 100)")
      ->check(within(kControlLimits));
  loop->add_option("--rx-cpu", flags.rx_cpu, "CPU of the reading thread");
  loop->add_option("--ready-file", flags.ready_file, "file to write once the taps are open");
  loop->add_option("--start-file", flags.start_file, "go on when this file appears");
  loop->add_flag("--start-stdin", flags.start_stdin, "go on when a line comes on standard input");
  loop->add_option("--settle", flags.settle,
                   "seconds that probes may take to get through; 0 sends none (default 30)")
      ->check(within({0, kSecondsLimits.most}));
  loop->add_flag("--hold", flags.hold, "keep the taps open after the report, until Ctrl-C");
  loop->add_flag("--json", flags.json, "one line of JSON at the end");

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kOk : kUsage;
  }
  if (send->parsed()) return run_send(flags, interrupt);
  if (ladder->parsed()) return run_ladder(flags, interrupt);
  if (sink->parsed()) return run_sink(flags, interrupt);
  return run_loop(flags, interrupt);
}

}  // namespace
}  // namespace xdpfwd::pktgen

// Nothing of ours throws; out of memory, and a standard output that is gone, do.
int main(int argc, char** argv) {
  try {
    return xdpfwd::pktgen::run(argc, argv);
  } catch (const std::exception& error) {
    (void)std::fprintf(stderr, "xdpfwd-pktgen: %s\n", error.what());
    return xdpfwd::pktgen::kEnvironment;
  }
}
