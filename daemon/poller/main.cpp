// SPDX-License-Identifier: BSD-2-Clause
// xdpfwd-poller: reads what it is to poll, polls until a signal, or tells what another one counts, or puts
// back what one that was killed has left.
#include <fmt/format.h>
#include <linux/capability.h>
#include <signal.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include "base/version.h"
#include "poller/poller.h"
#include "poller/privileges.h"

namespace xdpfwd::poller {
namespace {

constexpr int kCannotRun = 1;
constexpr int kUsage = 2;
constexpr int kNotThere = 3;
constexpr int kNoHandle = 4;

constexpr const char* kFooter = R"(Example: xdpfwd-poller --cpu 3 --queue eth0:3 --queue eth1:3,period=100

The configuration file has the same options, without their dashes:
  cpu = 3
  queue = ["eth0:3", "eth1:3,period=100"]

Exit status:
  0  ended as asked
  1  could not run: what is missing is in the message
  2  wrong usage or configuration
  3  a NIC, a queue or the CPU is not there
  4  nothing here polls a queue's NAPI for us: leave it to deferred interrupts)";

std::atomic<bool> stop = false;
static_assert(std::atomic<bool>::is_always_lock_free);
void on_signal(int /*signal*/) {
  stop.store(true, std::memory_order_relaxed);
}

int complain(const Error& error, int status) {
  fmt::print(stderr, "xdpfwd-poller: {}\n", error.text());
  return status;
}

int status_of(const Error& error) {
  return error.code == ENODEV ? kNotThere : error.code == ENOTSUP ? kNoHandle : kCannotRun;
}

int serve(const Options& options, const std::string& folder) {
  std::error_code ignored;  // the next step tells
  std::filesystem::create_directories(std::filesystem::path(folder).parent_path(), ignored);
  auto counters = CountersFile::create(folder);
  if (!counters) return complain(counters.error(), kCannotRun);
  auto changes = Changes::open(folder);
  if (!changes) return complain(changes.error(), kCannotRun);
  // Not restarted: a signal ends a turn and a sleep.
  struct sigaction action{};
  action.sa_handler = on_signal;
  for (const int signal : {SIGTERM, SIGINT}) sigaction(signal, &action, nullptr);
  auto poller = Poller::start(options, std::move(*counters), std::move(*changes));
  if (!poller) return complain(poller.error(), status_of(poller.error()));
  if (auto ran = (*poller)->run(stop); !ran) return complain(ran.error(), status_of(ran.error()));
  return 0;
}

// By the unit, with the capabilities that a poller may need to start; or by root, with all: it needs one for
// NAPI instances, and root two for files that are the poller's own.
int release(const std::string& folder) {
  constexpr uint64_t kNeeded =
      uint64_t{1} << CAP_NET_ADMIN | uint64_t{1} << CAP_DAC_OVERRIDE | uint64_t{1} << CAP_CHOWN;
  if (auto dropped = keep_capabilities(kNeeded); !dropped) return complain(dropped.error(), kCannotRun);
  if (std::error_code unseen; !std::filesystem::exists(folder, unseen)) return 0;  // nor was there a poller
  const auto lock = lock_folder(folder);
  if (!lock) return complain(lock.error(), kCannotRun);
  auto changes = Changes::open(folder);
  if (!changes) return complain(changes.error(), kCannotRun);
  if (changes->empty()) return 0;
  auto lookup = NapiLookup::open();
  if (!lookup) return complain(lookup.error(), kCannotRun);
  if (auto undone = changes->undo_all(*lookup); !undone) return complain(undone.error(), kCannotRun);
  if (changes->empty()) return 0;
  return complain({"its NIC is down, and may have what it set again when it is up", "release it then"},
                  kCannotRun);
}

int run(int argc, char** argv) {
  CLI::App app("Polls receive queues on a CPU of its own, so that XDP forwards there without interrupts.",
               "xdpfwd-poller");
  Options options;
  std::vector<std::string> queues;
  uint32_t idle_ms = static_cast<uint32_t>(options.idle.count() / 1000);
  uint32_t look_us = static_cast<uint32_t>(options.look.count());
  std::string folder;
  bool status = false;
  bool releases = false;
  auto* config = app.set_config("--config", "", "Read options from a file too")->type_name("FILE");
  app.allow_config_extras(CLI::config_extras_mode::error);
  auto* cpu = app.add_option("--cpu", options.cpu, "The CPU that it has to itself")->type_name("CPU");
  app.add_option(
         "--queue", queues,
         "A receive queue to poll: NIC:QUEUE[,period=US][,budget=FRAMES]. Several have their turns together "
         "by io_uring, else one after the other, of 10 us unless told otherwise")
      ->type_name("QUEUE");
  app.add_option("--idle-ms", idle_ms, "A queue idle for so long is left to interrupts; 0 = never")
      ->check(CLI::Range(0U, 3'600'000U))
      ->capture_default_str();
  app.add_option(
         "--look-us", look_us,
         "How often it looks whether idle queues have work again; also how long a queue alone is polled")
      ->check(CLI::Range(1U, 1'000'000U))
      ->capture_default_str();
  app.add_option("--handle", options.handle,
                 "How the kernel is made to poll: auto takes the first that works")
      ->transform(
          CLI::CheckedTransformer(std::map<std::string, HandleChoice>{{"auto", HandleChoice::kAuto},
                                                                      {"io_uring", HandleChoice::kIoUring},
                                                                      {"af_xdp", HandleChoice::kAfXdp},
                                                                      {"threaded", HandleChoice::kThreaded}}))
      ->type_name("auto|io_uring|af_xdp|threaded");
  app.add_flag(
      "--set-deferral", options.set_deferral,
      "Set defer-hard-irqs 2 and gro-flush-timeout 200 us of the queues itself, and put back what was "
      "there when it ends");
  app.add_option("--name", options.name, "The poller's name; otherwise cpuCPU")->type_name("NAME");
  app.add_option("--runtime-dir", folder, "Where its counters are; otherwise /run/xdpfwd-poller/NAME")
      ->type_name("FOLDER");
  app.add_flag("--status", status, "Print the counters of the poller of this name as JSON, then exit");
  app.add_flag("--release", releases,
               "Put back what a poller of this name that was killed has set in the kernel, then exit");
  app.set_version_flag("--version", std::string("xdpfwd-poller ") + kVersion);
  app.footer(kFooter);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ConfigError& error) {
    return complain({fmt::format("{}: {}", config->as<std::string>(), error.what()),
                     "it may have the options of --help, without their dashes"},
                    kUsage);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  if (cpu->empty() && ((!status && !releases) || options.name.empty()))
    return complain({"no CPU is named", "--cpu names the one that it has to itself"}, kUsage);
  if (options.name.empty()) options.name = fmt::format("cpu{}", options.cpu);
  if (folder.empty()) folder = "/run/xdpfwd-poller/" + options.name;
  if (status) {
    const auto text = read_status(folder);
    if (!text) return complain(text.error(), kCannotRun);
    fmt::print("{}\n", *text);
    return 0;
  }
  if (releases) return release(folder);
  for (const std::string& text : queues) {
    auto queue = parse_queue(text);
    if (!queue) return complain(queue.error(), kUsage);
    options.queues.push_back(std::move(*queue));
  }
  options.idle = std::chrono::milliseconds(idle_ms);
  options.look = std::chrono::microseconds(look_us);
  if (auto checked = check(options); !checked) return complain(checked.error(), kUsage);
  return serve(options, folder);
}

}  // namespace
}  // namespace xdpfwd::poller

int main(int argc, char** argv) {
  return xdpfwd::poller::run(argc, argv);
}
