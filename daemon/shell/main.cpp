// SPDX-License-Identifier: BSD-2-Clause
// xdpfwd: reads the configuration, opens the kernel, and runs the service.
// Exit status: 0 ended as asked, 1 could not run, 2 wrong usage or configuration.
#include <fmt/format.h>
#include <signal.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>

#include "base/version.h"
#include "core/options.h"
#include "core/plan.h"
#include "kernel/linux_kernel.h"
#include "shell/control_server.h"
#include "shell/daemon.h"
#include "shell/log.h"
#include "shell/service.h"
#include "shell/systemd_services.h"
#include "shell/varlink_listener.h"
#include "sources/files.h"

namespace xdpfwd {
namespace {

constexpr int kCannotRun = 1;
constexpr int kUsage = 2;
constexpr const char* kRunFolder = "/run/xdpfwd";

int complain(const Error& error, int status) {
  fmt::print(stderr, "xdpfwd: {}\n", error.text());
  return status;
}

std::string options_help() {
  std::string text = "Configuration keys (xdpfwd.toml(5) and 'xdpctl explain KEY' say more):\n";
  for (const Option& option : options()) text += fmt::format("  {:<22} {}\n", option.path(), option.help);
  return text;
}

struct ReadConfig {
  std::vector<std::string> files;
  Config config;
};

Result<ReadConfig> read_config(const std::string& file) {
  const auto texts = read_config_files(file);
  if (!texts) return std::unexpected(texts.error());
  auto config = parse_config(*texts);
  if (!config) return std::unexpected(config.error());
  if (auto intent = make_intent(config->settings, config->guests); !intent)
    return std::unexpected(intent.error());
  ReadConfig read{.files = {}, .config = std::move(*config)};
  for (const ConfigText& text : *texts) read.files.push_back(text.file);
  return read;
}

int check(const std::string& file) {
  const auto config = read_config(file);
  if (!config) return complain(config.error(), kUsage);
  const std::string& group = config->config.settings.socket_group;
  if (const auto gid = gid_of(group); !gid)
    return complain(fail_in(config->config.places.at("control.group").text(), gid.error()).error(), kUsage);
  fmt::print("{}: good, {} guests\n", file, config->config.guests.size());
  return 0;
}

Result<void> detach_all(const std::string& bpffs) {
  auto kernel = LinuxKernel::open(bpffs);
  if (!kernel) return std::unexpected(kernel.error());
  const auto observed = (*kernel)->observe(Scope::kWithoutRows);
  if (!observed) return std::unexpected(observed.error());
  for (const Action& action : plan(State{}, *observed))
    if (const Outcome outcome = (*kernel)->apply(action); !outcome.status) return outcome.status;
  return {};
}

ControlServer::Options control_options(const Settings& settings) {
  return {.socket = settings.socket,
          .group = settings.socket_group,
          .version = kVersion,
          .on_drop = [](const Peer& peer, const std::string& why) {
            log_event(spdlog::level::warn,
                      fmt::format("control client (pid {}, uid {}) dropped: {}", peer.pid, peer.uid, why));
          }};
}

Result<void> serve(const std::string& file, ReadConfig read) {
  sd_event* raw_loop = nullptr;
  if (const int result = sd_event_default(&raw_loop); result < 0)
    return fail_errno("cannot make an event loop", -result);
  const std::unique_ptr<sd_event, decltype(&sd_event_unref)> loop(raw_loop, sd_event_unref);

  auto kernel = LinuxKernel::open(read.config.settings.bpffs);
  if (!kernel) return std::unexpected(kernel.error());
  // Before the first look, so that no change falls between them.
  auto links = LinkMonitor::open();
  if (!links) return std::unexpected(links.error());
  auto knobs = KnobMonitor::open();
  if (!knobs) return std::unexpected(knobs.error());
  Daemon daemon(**kernel, file, std::move(read.files), std::move(read.config), service_clock_ms);
  auto control = ControlServer::start(loop.get(), daemon, control_options(daemon.settings()));
  if (!control) return std::unexpected(control.error());
  // The unit reads its pollers' files in one place only.
  if (sd_booted() > 0 && std::filesystem::path(daemon.settings().socket).parent_path() == kRunFolder)
    daemon.use_services(std::make_unique<SystemdServices>());
  if (auto started = daemon.start(); !started) return started;
  auto service = Service::make(loop.get(), daemon, std::move(*links), std::move(*knobs));
  if (!service) return std::unexpected(service.error());
  return (*service)->run();
}

int run(int argc, char** argv) {
  CLI::App app("Redirects frames from bonded NICs into VMs' taps, in XDP.", "xdpfwd");
  std::string file = kDefaultConfigFile;
  std::string file_to_check;
  bool detach = false;
  app.add_option("-c,--config", file, "Configuration file; drop-ins are in xdpfwd.d/*.toml beside it")
      ->capture_default_str();
  app.add_option("--check", file_to_check, "Check a configuration file and its drop-ins, then exit")
      ->type_name("FILE");
  app.add_flag("--detach-all", detach,
               "Take every program off its NIC, remove all maps, then exit (when no daemon runs)");
  app.set_version_flag("--version", std::string("xdpfwd ") + kVersion);
  app.footer(options_help);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kUsage;
  }
  if (!file_to_check.empty()) return check(file_to_check);

  auto config = read_config(file);
  if (!config) return complain(config.error(), kUsage);
  if (detach) {
    if (auto detached = detach_all(config->config.settings.bpffs); !detached)
      return complain(detached.error(), kCannotRun);
    return 0;
  }
  set_up_log();
  set_log_level(config->config.settings.log_level);
  // sd-event takes these from a signalfd.
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  if (auto served = serve(file, std::move(*config)); !served) {
    log_event(spdlog::level::critical, served.error().text());
    return kCannotRun;
  }
  return 0;
}

}  // namespace
}  // namespace xdpfwd

int main(int argc, char** argv) {
  return xdpfwd::run(argc, argv);
}
