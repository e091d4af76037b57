// SPDX-License-Identifier: BSD-2-Clause
// xdpfwd itself: the daemon as it is installed, with a configuration file, in both VLAN flavours.
#include <fmt/format.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "bench/contender.h"

namespace xdpfwd::bench {
namespace {

using namespace std::chrono_literals;

class Xdpfwd final : public Contender {
 public:
  explicit Xdpfwd(std::string flavour) : flavour_(std::move(flavour)) {}

  Result<void> start(Site& site) override {
    site_ = &site;
    if (auto written = write_config(); !written) return written;
    return start_daemon();
  }

  std::vector<Child*> processes() override {
    return daemon_ ? std::vector<Child*>{&*daemon_} : std::vector<Child*>{};
  }

  std::vector<Event> events() override {
    return {{"kill and restart", [this] { return restart(SIGKILL); }},
            {"stop and start", [this] { return restart(SIGTERM); }},
            {"guest added", [this] { return reload(1, flavour_); }, [this] { return reload(0, flavour_); }},
            {"program replaced", [this] { return reload(0, flavour_ == "hint" ? "frame" : "hint"); },
             [this] { return reload(0, flavour_ == "hint" ? "frame" : "hint"); }},
            {"guest moved", [this] { return move_first_guest(true); },
             [this] { return move_first_guest(false); }, true}};
  }

 private:
  Result<void> move_first_guest(bool away) {
    first_is_away_ = away;
    return reload(extra_guests_, flavour_);
  }
  // Other guests, or the other program in place of the one that runs. Its end is awaited, and says whether it
  // was taken.
  Result<void> reload(unsigned extra_guests, std::string flavour) {
    extra_guests_ = extra_guests;
    flavour_ = std::move(flavour);
    if (auto written = write_config(); !written) return written;
    return control("reload");
  }
  // Until the new one says that it forwards.
  Result<void> restart(int signal) {
    daemon_->end(signal);
    if (auto started = start_daemon(); !started) return started;
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    for (;;) {
      const auto forwards = control("status --check");
      if (forwards) return {};
      if (!daemon_->running() || std::chrono::steady_clock::now() > deadline) return forwards;
      std::this_thread::sleep_for(5ms);
    }
  }
  Result<void> control(const std::string& command) const {
    return site_->run(fmt::format("{} --socket {}/control.sock {}", beside_this_program("xdpctl"),
                                  site_->folder(), command));
  }

  Result<void> write_config() {
    const std::string& folder = site_->folder();
    std::ofstream file(folder + "/xdpfwd.toml", std::ios::trunc);
    std::string devices;
    for (const std::string& uplink : site_->uplinks()) devices += fmt::format("\"{}\", ", uplink);
    file << fmt::format("[uplink]\ndevices = [{}]\nvlan_tag = \"{}\"\n[fdb]\nmax_entries = {}\n", devices,
                        flavour_, std::max<size_t>(65'536, site_->guests().size() + 1000));
    file << fmt::format(
        "[daemon]\nbpffs = \"{0}/bpf/xdpfwd\"\nstate_dir = \"{0}/state\"\n"
        "[control]\nsocket = \"{0}/control.sock\"\n",
        folder);
    for (const pktgen::Guest& guest : site_->guests()) {
      const bool away = first_is_away_ && &guest == &site_->guests().front();
      file << fmt::format("[[guest]]\nname = \"{}\"\ntap = \"{}\"\nmac = \"{}\"\nvlan = {}\n", guest.name,
                          away ? site_->taps().at(1) : guest.tap, guest.mac.text(), guest.vlan.id());
    }
    for (unsigned i = 0; i < extra_guests_; ++i)
      file << fmt::format("[[guest]]\nname = \"extra{}\"\ntap = \"tap0\"\nmac = \"{}\"\nvlan = 200\n", i,
                          MacAddress::from_bits(0x525500000000 + i).text());
    file.close();
    return file ? Result<void>{} : fail_errno(folder + "/xdpfwd.toml", errno);
  }

  Result<void> start_daemon() {
    const auto inside = site_->enter();
    if (!inside) return std::unexpected(inside.error());
    auto child = Child::start(
        {.arguments = {beside_this_program("xdpfwd"), "--config", site_->folder() + "/xdpfwd.toml"},
         .log = site_->folder() + "/xdpfwd.log",
         .cpu = site_->rx_cpu()});
    if (!child) return std::unexpected(child.error());
    daemon_.emplace(std::move(*child));
    return {};
  }

  std::string flavour_;
  Site* site_ = nullptr;
  std::optional<Child> daemon_;
  unsigned extra_guests_ = 0;
  bool first_is_away_ = false;
};

// As on a hypervisor: behind the fast path a bridge owns the taps, and takes what the fast path passes on.
class BeforeBridge final : public Contender {
 public:
  Result<void> start(Site& site) override {
    if (auto started = bridge_->start(site); !started) return started;
    return xdpfwd_.start(site);
  }
  std::vector<Child*> processes() override { return xdpfwd_.processes(); }

 private:
  std::unique_ptr<Contender> bridge_ = find_contender("bridge")->make();
  Xdpfwd xdpfwd_{"frame"};  // goes before the bridge
};

Result<void> probe() {
  if (std::filesystem::exists(beside_this_program("xdpfwd"))) return {};
  return fail("there is no xdpfwd beside this program or in /usr/sbin", "build or install it");
}

const RegisteredContender frame({.name = "xdpfwd",
                                 .summary = "the daemon, VLAN tags in the frame (rxvlan off)",
                                 .probe = probe,
                                 .make = [] { return std::make_unique<Xdpfwd>("frame"); },
                                 .in_lab = true,
                                 .tag_in_frame = true,
                                 .order = 10});
const RegisteredContender hint({.name = "xdpfwd-hint",
                                .summary = "the daemon, program that asks the descriptor for the tag first",
                                .probe = probe,
                                .make = [] { return std::make_unique<Xdpfwd>("hint"); },
                                .order = 20});
const RegisteredContender before_bridge(
    {.name = "xdpfwd-bridge",
     .summary = "the daemon, and the bridge with VLAN filtering that owns the taps behind it",
     .probe =
         [] {
           auto found = probe();
           return found ? find_contender("bridge")->probe() : found;
         },
     .make = [] { return std::make_unique<BeforeBridge>(); },
     .only_named = true,
     .in_lab = true,
     .takes_bond = true,
     .tag_in_frame = true,
     .order = 21});

}  // namespace
}  // namespace xdpfwd::bench
