// SPDX-License-Identifier: BSD-2-Clause
#include "ctl/commands.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/version.h"
#include "core/effect_json.h"
#include "core/guest_fields.h"
#include "core/guest_json.h"
#include "core/napi_json.h"
#include "core/report_json.h"
#include "core/report_names.h"
#include "ctl/client.h"
#include "ctl/explain.h"
#include "ctl/render.h"
#include "ctl/render_effect.h"
#include "ctl/render_napi.h"

namespace xdpfwd {
namespace {

void print(const Session& session, std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), session.out);
}

void print_json(const Session& session, const Json& json) {
  print(session, json.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

int complain(const Session& session, const AskError& refused) {
  return complain(session, refused.error, refused.unreachable ? kExitUnreachable : kExitRefused);
}

Style style_of(const Session& session) {
  return {.colour = session.colour};
}

Asked<Json> ask_once(const Session& session, std::string_view method, Json parameters = Json::object(),
                     std::chrono::seconds patience = Client::kPatience) {
  auto client = Client::connect(session.socket, patience);
  if (!client) return std::unexpected(std::move(client).error());
  return client->ask(method, std::move(parameters));
}

// Asks, and shows the answer as it is or, for people, read and rendered.
template <typename Report>
int show(const Session& session, std::string_view method, Result<Report> (*read)(const Json&),
         std::string (*render)(const Report&, Style), Json parameters = Json::object(),
         std::chrono::seconds patience = Client::kPatienceForWork) {
  const auto answer = ask_once(session, method, std::move(parameters), patience);
  if (!answer) return complain(session, answer.error());
  if (session.json) {
    print_json(session, *answer);
    return kExitGood;
  }
  const auto report = read(*answer);
  if (!report) return complain(session, report.error(), kExitRefused);
  print(session, render(*report, style_of(session)));
  return kExitGood;
}

int show_tuning(const Session& session, std::string_view method, Json parameters, std::string_view heading) {
  const auto answer = ask_once(session, method, std::move(parameters), Client::kPatienceForWork);
  if (!answer) return complain(session, answer.error());
  if (session.json) {
    print_json(session, *answer);
    return kExitGood;
  }
  const auto report = read_tuning(*answer);
  if (!report) return complain(session, report.error(), kExitRefused);
  print(session, render_tuning(*report, heading, style_of(session)));
  return kExitGood;
}

// A list in one or several replies. As JSON it is one object again, written as its parts come.
class ListPrinter {
 public:
  ListPrinter(const Session& session, std::string_view key) : session_(session), key_(key) {}

  void begin() { print(session_, fmt::format("{{\"{}\":[", key_)); }
  Result<void> part(const Json& parameters) {
    const auto list = parameters.find(key_);
    if (list == parameters.end() || !list->is_array())
      return fail(fmt::format("the daemon's answer has no {}", key_));
    for (const Json& entry : *list) {
      if (!first_) print(session_, ",");
      first_ = false;
      print(session_, entry.dump(-1, ' ', false, Json::error_handler_t::replace));
    }
    return {};
  }
  void end() { print(session_, "]}\n"); }

 private:
  const Session& session_;
  std::string_view key_;
  bool first_ = true;
};

int list_as_json(const Session& session, std::string_view method, std::string_view key) {
  auto client = Client::connect(session.socket);
  if (!client) return complain(session, client.error());
  ListPrinter printer(session, key);
  bool begun = false;
  const auto done = client->ask_more(method, [&](const Json& parameters) {
    if (!begun) printer.begin();
    begun = true;
    return printer.part(parameters);
  });
  if (!done) return complain(session, done.error());
  printer.end();
  return kExitGood;
}

// For people, columns are as wide as the widest entry: the list is read to its end first.
template <typename Entry>
int list_whole(const Session& session, std::string_view method, std::string_view key,
               Result<std::vector<Entry>> (*read)(const Json&),
               std::string (*render)(const std::vector<Entry>&, Style)) {
  if (session.json) return list_as_json(session, method, key);
  auto client = Client::connect(session.socket);
  if (!client) return complain(session, client.error());
  std::vector<Entry> entries;
  const auto done = client->ask_more(method, [&](const Json& parameters) -> Result<void> {
    auto part = read(parameters);
    if (!part) return std::unexpected(std::move(part).error());
    std::move(part->begin(), part->end(), std::back_inserter(entries));
    return {};
  });
  if (!done) return complain(session, done.error());
  print(session, render(entries, style_of(session)));
  return kExitGood;
}

// A write: nothing to show but that it is done.
int tell(const Session& session, std::string_view method, Json parameters, std::string_view done) {
  const auto answer = ask_once(session, method, std::move(parameters), Client::kPatienceForWork);
  if (!answer) return complain(session, answer.error());
  if (session.json)
    print_json(session, *answer);
  else
    print(session, fmt::format("{}\n", done));
  return kExitGood;
}

}  // namespace

int complain(const Session& session, const Error& error, int status) {
  std::fflush(session.out);
  fmt::print(session.err, "xdpctl: {}\n", error.text());
  return status;
}

int show_status(const Session& session, bool check) {
  const auto answer = ask_once(session, "GetStatus");
  if (!answer) return complain(session, answer.error());
  const auto status = read_status(*answer);
  if (!status) return complain(session, status.error(), kExitRefused);
  if (session.json)
    print_json(session, *answer);
  else
    print(session, render_status(*status, style_of(session)));
  return check && status->state != "forwarding" ? kExitDegraded : kExitGood;
}

int list_guests(const Session& session) {
  return list_whole<GuestReport>(session, "ListGuests", "guests", read_guests, render_guests);
}

int list_ports(const Session& session) {
  return list_whole<PortReport>(session, "ListPorts", "ports", read_ports, render_ports);
}

int add_guest(const Session& session, const Guest& guest, bool ephemeral, bool dry_run) {
  Json parameters = to_json(guest);
  if (ephemeral) parameters["ephemeral"] = true;
  if (dry_run) parameters["dry_run"] = true;
  return tell(session, "AddGuest", std::move(parameters),
              dry_run
                  ? fmt::format("guest '{}' could be added", guest.name)
                  : fmt::format("guest '{}' added{}", guest.name, ephemeral ? ", until xdpfwd ends" : ""));
}

int delete_guest(const Session& session, const std::string& name) {
  return tell(session, "DeleteGuest", {{"name", name}}, fmt::format("guest '{}' deleted", name));
}

int list_fdb(const Session& session) {
  if (session.json) return list_as_json(session, "ListFdb", "rows");
  auto client = Client::connect(session.socket);
  if (!client) return complain(session, client.error());
  bool titles = true;
  const auto done = client->ask_more("ListFdb", [&](const Json& parameters) -> Result<void> {
    const auto rows = read_fdb(parameters);
    if (!rows) return std::unexpected(rows.error());
    print(session,
          titles && rows->empty() ? "the table is empty\n" : render_fdb(*rows, titles, style_of(session)));
    titles = false;
    return {};
  });
  return done ? kExitGood : complain(session, done.error());
}

int look_up_fdb(const Session& session, VlanTag vlan, MacAddress mac) {
  const auto answer = ask_once(session, "LookupFdb",
                               {{"vlan", vlan.id()}, {"mac", mac.text()}, {"tpid", tpid_text(vlan.tpid())}});
  if (!answer) return complain(session, answer.error());
  if (session.json) {
    print_json(session, *answer);
    return kExitGood;
  }
  const auto row = read_fdb_row(answer->value("row", Json()));
  if (!row) return complain(session, row.error(), kExitRefused);
  print(session, render_fdb(std::span(&*row, 1), true, style_of(session)));
  return kExitGood;
}

int show_stats(const Session& session, const StatsArguments& arguments) {
  std::optional<StatsReport> before;
  for (uint64_t round = 1;; ++round) {
    // A connection for each look: the daemon drops those that are silent for long.
    const auto answer = ask_once(session, "GetStats");
    if (!answer) return complain(session, answer.error());
    auto now = read_stats(*answer);
    if (!now) return complain(session, now.error(), kExitRefused);
    if (session.json) {
      print_json(session, *answer);
    } else {
      if (session.terminal && arguments.every_seconds)
        print(session, "\033[H\033[2J");
      else if (round > 1)
        print(session, "\n");
      print(session, render_stats(*now, before ? &*before : nullptr, style_of(session)));
    }
    if (!arguments.every_seconds || round == arguments.rounds) return kExitGood;
    // Whoever read us has gone.
    if (std::fflush(session.out) != 0) return kExitRefused;
    before = std::move(*now);
    std::this_thread::sleep_for(std::chrono::duration<double>(*arguments.every_seconds));
  }
}

int show_plan(const Session& session) {
  return show<PlanReport>(session, "Plan", read_plan, render_plan);
}

int tune_plan(const Session& session) {
  return show_tuning(session, "TunePlan", Json::object(), "to be changed");
}

int tune_status(const Session& session) {
  return show_tuning(session, "TuneStatus", Json::object(), "changed by xdpfwd");
}

int tune_apply(const Session& session, bool dry_run) {
  return dry_run ? show_tuning(session, "TuneApply", {{"dry_run", true}}, "to be changed")
                 : show_tuning(session, "TuneApply", Json::object(), "changed");
}

int tune_revert(const Session& session) {
  return show_tuning(session, "TuneRevert", Json::object(), "put back");
}

int show_polls(const Session& session, uint64_t seconds) {
  return show<PollsReport>(session, "WatchPolls", read_polls, render_polls, {{"seconds", seconds}},
                           Client::kPatienceForWork + std::chrono::seconds(seconds));
}

int napi_status(const Session& session) {
  return show<NapiStatusReport>(session, "GetNapi", read_napi_status, render_napi_status);
}

int set_napi(const Session& session, const std::optional<std::string>& mode) {
  return show_tuning(session, "SetNapi", mode ? Json{{"mode", *mode}} : Json::object(), "changed");
}

int tune_verify(const Session& session, uint64_t seconds) {
  const auto answer = ask_once(session, "TuneVerify", {{"seconds", seconds}},
                               Client::kPatienceForWork + std::chrono::seconds(seconds));
  if (!answer) return complain(session, answer.error());
  const auto report = read_verified(*answer);
  if (!report) return complain(session, report.error(), kExitRefused);
  if (session.json)
    print_json(session, *answer);
  else
    print(session, render_verified(*report, style_of(session)));
  const bool failed =
      std::ranges::find(report->findings, Verdict::kFail, &Finding::verdict) != report->findings.end();
  return failed ? kExitDegraded : kExitGood;
}

int suggest_tx_coalesce(const Session& session, const std::string& member, uint64_t seconds_each) {
  // Eight values at most.
  return show<SuggestReport>(session, "SuggestTxCoalesce", read_suggestion, render_suggestion,
                             {{"member", member}, {"seconds_each", seconds_each}},
                             Client::kPatienceForWork + std::chrono::seconds(8 * seconds_each));
}

int reload(const Session& session) {
  return tell(session, "Reload", Json::object(), "configuration applied");
}

int detach(const Session& session, const std::vector<std::string>& members, bool all) {
  if (all)
    return tell(session, "Detach", {{"all", true}},
                "detached from all members; nothing is forwarded until 'xdpctl reload' or a restart");
  return tell(session, "Detach", {{"members", members}},
              fmt::format("detached from {}, until 'xdpctl reload' or a restart", fmt::join(members, ", ")));
}

int explain_word(const Session& session, const std::string& word) {
  if (session.json) {
    print_json(session, options_json());
    return kExitGood;
  }
  if (word.empty()) {
    print(session, explain_all());
    return kExitGood;
  }
  const auto text = explain(word);
  if (!text) return complain(session, text.error(), kExitUsage);
  print(session, *text);
  return kExitGood;
}

int show_version(const Session& session) {
  const auto answer = ask_once(session, "GetVersion");
  Json json = answer ? *answer : Json::object();
  if (session.json) {
    Json both = {{"xdpctl", kVersion}};
    if (answer) both.update({{"xdpfwd", json.value("version", Json())}, {"abi", json.value("abi", Json())}});
    print_json(session, both);
  } else {
    print(session, fmt::format("xdpctl {}\n", kVersion));
    if (answer) {
      JsonReader reader(json, "");
      const std::string version = reader.text("version");
      const int64_t abi = reader.integer("abi");
      if (auto read = reader.finish(); !read) return complain(session, read.error(), kExitRefused);
      print(session, fmt::format("xdpfwd {} (ABI {})\n", version, abi));
    }
  }
  return answer ? kExitGood : complain(session, answer.error());
}

int complete_names(const Session& session, const std::string& kind) {
  // Nobody waits for long at a key press.
  auto client = Client::connect(session.socket, std::chrono::milliseconds(500));
  if (!client) return kExitGood;
  const auto names = [&](const Json& parameters, std::string_view list) -> Result<void> {
    const auto entries = parameters.find(list);
    if (entries == parameters.end() || !entries->is_array()) return {};
    for (const Json& entry : *entries)
      if (entry.is_object() && entry.contains("name") && entry["name"].is_string() &&
          entry.value("source", "control") != "file")
        print(session, entry["name"].get<std::string>() + "\n");
    return {};
  };
  if (kind == "guests") {
    static_cast<void>(
        client->ask_more("ListGuests", [&](const Json& parameters) { return names(parameters, "guests"); }));
  } else if (kind == "members") {
    if (const auto status = client->ask("GetStatus")) static_cast<void>(names(*status, "members"));
  }
  return kExitGood;
}

}  // namespace xdpfwd
