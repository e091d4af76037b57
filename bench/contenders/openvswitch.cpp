// SPDX-License-Identifier: BSD-2-Clause
// Open vSwitch, with a database and daemons of its own: the kernel's datapath, and the one in user space
// ("netdev"). Ports are the uplinks, as trunks, and the taps with their VLAN as tag; forwarding is NORMAL.
#include <fmt/format.h>
#include <signal.h>

#include <algorithm>

#include "bench/contender.h"
#include "bench/stage.h"

namespace xdpfwd::bench {
namespace {

class OpenVswitch final : public Contender {
 public:
  explicit OpenVswitch(bool kernel) : kernel_(kernel) {}
  ~OpenVswitch() override {
    switch_.reset();
    // The kernel's datapath goes on without it.
    if (kernel_ && site_ != nullptr) (void)site_->run("ovs-dpctl del-dp ovs-system");
  }

  Result<void> start(Site& site) override {
    site_ = &site;
    const std::string& folder = site.folder();
    environment_ = {"OVS_RUNDIR=" + folder, "OVS_LOGDIR=" + folder, "OVS_DBDIR=" + folder};
    if (auto made = site.run(
            fmt::format("ovsdb-tool create {}/conf.db /usr/share/openvswitch/vswitch.ovsschema", folder));
        !made)
      return made;
    if (auto started = start_process(
            database_, {"ovsdb-server", folder + "/conf.db", "--remote=punix:" + folder + "/db.sock",
                        "--unixctl=" + folder + "/db.ctl"});
        !started)
      return started;
    // This waits for the database, and the first vsctl without --no-wait for the switch.
    if (auto made = control("ovs-vsctl --retry --timeout=30 --no-wait init"); !made) return made;
    if (auto started = start_switch(); !started) return started;
    std::string commands = fmt::format(
        "ovs-vsctl --timeout=30 set Open_vSwitch . other_config:flow-restore-wait=false "
        "-- add-br br0 -- set Bridge br0 datapath_type={} other_config:mac-table-size={} "
        "fail_mode=standalone",
        kernel_ ? "system" : "netdev", std::max<size_t>(2048, site.guests().size() * 2));
    for (const std::string& uplink : site.bridge_ports())
      commands += fmt::format(" -- add-port br0 {}", uplink);
    std::vector<std::string> tagged;
    for (const pktgen::Guest& guest : site.guests()) {
      if (!tagged.empty() && std::ranges::find(tagged, guest.tap) != tagged.end()) continue;
      commands += fmt::format(" -- add-port br0 {} tag={}", guest.tap, guest.vlan.id());
      tagged.push_back(guest.tap);
    }
    if (auto made = control(commands); !made) return made;
    // As if each VM had spoken, and no entry aged.
    for (const pktgen::Guest& guest : site.guests())
      if (auto added = control(fmt::format("ovs-appctl -t {}/switch.ctl fdb/add br0 {} {} {}", folder,
                                           guest.tap, guest.vlan.id(), guest.mac.text()));
          !added)
        return added;
    return {};
  }

  std::vector<Child*> processes() override {
    std::vector<Child*> all;
    if (database_) all.push_back(&*database_);
    if (switch_) all.push_back(&*switch_);
    return all;
  }

  std::vector<Event> events() override {
    return {{"kill and restart", [this] { return restart(SIGKILL); }},
            {"stop and start", [this] { return restart(SIGTERM); }},
            {"guest moved", [this] { return move_first_guest(true); },
             [this] { return move_first_guest(false); }, true}};
  }

 private:
  // Until the new one has configured itself: vsctl waits for that, if it changes something.
  Result<void> restart(int signal) {
    switch_->end(signal);
    if (auto started = start_switch(); !started) return started;
    return control(
        fmt::format("ovs-vsctl --timeout=30 set Open_vSwitch . external_ids:pid={}", switch_->pid()));
  }
  // The second tap joins the first guest's VLAN, and the guest speaks there.
  Result<void> move_first_guest(bool away) const {
    const pktgen::Guest& first = site_->guests().at(0);
    const pktgen::Guest& second = site_->guests().at(1);
    return control(fmt::format(
        "ovs-vsctl --timeout=30 set Port {} tag={} && ovs-appctl -t {}/switch.ctl fdb/add br0 {} {} {}",
        second.tap, away ? first.vlan.id() : second.vlan.id(), site_->folder(), away ? second.tap : first.tap,
        first.vlan.id(), first.mac.text()));
  }
  Result<void> control(const std::string& command) const {
    return site_->run(
        fmt::format("export OVS_RUNDIR={0} OVS_LOGDIR={0} OVS_DBDIR={0}; {1}", site_->folder(), command));
  }
  Result<void> start_process(std::optional<Child>& process, std::vector<std::string> arguments) {
    const auto inside = site_->enter();
    if (!inside) return std::unexpected(inside.error());
    auto child = Child::start({.arguments = std::move(arguments),
                               .log = site_->folder() + "/ovs.log",
                               .environment = environment_,
                               .cpu = site_->rx_cpu()});
    if (!child) return std::unexpected(child.error());
    process.emplace(std::move(*child));
    return {};
  }
  Result<void> start_switch() {
    return start_process(switch_, {"ovs-vswitchd", "unix:" + site_->folder() + "/db.sock",
                                   "--unixctl=" + site_->folder() + "/switch.ctl", "-vconsole:warn"});
  }

  bool kernel_;
  Site* site_ = nullptr;
  std::vector<std::string> environment_;
  std::optional<Child> database_;
  std::optional<Child> switch_;
};

Result<void> probe_program() {
  if (run("command -v ovs-vswitchd ovsdb-server ovs-vsctl")) return {};
  return fail("Open vSwitch is not installed", "deploy/dependencies.sh bench installs it");
}

Result<void> probe_kernel() {
  if (auto found = probe_program(); !found) return found;
  // The datapath's sysctl-free sign of life: its generic netlink family.
  if (run("modprobe -q openvswitch; ovs-dpctl show")) return {};
  return fail("this kernel has no Open vSwitch datapath", "it needs OPENVSWITCH; the lab's kernels have it");
}

constexpr double kMostMacs = 100;
constexpr const char* kWhyNoMore =
    "it takes static entries one call of a program each, and learnt ones age: minutes for 10 000";

const RegisteredContender kernel({.name = "ovs-kernel",
                                  .summary = "Open vSwitch, the kernel's datapath",
                                  .probe = probe_kernel,
                                  .make = [] { return std::make_unique<OpenVswitch>(true); },
                                  .most_uplinks = 1,
                                  .most_macs = kMostMacs,
                                  .why_no_more = kWhyNoMore,
                                  .in_lab = true,
                                  .takes_bond = true,
                                  .order = 60});
const RegisteredContender userspace({.name = "ovs-userspace",
                                     .summary = "Open vSwitch, datapath in user space over AF_PACKET",
                                     .probe = probe_program,
                                     .make = [] { return std::make_unique<OpenVswitch>(false); },
                                     .most_guests = 64,
                                     .most_uplinks = 1,
                                     .most_macs = kMostMacs,
                                     .why_no_more = kWhyNoMore,
                                     .reads_taps = true,
                                     .order = 61});

}  // namespace
}  // namespace xdpfwd::bench
