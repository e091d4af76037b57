// SPDX-License-Identifier: BSD-2-Clause
#include "ctl/command_line.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <charconv>
#include <optional>

#include "base/number_between.h"
#include "base/version.h"
#include "core/guest_fields.h"
#include "core/nearest.h"
#include "core/options.h"
#include "ctl/completion.h"
#include "ctl/doctor.h"
#include "ctl/explain.h"
#include "ctl/help.h"
#include "ctl/napi_pack.h"
#include "ctl/napi_record.h"
#include "packer/model/synthetic_trace.h"

namespace xdpfwd {
namespace {

// Longer pauses are a typing error; shorter ones only cost.
constexpr double kShortestWatch = 0.1;
constexpr double kLongestWatch = 86'400;

// Watching costs the CPUs something; the daemon has the same limit.
constexpr uint64_t kWatchSeconds = 5;
constexpr uint64_t kTrialSeconds = 3;  // for each value
constexpr uint64_t kLongestEffect = 60;

constexpr std::string_view kFooter =
    "Exit status: 0 good; 1 refused by the daemon, or failed; 2 wrong usage; 3 no daemon answers;\n"
    "4 'status --check' or 'tune verify' found something that is not as wanted.\n"
    "'xdpctl COMMAND --help' says more about a command.";

std::string default_socket() {
  const Settings defaults;
  return defaults.socket;
}

Result<VlanTag> parse_vlan_argument(const std::string& text, VlanTag::Tpid tpid) {
  // As tables show it.
  if (text == "untagged" || text.starts_with("ad:")) return VlanTag::parse(text);
  int64_t id = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  if (error != std::errc() || end != text.data() + text.size())
    return fail(fmt::format("'{}' is not a VLAN", text), "write 1 to 4094, or untagged");
  return make_guest_vlan(id, tpid);
}

struct GuestArguments {
  std::string name, tap, tpid = "802.1q", profile;
  std::optional<int64_t> cpu;
  std::vector<std::string> macs, vlans;
  bool trunk = false, ephemeral = false, dry_run = false;
};

Result<Guest> guest_of(const GuestArguments& arguments) {
  Guest guest;
  auto name = parse_guest_name(arguments.name);
  if (!name) return std::unexpected(std::move(name).error());
  guest.name = std::move(*name);
  const auto tap = InterfaceName::parse(arguments.tap);
  if (!tap) return fail_in("--tap", tap.error());
  guest.tap = *tap;
  const auto tpid = parse_tpid(arguments.tpid);
  if (!tpid) return fail_in("--tpid", tpid.error());
  for (const std::string& text : arguments.macs) {
    const auto mac = parse_guest_mac(text);
    if (!mac) return fail_in("--mac", mac.error());
    guest.macs.push_back(*mac);
  }
  for (const std::string& text : arguments.vlans) {
    const auto vlan = parse_vlan_argument(text, *tpid);
    if (!vlan) return fail_in("--vlan", vlan.error());
    guest.vlans.push_back(*vlan);
  }
  guest.keep_tag = arguments.trunk;
  if (!arguments.profile.empty()) {
    const auto profile = parse_guest_profile(arguments.profile);
    if (!profile) return fail_in("--profile", profile.error());
    guest.profile = *profile;
  }
  if (arguments.cpu) {
    const auto cpu = parse_guest_cpu(*arguments.cpu);
    if (!cpu) return fail_in("--cpu", cpu.error());
    guest.cpu = *cpu;
  }
  return guest;
}

Error wrong_seconds(uint64_t seconds) {
  return {fmt::format("--seconds cannot be {}", seconds), fmt::format("write 1 to {}", kLongestEffect), 0};
}

void add_seconds(CLI::App& command, uint64_t& seconds) {
  command
      .add_option("--seconds", seconds,
                  fmt::format("how long to watch, 1 to {}; otherwise {}", kLongestEffect, seconds))
      ->type_name("N");
}

std::vector<std::string_view> names_of_commands(const CLI::App& app) {
  std::vector<std::string_view> names;
  for (const CLI::App* command : visible_commands(app)) names.push_back(command->get_name());
  return names;
}

const CLI::Option* find_option_from(const CLI::App* app, const std::string& name) {
  for (; app; app = app->get_parent())
    if (const CLI::Option* option = app->get_option_no_throw(name)) return option;
  return nullptr;
}

std::string meant_option(const CLI::App* app, const std::string& name) {
  std::vector<std::string> names;
  for (const CLI::App* above = app; above; above = above->get_parent())
    for (const CLI::Option* option : visible_options(*above)) names.push_back(main_name(*option));
  const std::vector<std::string_view> candidates(names.begin(), names.end());
  const auto meant = nearest(name, candidates);
  return meant ? fmt::format("did you mean '{}'?", *meant) : fmt::format("see '{} --help'", full_name(*app));
}

// What is wrong with the words themselves, said better than the parser would: unknown commands and options.
std::optional<Error> diagnose(const CLI::App& app, const std::vector<std::string>& arguments) {
  const CLI::App* at = &app;
  bool help = false, options_ended = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "--") {
      options_ended = true;
      continue;
    }
    if (word.size() > 1 && word.starts_with('-') && !options_ended) {
      const std::string name = word.substr(0, word.find('='));
      const CLI::Option* option = find_option_from(at, name);
      if (!option)
        return Error{fmt::format("'{}' has no option '{}'", full_name(*at), name), meant_option(at, name), 0};
      help = help || option->get_single_name() == "help" || option->get_single_name() == "version";
      if (takes_value(*option) && option->get_expected_min() > 0 && name == word) ++i;
      continue;
    }
    if (at->get_subcommands([](const CLI::App*) { return true; }).empty()) continue;
    const auto all =
        at->get_subcommands([&](const CLI::App* command) { return command->get_name() == word; });
    if (all.empty())
      return Error{fmt::format("'{}' has no command '{}'", full_name(*at), word),
                   did_you_mean(word, names_of_commands(*at), "commands"), 0};
    at = all.front();
  }
  if (!help && !visible_commands(*at).empty())
    return Error{
        fmt::format("'{}' needs a command", full_name(*at)),
        fmt::format("one of: {}; see '{} --help'", fmt::join(names_of_commands(*at), ", "), full_name(*at)),
        0};
  return std::nullopt;
}

}  // namespace

CommandLine::CommandLine()
    : app_(std::make_unique<CLI::App>("Asks and drives the xdpfwd daemon.", "xdpctl")) {
  app_->formatter(std::make_shared<HelpFormatter>());
  app_->footer(std::string(kFooter));
  app_->fallthrough();  // the general options may stand anywhere
  app_->set_help_flag("-h,--help", "show this help");
  app_->set_version_flag("--version", fmt::format("xdpctl {}", kVersion), "show the version of xdpctl");
  values_[app_->add_option("--socket", socket_,
                           fmt::format("the daemon's control socket; otherwise $XDPFWD_SOCKET, otherwise {}",
                                       default_socket()))
              ->type_name("PATH")
              ->envname("XDPFWD_SOCKET")] = {.words = {}, .live = {}, .files = true};
  app_->add_flag("--json", json_, "print JSON, as docs/json.md and 'varlinkctl introspect' describe it");
  add_status();
  add_guest_commands();
  add_fdb_commands();
  add_other_reads();
  add_tune_commands();
  add_napi_commands();
  add_doctor();
  add_other_writes();
  add_words();
}

const Values* CommandLine::values_of(const CLI::Option* option) const {
  const auto found = values_.find(option);
  return found == values_.end() ? nullptr : &found->second;
}

CLI::App* CommandLine::group(std::string name, std::string help) {
  CLI::App* made = app_->add_subcommand(std::move(name), std::move(help));
  made->footer("");
  return made;
}

CLI::App* CommandLine::command(CLI::App* parent, std::string name, std::string help, Action action) {
  CLI::App* made = parent->add_subcommand(std::move(name), std::move(help));
  made->footer("");
  made->callback([this, action = std::move(action)] { chosen_ = action; });
  return made;
}

void CommandLine::add_status() {
  const auto check = std::make_shared<bool>(false);
  CLI::App* status = command(app_.get(), "status", "what is forwarded, and what is not as wanted and why",
                             [check](const Session& session) { return show_status(session, *check); });
  status->add_flag("--check", *check, "exit with status 4 when something is not as wanted");
}

void CommandLine::add_guest_commands() {
  CLI::App* guest = group("guest", "guests: which frames go to which tap");
  const auto add = std::make_shared<GuestArguments>();
  CLI::App* added =
      command(guest, "add", "add a guest, and keep it for the next start", [add](const Session& session) {
        const auto made = guest_of(*add);
        return made ? add_guest(session, *made, add->ephemeral, add->dry_run)
                    : complain(session, made.error(), kExitUsage);
      });
  const auto one_of = [](std::string_view key) {
    const auto choices = find_option("guest", key)->choices;
    return Values{.words = {choices.begin(), choices.end()}};
  };
  added->add_option("NAME", add->name, "name of the guest")->required();
  values_[added->add_option("--tap", add->tap, "tap that its frames go to; it need not exist yet")
              ->type_name("TAP")
              ->required()] = {.interfaces = true};
  added->add_option("--mac", add->macs, "its MAC address; may be given several times, or several with ','")
      ->type_name("MAC")
      ->required()
      ->delimiter(',')
      ->allow_extra_args(false);
  values_[added
              ->add_option(
                  "--vlan", add->vlans,
                  "its VLAN, 1 to 4094 or 'untagged'; may be given several times, or several with ','")
              ->type_name("VLAN")
              ->required()
              ->delimiter(',')
              ->allow_extra_args(false)] = {.words = {"untagged"}};
  added->add_flag("--trunk", add->trunk, "the guest gets its frames with their VLAN tags");
  values_[added->add_option("--tpid", add->tpid, "kind of VLAN tag: 802.1q (the default) or 802.1ad")
              ->type_name("TPID")] = one_of("tpid");
  values_[added
              ->add_option("--profile", add->profile,
                           "how its queue's interrupts are moderated; otherwise as tuning.profile")
              ->type_name("PROFILE")] = one_of("profile");
  added->add_option("--cpu", add->cpu, "the CPU that is to serve its queue; otherwise chosen")
      ->type_name("CPU");
  added->add_flag("--ephemeral", add->ephemeral, "forget the guest when xdpfwd ends");
  added->add_flag("--dry-run", add->dry_run, "only say whether the guest could be added");

  const auto name = std::make_shared<std::string>();
  CLI::App* deleted = command(guest, "del", "delete a guest that 'guest add' added",
                              [name](const Session& session) { return delete_guest(session, *name); });
  values_[deleted->add_option("NAME", *name, "name of the guest")->required()] = {.live = "guests"};
  command(guest, "list", "all guests, and the states of their taps", list_guests);
}

void CommandLine::add_fdb_commands() {
  CLI::App* fdb = group("fdb", "the forwarding table: (VLAN, MAC) to tap");
  command(fdb, "list", "all rows", list_fdb);

  struct Arguments {
    std::string vlan, mac, tpid = "802.1q";
  };
  const auto key = std::make_shared<Arguments>();
  CLI::App* lookup =
      command(fdb, "lookup", "where frames to one VLAN and MAC go", [key](const Session& session) {
        const auto tpid = parse_tpid(key->tpid);
        if (!tpid) return complain(session, tpid.error(), kExitUsage);
        const auto vlan = parse_vlan_argument(key->vlan, *tpid);
        if (!vlan) return complain(session, vlan.error(), kExitUsage);
        const auto mac = MacAddress::parse(key->mac);
        if (!mac) return complain(session, mac.error(), kExitUsage);
        return look_up_fdb(session, *vlan, *mac);
      });
  values_[lookup->add_option("VID", key->vlan, "1 to 4094, or 'untagged'")->required()] = {
      .words = {"untagged"}};
  lookup->add_option("MAC", key->mac, "as in 52:54:00:00:00:01")->required();
  const auto tpids = find_option("guest", "tpid")->choices;
  values_[lookup->add_option("--tpid", key->tpid, "kind of VLAN tag: 802.1q (the default) or 802.1ad")
              ->type_name("TPID")] = {.words = {tpids.begin(), tpids.end()}};
}

void CommandLine::add_other_reads() {
  CLI::App* port = group("port", "taps that frames go to");
  command(port, "list", "all taps: their states and counters", list_ports);

  struct Arguments {
    double seconds = 1;
    uint64_t rounds = 0;
    CLI::Option* watch = nullptr;
  };
  const auto watched = std::make_shared<Arguments>();
  CLI::App* stats =
      command(app_.get(), "stats", "counters of members and taps", [watched](const Session& session) {
        if (watched->watch->count() == 0) return show_stats(session, {});
        return show_stats(session, {watched->seconds, watched->rounds});
      });
  watched->watch =
      stats->add_option("--watch", watched->seconds, "show them again each second, or so often, with rates")
          ->type_name("SECONDS")
          ->expected(0, 1)
          ->check(number_between(kShortestWatch, kLongestWatch).description(""));
  stats->add_option("--count", watched->rounds, "end after so many rounds of --watch")
      ->type_name("N")
      ->needs(watched->watch);
  command(app_.get(), "plan", "what a reload would change", show_plan);
}

void CommandLine::add_tune_commands() {
  CLI::App* tune = group("tune", "the knobs of NICs, taps and host, as [tuning] wants them");
  command(tune, "plan", "what 'tune apply' would change, and why", tune_plan);
  const auto dry_run = std::make_shared<bool>(false);
  CLI::App* apply = command(tune, "apply", "change it, and keep it so, over restarts",
                            [dry_run](const Session& session) { return tune_apply(session, *dry_run); });
  apply->add_flag("--dry-run", *dry_run, "only say what would be changed");
  command(tune, "revert", "put back what was there before, unless somebody changed it since", tune_revert);
  const auto seconds = std::make_shared<uint64_t>(kWatchSeconds);
  CLI::App* verify = command(tune, "verify", "whether it is set, and has its effect; status 4 when not",
                             [seconds](const Session& session) {
                               if (*seconds < 1 || *seconds > kLongestEffect)
                                 return complain(session, wrong_seconds(*seconds), kExitUsage);
                               return tune_verify(session, *seconds);
                             });
  add_seconds(*verify, *seconds);

  CLI::App* suggest = tune->add_subcommand("suggest", "what to set, from a trial; nothing is kept changed");
  suggest->footer("");
  struct Trial {
    std::string member;
    uint64_t seconds = kTrialSeconds;
  };
  const auto trial = std::make_shared<Trial>();
  CLI::App* coalesce = command(suggest, "tx-coalesce", "the best tx-usecs under the present load",
                               [trial](const Session& session) {
                                 if (const auto name = InterfaceName::parse(trial->member); !name)
                                   return complain(session, name.error(), kExitUsage);
                                 if (trial->seconds < 1 || trial->seconds > kLongestEffect)
                                   return complain(session, wrong_seconds(trial->seconds), kExitUsage);
                                 return suggest_tx_coalesce(session, trial->member, trial->seconds);
                               });
  values_[coalesce->add_option("MEMBER", trial->member, "the NIC to try it on")->required()] = {
      .live = "members"};
  add_seconds(*coalesce, trial->seconds);
  command(tune, "status", "what is not as it was before xdpfwd", tune_status);
}

void CommandLine::add_napi_commands() {
  CLI::App* napi = group("napi", "how the NICs' queues are polled");
  const auto seconds = std::make_shared<uint64_t>(kWatchSeconds);
  CLI::App* histogram = command(napi, "histogram", "polls of each queue, by how many packets each took",
                                [seconds](const Session& session) {
                                  if (*seconds < 1 || *seconds > kLongestEffect)
                                    return complain(session, wrong_seconds(*seconds), kExitUsage);
                                  return show_polls(session, *seconds);
                                });
  add_seconds(*histogram, *seconds);

  const auto packing = std::make_shared<PackArguments>();
  CLI::App* pack =
      command(napi, "pack", "what mode auto would make of a load: a simulation, without a daemon",
              [packing](const Session& session) { return simulate_packing(session, *packing); });
  std::vector<std::string> traces;
  for (const packer::SyntheticKind& kind : packer::synthetic_kinds()) traces.emplace_back(kind.name);
  values_[pack->add_option("--simulate", packing->trace,
                           fmt::format("the load: {}, or a file of lines time_ms,napi,frames_per_s[,cost_ns]",
                                       fmt::join(traces, ", ")))
              ->required()
              ->type_name("TRACE")] = {.words = traces, .live = {}, .files = true};
  pack->add_option("--queues", packing->queues, "NAPI instances")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  pack->add_option("--cpus", packing->cpus, "of the host")->check(CLI::Range(1, 4096))->capture_default_str();
  pack->add_option("--guests", packing->guests, "of a load that is not a file")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
  pack->add_option("--load", packing->load, "percent of the CPUs that one CPU a queue would take")
      ->check(number_between(0.1, 100.0))
      ->capture_default_str();
  pack->add_option("--seconds", packing->seconds, "of a load that is not a file; otherwise its own")
      ->check(CLI::Range(1, 86'400));
  pack->add_option("--target", packing->target, "percent that CPUs are filled to")
      ->check(number_between(1.0, 100.0))
      ->capture_default_str();
  pack->add_option("--mark", packing->mark,
                   "percent above which a CPU is relieved; otherwise 5 above --target")
      ->check(number_between(1.0, 100.0));
  pack->add_option("--seed", packing->seed, "of chance")->check(number_without_sign())->capture_default_str();

  const auto recording = std::make_shared<RecordArguments>();
  CLI::App* record =
      command(napi, "record", "the load of each NAPI instance in mode auto, for 'pack --simulate'",
              [recording](const Session& session) { return record_load(session, *recording); });
  record->add_option("--seconds", recording->seconds, "how long")
      ->check(CLI::Range(uint64_t{1}, kLongestRecording))
      ->capture_default_str();
  record->add_option("--every", recording->every_seconds, "seconds from one sample to the next")
      ->check(number_between(0.1, 60.0))
      ->capture_default_str();

  const auto mode = std::make_shared<std::string>();
  CLI::App* set =
      command(napi, "set", "another mode, until the next reload or start", [mode](const Session& session) {
        if (*mode == "as-configured") return set_napi(session, std::nullopt);
        if (const auto wish = parse_napi_wish(*mode); !wish)
          return complain(session, wish.error(), kExitUsage);
        return set_napi(session, *mode);
      });
  values_[set->add_option("MODE", *mode,
                          "as tuning.napi: \"auto\", \"softirq, 0-1 threaded\"; or as-configured")
              ->required()] = {
      .words = {"softirq", "deferred", "threaded", "busy-poll", "auto", "keep", "as-configured"}};
  command(napi, "status", "who runs each NAPI instance, where, and how much", napi_status);
}

void CommandLine::add_doctor() {
  const auto file = std::make_shared<std::string>();
  CLI::App* doctor = command(app_.get(), "doctor",
                             "what of this host is good and bad for forwarding, and what to do about it",
                             [file](const Session& session) { return run_doctor(session, *file); });
  doctor->footer(
      "It asks the daemon if one answers, and reads the rest itself: run it as root.\n"
      "Exit status: 0 all pass; 1 warnings; 2 failures.");
  values_[doctor->add_option("--config", *file, "configuration file; otherwise the daemon's, or the default")
              ->type_name("PATH")] = {.words = {}, .live = {}, .files = true};
}

void CommandLine::add_other_writes() {
  command(app_.get(), "reload", "read the configuration again and apply it, all or nothing",
          [](const Session& session) { return reload(session); });

  struct Arguments {
    std::vector<std::string> members;
    bool all = false;
  };
  const auto what = std::make_shared<Arguments>();
  CLI::App* detached =
      command(app_.get(), "detach", "stop forwarding on members", [what](const Session& session) {
        if (what->all == !what->members.empty())
          return complain(session,
                          {what->all ? "--all cannot be together with members" : "which members?",
                           "name them, or say --all", 0},
                          kExitUsage);
        for (const std::string& member : what->members)
          if (const auto name = InterfaceName::parse(member); !name)
            return complain(session, name.error(), kExitUsage);
        return detach(session, what->members, what->all);
      });
  values_[detached->add_option("MEMBER", what->members, "NICs that the program is taken off")] = {
      .live = "members"};
  detached->add_flag("--all", what->all, "off all of them, and remove everything that is pinned");
}

void CommandLine::add_words() {
  struct Explained {
    std::string word;
    bool scdoc = false;
  };
  const auto explained = std::make_shared<Explained>();
  CLI::App* explains =
      command(app_.get(), "explain", "what a key of the configuration, a counter or a state means",
              [explained](const Session& session) {
                if (!explained->scdoc) return explain_word(session, explained->word);
                fmt::print(session.out, "{}", options_scdoc());
                return static_cast<int>(kExitGood);
              });
  values_[explains->add_option("OPTION", explained->word, "as in uplink.devices; without it, all keys")] = {
      .words = explained_words()};
  explains->add_flag("--scdoc", explained->scdoc, "for the manual page")->group("");
  command(app_.get(), "version", "versions of xdpctl and of the daemon", show_version);

  const auto shell = std::make_shared<std::string>();
  CLI::App* completion =
      command(app_.get(), "completion", "print a completion script", [this, shell](const Session& session) {
        if (*shell != "bash" && *shell != "zsh")
          return complain(session,
                          {fmt::format("there is no completion for '{}'", *shell), "write bash or zsh", 0},
                          kExitUsage);
        fmt::print(session.out, "{}", *shell == "bash" ? bash_completion(*this) : zsh_completion(*this));
        return static_cast<int>(kExitGood);
      });
  values_[completion->add_option("SHELL", *shell, "bash or zsh")->required()] = {.words = {"bash", "zsh"}};

  const auto kind = std::make_shared<std::string>();
  CLI::App* names = command(app_.get(), "complete-names", "names that the daemon knows, for completion",
                            [kind](const Session& session) { return complete_names(session, *kind); });
  names->group("");
  names->add_option("KIND", *kind, "guests or members")->required();
}

int CommandLine::run(const std::vector<std::string>& arguments, Session session) {
  if (const auto wrong = diagnose(*app_, arguments)) return complain(session, *wrong, kExitUsage);
  // CLI11 tells by exceptions; they end here.
  try {
    app_->parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::CallForHelp&) {
    fmt::print(session.out, "{}", app_->help());
    return kExitGood;
  } catch (const CLI::CallForVersion& version) {
    fmt::print(session.out, "{}\n", version.what());
    return kExitGood;
  } catch (const CLI::ParseError& error) {
    return complain(session, {error.what(), "see --help", 0}, kExitUsage);
  }
  session.socket = socket_.empty() ? default_socket() : socket_;
  session.json = json_;
  return chosen_(session);
}

}  // namespace xdpfwd
