// SPDX-License-Identifier: BSD-2-Clause
// xdpctl as its user sees it: every output against its golden file, every kind of failure with its exit
// status.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <fstream>

#include "base/version.h"
#include "core/options.h"
#include "ctl/command_line.h"
#include "ctl/explain.h"
#include "ctl/help.h"
#include "ctl/quantity.h"
#include "ctl/render.h"
#include "ctl/text_table.h"
#include "support/golden.h"
#include "support/run_xdpctl.h"
#include "support/scratch_directory.h"
#include "support/served_control.h"

namespace xdpfwd {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

using Words = std::vector<std::string>;

std::string file_name(const Words& words) {
  std::string name;
  for (const std::string& word : words)
    name += (name.empty() ? "" : "-") + word.substr(word.find_first_not_of('-'));
  for (char& c : name)
    if (c == ':' || c == '/') c = '_';
  return name;
}

// The version changes with each release, and nothing else should.
std::string without_version(std::string text) {
  for (size_t at = 0; (at = text.find(kVersion, at)) != std::string::npos;)
    text.replace(at, std::strlen(kVersion), "VERSION");
  return text;
}

class XdpctlTest : public testing::Test {
 protected:
  Ran run(Words words, Session session = {}) {
    words.insert(words.begin(), {"--socket", path});
    return run_xdpctl(words, session);
  }

  ScratchDirectory directory;
  std::string path = directory / "control.sock";
};

// ---- golden files
// --------------------------------------------------------------------------------------------

TEST_F(XdpctlTest, shows_what_the_daemon_tells) {
  Served served(path);
  for (const Words& words : {Words{"status"},
                             {"guest", "list"},
                             {"fdb", "list"},
                             {"fdb", "lookup", "100", "52:54:00:00:00:01"},
                             {"port", "list"},
                             {"stats"},
                             {"plan"},
                             {"tune", "plan"},
                             {"tune", "status"},
                             {"napi", "histogram"},
                             {"napi", "status"},
                             {"version"}}) {
    const Ran people = run(words);
    EXPECT_EQ(people.status, kExitGood) << people.err;
    EXPECT_EQ(people.err, "");
    expect_golden(file_name(words) + ".txt", without_version(people.out));
    Words as_json = words;
    as_json.emplace_back("--json");
    const Ran scripts = run(as_json);
    EXPECT_EQ(scripts.status, kExitGood) << scripts.err;
    EXPECT_TRUE(parse_json(scripts.out)) << scripts.out;
    expect_golden(file_name(words) + ".json", without_version(scripts.out));
  }
}

TEST_F(XdpctlTest, verifies_and_suggests) {
  Served served(path);
  const auto shows = [&](Words words, int status) {
    const std::string file = file_name({words.begin(), words.begin() + (words[1] == "suggest" ? 3 : 2)});
    const Ran people = run(words);
    EXPECT_EQ(people.status, status) << people.err;
    expect_golden(file + ".txt", people.out);
    words.emplace_back("--json");
    const Ran scripts = run(words);
    EXPECT_EQ(scripts.status, status) << scripts.err;
    expect_golden(file + ".json", scripts.out);
  };
  shows({"tune", "verify", "--seconds", "7"}, kExitDegraded);
  EXPECT_EQ(served.control.watched_seconds, 7U);
  served.control.verified.findings.pop_back();  // the failure
  EXPECT_EQ(run({"tune", "verify"}).status, kExitGood);
  shows({"tune", "suggest", "tx-coalesce", "eth0", "--seconds", "2"}, kExitGood);
  EXPECT_EQ(served.control.watched_seconds, 2U);
  for (const Words& words : {Words{"tune", "verify", "--seconds", "61"},
                             {"tune", "suggest", "tx-coalesce", "eth0", "--seconds", "0"},
                             {"napi", "histogram", "--seconds", "61"}}) {
    const Ran ran = run(words);
    EXPECT_EQ(ran.status, kExitUsage);
    EXPECT_THAT(ran.err, HasSubstr("write 1 to 60"));
  }
}

TEST_F(XdpctlTest, adds_a_guest_with_its_profile_and_cpu) {
  Served served(path);
  const Words guest = {"guest", "add", "new", "--tap", "tap9", "--mac", "52:54:00:00:00:99", "--vlan", "7"};
  Words own = guest;
  own.insert(own.end(), {"--profile", "latency", "--cpu", "3"});
  EXPECT_EQ(run(own).status, kExitGood);
  EXPECT_EQ(served.control.guest_list.back().guest.profile, Profile::kLatency);
  EXPECT_EQ(served.control.guest_list.back().guest.cpu, 3U);
  own = guest;
  own.insert(own.end(), {"--profile", "fast"});
  const Ran wrong = run(own);
  EXPECT_EQ(wrong.status, kExitUsage);
  EXPECT_THAT(wrong.err, HasSubstr("--profile"));
}

TEST_F(XdpctlTest, says_what_it_has_done) {
  Served served(path);
  const Words guest = {"guest", "add", "new", "--tap", "tap9", "--mac", "52:54:00:00:00:99", "--vlan", "7"};
  std::string text;
  const auto note = [&](Words words) {
    const Ran ran = run(words);
    EXPECT_EQ(ran.status, kExitGood) << ran.err;
    text += fmt::format("$ xdpctl {}\n{}", fmt::join(words, " "), ran.out);
  };
  Words dry = guest;
  dry.emplace_back("--dry-run");
  note(dry);
  EXPECT_EQ(served.control.guest_list.size(), 3U);
  note(guest);
  note({"guest", "del", "new"});
  Words ephemeral = guest;
  ephemeral.insert(ephemeral.end(), {"--ephemeral", "--trunk", "--tpid", "802.1ad"});
  note(ephemeral);
  EXPECT_EQ(served.control.guest_list.back().source, GuestSource::kEphemeral);
  EXPECT_TRUE(served.control.guest_list.back().guest.keep_tag);
  note({"tune", "apply", "--dry-run"});
  EXPECT_EQ(served.control.tunings, 0U);
  note({"tune", "apply"});
  EXPECT_EQ(served.control.tunings, 1U);
  note({"tune", "revert"});
  EXPECT_EQ(served.control.reverts, 1U);
  note({"reload"});
  note({"detach", "eth0", "eth1"});
  note({"detach", "--all"});
  note({"reload", "--json"});
  expect_golden("writes.txt", text);
}

TEST_F(XdpctlTest, explains_every_word_it_knows) {
  std::string text = run_xdpctl({"explain"}).out;
  for (const std::string& word : explained_words()) {
    const Ran ran = run_xdpctl({"explain", word});
    EXPECT_EQ(ran.status, kExitGood);
    text += fmt::format("\n$ xdpctl explain {}\n{}", word, ran.out);
  }
  expect_golden("explain.txt", text);
  expect_golden("explain.json", run_xdpctl({"explain", "--json"}).out);
  expect_golden("explain.scd", run_xdpctl({"explain", "--scdoc"}).out);
  for (const Option& option : options()) {
    EXPECT_THAT(run_xdpctl({"explain", option.path()}).out, HasSubstr(std::string(option.help)));
    EXPECT_THAT(run_xdpctl({"explain", std::string(option.key)}).out, HasSubstr(option.path()));
  }
  const Ran unknown = run_xdpctl({"explain", "uplink.device"});
  EXPECT_EQ(unknown.status, kExitUsage);
  EXPECT_THAT(unknown.err, HasSubstr("did you mean 'uplink.devices'?"));
}

TEST_F(XdpctlTest, helps_with_every_command) {
  const CommandLine line;
  std::string text;
  std::vector<const CLI::App*> left = {&line.app()};
  while (!left.empty()) {
    const CLI::App* app = left.front();
    left.erase(left.begin());
    const auto below = visible_commands(*app);
    left.insert(left.begin(), below.begin(), below.end());
    Words words;
    for (const CLI::App* at = app; at->get_parent(); at = at->get_parent())
      words.insert(words.begin(), at->get_name());
    words.emplace_back("--help");
    const Ran ran = run_xdpctl(words);
    EXPECT_EQ(ran.status, kExitGood) << ran.err;
    text += fmt::format("$ xdpctl {}\n{}\n", fmt::join(words, " "), ran.out);
    for (const CLI::Option* option : app->get_options())
      EXPECT_NE(option->get_description(), "") << option->get_name();
    EXPECT_NE(app->get_description(), "");
  }
  expect_golden("help.txt", text);
}

TEST_F(XdpctlTest, writes_completion_scripts) {
  for (const std::string shell : {"bash", "zsh"}) {
    const Ran ran = run_xdpctl({"completion", shell});
    EXPECT_EQ(ran.status, kExitGood);
    expect_golden("completion." + shell, ran.out);
  }
  EXPECT_EQ(run_xdpctl({"completion", "fish"}).status, kExitUsage);
}

TEST_F(XdpctlTest, colours_only_where_they_are_wanted) {
  Served served(path);
  Session session;
  session.colour = true;
  expect_golden("status-colour.txt", without_version(run({"status"}, session).out));
  EXPECT_THAT(run({"status", "--json"}, session).out, testing::Not(HasSubstr("\033")));
}

TEST_F(XdpctlTest, watches_with_rates) {
  expect_golden("stats-rates.txt",
                render_stats(sample_stats(4), &*std::make_unique<StatsReport>(sample_stats(2)), {}));
  Served served(path);
  const Ran people = run({"stats", "--watch", "0.1", "--count", "2"});
  EXPECT_EQ(people.status, kExitGood) << people.err;
  EXPECT_THAT(people.out, HasSubstr("PACKETS/S"));
  const Ran scripts = run({"stats", "--json", "--count", "3", "--watch", "0.1"});
  EXPECT_EQ(std::ranges::count(scripts.out, '\n'), 3) << "one line for each look";
  for (const char* seconds : {"0", "86401", "nan", "inf", "1s"})
    EXPECT_EQ(run({"stats", "--watch", seconds, "--count", "1"}).status, kExitUsage) << seconds;
  EXPECT_EQ(run({"stats", "--count", "3"}).status, kExitUsage);
}

TEST_F(XdpctlTest, shows_empty_lists_as_such) {
  Served served(path);
  served.control.guest_list.clear();
  EXPECT_EQ(run({"guest", "list"}).out, "no guests\n");
  EXPECT_EQ(run({"guest", "list", "--json"}).out, "{\"guests\":[]}\n");
  EXPECT_EQ(render_ports({}, {}), "no taps\n");
  EXPECT_EQ(render_plan({}, {}), "nothing would change\n");
}

TEST_F(XdpctlTest, records_loads_that_the_simulation_takes) {
  Served served(path);
  const Ran recorded = run({"napi", "record", "--seconds", "1", "--every", "0.5"});
  ASSERT_EQ(recorded.status, kExitGood) << recorded.err;
  EXPECT_EQ(std::ranges::count(recorded.out, '\n'), 8) << "title, four names, three samples of one:\n"
                                                       << recorded.out;
  const std::string file = directory.path() + "/trace";
  std::ofstream(file) << recorded.out;
  EXPECT_EQ(run({"napi", "pack", "--simulate", file}).status, kExitGood);
  const auto json = parse_json(run({"napi", "record", "--seconds", "1", "--every", "1", "--json"}).out);
  ASSERT_TRUE(json);
  ASSERT_EQ((*json)["loads"].size(), 2U);
  EXPECT_EQ((*json)["loads"][0]["counted"], true);
  EXPECT_EQ(run({"napi", "record", "--seconds", "0"}).status, kExitUsage);
  for (const char* seconds : {"0.05", "61", "nan", "inf", "1s"})
    EXPECT_EQ(run({"napi", "record", "--seconds", "1", "--every", seconds}).status, kExitUsage) << seconds;
  const Ran too_many = run({"napi", "record", "--seconds", "86400"});
  EXPECT_EQ(too_many.status, kExitUsage);
  EXPECT_THAT(too_many.err, HasSubstr("give a longer --every"));
}

TEST_F(XdpctlTest, a_seed_has_no_sign_and_64_bits) {
  const auto pack = [&](const char* seed) {
    return run({"napi", "pack", "--simulate", "steady", "--queues", "2", "--cpus", "2", "--guests", "2",
                "--seconds", "1", "--seed", seed});
  };
  EXPECT_EQ(pack("18446744073709551615").status, kExitGood);
  for (const char* seed : {"-1", "+1", "18446744073709551616", "1x"}) {
    const Ran refused = pack(seed);
    EXPECT_EQ(refused.status, kExitUsage) << seed;
    EXPECT_THAT(refused.err, HasSubstr(std::string(seed) + " is no whole number from 0 to"));
  }
}

// The signal comes with the second sample.
class XdpctlRecordTest : public XdpctlTest {
 protected:
  Ran record(const Words& options, int signal) {
    unsigned samples = 0;
    Served served(path);
    served.control.on_napi_status = [&, recorder = ::pthread_self()](NapiStatusReport&) {
      if (++samples == 2) ::pthread_kill(recorder, signal);
    };
    Words words = {"napi", "record"};
    words.insert(words.end(), options.begin(), options.end());
    return run(words);
  }
};

TEST_F(XdpctlRecordTest, an_interrupted_one_keeps_what_was_recorded_until_then) {
  for (const auto& [signal, name] : {std::pair(SIGINT, "INT"), {SIGTERM, "TERM"}, {SIGHUP, "HUP"}}) {
    const Ran recorded = record({"--seconds", "600", "--every", "0.1"}, signal);
    EXPECT_EQ(recorded.status, 128 + signal);
    EXPECT_THAT(recorded.err,
                AllOf(HasSubstr(fmt::format("ended by SIG{} after 0.", name)), HasSubstr(" of 600 s")));
    EXPECT_EQ(std::ranges::count(recorded.out, '\n'), 8) << "title, four names, three samples of one:\n"
                                                         << recorded.out;
    const std::string file = directory / "trace";
    std::ofstream(file) << recorded.out;
    EXPECT_EQ(run({"napi", "pack", "--simulate", file}).status, kExitGood);
  }
  sigset_t blocked;
  ASSERT_EQ(::pthread_sigmask(SIG_SETMASK, nullptr, &blocked), 0);
  EXPECT_EQ(::sigismember(&blocked, SIGINT), 0) << "it is as it was";
}

TEST_F(XdpctlRecordTest, a_signal_that_is_ignored_does_not_end_it) {
  struct sigaction ignored{}, before{};
  ignored.sa_handler = SIG_IGN;
  ASSERT_EQ(::sigaction(SIGHUP, &ignored, &before), 0);
  const Ran recorded = record({"--seconds", "1", "--every", "0.5"}, SIGHUP);
  ASSERT_EQ(::sigaction(SIGHUP, &before, nullptr), 0);
  EXPECT_EQ(recorded.status, kExitGood) << recorded.err;
  EXPECT_EQ(recorded.err, "");
}

TEST_F(XdpctlRecordTest, goes_on_when_nothing_is_sampled_for_a_while) {
  unsigned samples = 0;
  Served served(path);
  served.control.on_napi_status = [&](NapiStatusReport& report) {
    if (++samples == 2)
      for (NapiReport& napi : report.napis) napi.ran.reset();
  };
  const Ran recorded = run({"napi", "record", "--seconds", "1", "--every", "0.5"});
  EXPECT_EQ(recorded.status, kExitGood) << recorded.err;
  EXPECT_EQ(samples, 3U);
  EXPECT_THAT(recorded.out, HasSubstr(",0,")) << "in that time it took nothing";
}

TEST_F(XdpctlTest, joins_a_list_that_comes_in_pieces) {
  Served served(path);
  served.control.made_up_rows = 5000;
  const Ran people = run({"fdb", "list"});
  EXPECT_EQ(people.status, kExitGood) << people.err;
  EXPECT_EQ(std::ranges::count(people.out, '\n'), 5001);
  const auto json = parse_json(run({"fdb", "list", "--json"}).out);
  ASSERT_TRUE(json);
  EXPECT_EQ((*json)["rows"].size(), 5000U);
}

// ---- exit status
// ---------------------------------------------------------------------------------------------

TEST_F(XdpctlTest, without_a_daemon_names_the_socket_and_the_remedy) {
  const std::vector<Words> all = {{"status"},
                                  {"guest", "list"},
                                  {"guest", "list", "--json"},
                                  {"guest", "del", "x"},
                                  {"fdb", "list"},
                                  {"fdb", "lookup", "1", "52:54:00:00:00:01"},
                                  {"port", "list"},
                                  {"stats"},
                                  {"plan"},
                                  {"tune", "apply"},
                                  {"napi", "record"},
                                  {"reload"},
                                  {"detach", "--all"},
                                  {"version"}};
  for (const Words& words : all) {
    const Ran ran = run(words);
    EXPECT_EQ(ran.status, kExitUnreachable) << words.front();
    EXPECT_EQ(
        ran.err,
        fmt::format("xdpctl: cannot reach xdpfwd at {}: No such file or directory; is xdpfwd running? "
                    "'systemctl start xdpfwd' starts it; --socket names another socket (control.socket)\n",
                    path));
  }
  EXPECT_THAT(run({"version"}).out, StartsWith("xdpctl ")) << "what can be said is said";
  EXPECT_EQ(run_xdpctl({"--socket", std::string(200, 'x'), "status"}).status, kExitUnreachable);
}

TEST_F(XdpctlTest, what_answers_but_is_no_daemon_is_told_apart) {
  const UniqueFd listening(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(listening.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  ASSERT_EQ(::listen(listening.get(), 5), 0);
  std::thread other([&] {
    for (const std::string_view answer : {std::string_view("hello\0", 6), std::string_view()}) {
      const UniqueFd client(::accept(listening.get(), nullptr, nullptr));
      std::array<char, 1000> question;
      static_cast<void>(::read(client.get(), question.data(), question.size()));
      static_cast<void>(::write(client.get(), answer.data(), answer.size()));
    }
  });
  const Ran noise = run({"status"});
  EXPECT_EQ(noise.status, kExitUnreachable);
  EXPECT_THAT(noise.err, HasSubstr("is not xdpfwd"));
  const Ran gone = run({"status"});
  EXPECT_EQ(gone.status, kExitUnreachable);
  EXPECT_THAT(gone.err, HasSubstr("ended the connection"));
  other.join();
}

TEST_F(XdpctlTest, a_refusal_is_told_with_its_remedy) {
  Served served(path);
  served.control.failure =
      Error{"/etc/xdpfwd/xdpfwd.toml:7:1: unknown key 'vlam' in [[guest]]", "did you mean 'vlan'?", 0};
  const Ran ran = run({"reload"});
  EXPECT_EQ(ran.status, kExitRefused);
  EXPECT_EQ(ran.out, "");
  EXPECT_EQ(ran.err,
            "xdpctl: /etc/xdpfwd/xdpfwd.toml:7:1: unknown key 'vlam' in [[guest]]; did you mean 'vlan'?\n");
  EXPECT_EQ(run({"fdb", "lookup", "7", "52:54:00:00:00:01"}).status, kExitRefused);
}

TEST_F(XdpctlTest, status_checks_when_asked_to) {
  Served served(path);
  EXPECT_EQ(run({"status"}).status, kExitGood);
  EXPECT_EQ(run({"status", "--check"}).status, kExitDegraded);
  EXPECT_EQ(run({"status", "--check", "--json"}).status, kExitDegraded);
}

TEST_F(XdpctlTest, wrong_usage_is_told_before_anybody_is_asked) {
  struct Wrong {
    Words words;
    std::string says;
  };
  const Words add = {"guest", "add", "x", "--tap", "tap1", "--vlan", "1", "--mac"};
  for (const Wrong& wrong : std::vector<Wrong>{
           {{}, "'xdpctl' needs a command; one of: status, guest"},
           {{"guest"}, "'xdpctl guest' needs a command; one of: add, del, list"},
           {{"stauts"}, "'xdpctl' has no command 'stauts'; did you mean 'status'?"},
           {{"guest", "lsit"}, "'xdpctl guest' has no command 'lsit'; did you mean 'list'?"},
           {{"frobnicate"}, "'xdpctl' has no command 'frobnicate'; commands: status, guest"},
           {{"status", "--jsn"}, "'xdpctl status' has no option '--jsn'; did you mean '--json'?"},
           {{"guest", "add", "x", "--tpd=1"},
            "'xdpctl guest add' has no option '--tpd'; did you mean '--tpid'?"},
           {{"status", "-x"}, "'xdpctl status' has no option '-x'; see 'xdpctl status --help'"},
           {{"status", "now"}, "now"},
           {{"guest", "add", "x"}, "--tap"},
           {{"guest", "del"}, "NAME"},
           {{"guest", "add", "a b", "--tap", "t", "--mac", "52:54:00:00:00:01", "--vlan", "1"},
            "not a guest name"},
           {{"guest", "add", "x", "--tap", "a/b", "--mac", "52:54:00:00:00:01", "--vlan", "1"},
            "--tap: 'a/b' is not an interface name"},
           {{"guest", "add", "x", "--tap", "t", "--mac", "52:54:00:00:00:01", "--vlan", "4095"},
            "--vlan: VLAN 4095"},
           {{"guest", "add", "x", "--tap", "t", "--mac", "52:54:00:00:00:01", "--vlan", "1x"},
            "--vlan: '1x' is not a VLAN"},
           {{"guest", "add", "x", "--tap", "t", "--mac", "52:54:00:00:00:01", "--vlan", "1", "--tpid",
             "802.1a"},
            "did you mean '802.1q'?"},
           {{add[0], add[1], add[2], add[3], add[4], add[5], add[6], add[7], "ff:ff:ff:ff:ff:ff"},
            "--mac: ff:ff"},
           {{"fdb", "lookup", "4095", "52:54:00:00:00:01"}, "VLAN 4095 does not exist"},
           {{"fdb", "lookup", "1", "52:54"}, "'52:54' is not a MAC address"},
           {{"detach"}, "which members?; name them, or say --all"},
           {{"detach", "eth0", "--all"}, "--all cannot be together with members"},
           {{"detach", "a/b"}, "not an interface name"},
       }) {
    const Ran ran = run(wrong.words);
    EXPECT_EQ(ran.status, kExitUsage) << ran.err;
    EXPECT_THAT(ran.err, AllOf(StartsWith("xdpctl: "), HasSubstr(wrong.says)));
    EXPECT_EQ(ran.out, "");
  }
}

TEST_F(XdpctlTest, values_may_be_given_in_several_ways) {
  Served served(path);
  const Ran ran = run({"guest", "add", "--mac", "52:54:00:00:00:91,52:54:00:00:00:92",
                       "--mac=52:54:00:00:00:93", "--vlan", "1,2", "--tap=t", "new", "--vlan", "untagged"});
  ASSERT_EQ(ran.status, kExitGood) << ran.err;
  const Guest& guest = served.control.guest_list.back().guest;
  EXPECT_EQ(guest.name, "new");
  EXPECT_EQ(guest.macs.size(), 3U);
  EXPECT_THAT(guest.vlans, ElementsAre(*VlanTag::make(1), *VlanTag::make(2), VlanTag()));
  const Ran shown = run({"fdb", "lookup", "ad:100", "52:54:00:00:00:02"});
  EXPECT_THAT(shown.out, HasSubstr("ad:100    52:54:00:00:00:02  tap2"))
      << "what a table shows can be asked for";
  // The general options may stand anywhere; the environment may name the socket.
  EXPECT_EQ(run_xdpctl({"guest", "list", "--socket", path, "--json"}).status, kExitGood);
  ASSERT_EQ(::setenv("XDPFWD_SOCKET", path.c_str(), 1), 0);
  EXPECT_EQ(run_xdpctl({"guest", "list"}).status, kExitGood);
  ::unsetenv("XDPFWD_SOCKET");
}

TEST_F(XdpctlTest, completes_names_that_the_daemon_knows_and_is_silent_without_one) {
  EXPECT_EQ(run({"complete-names", "guests"}).out, "");
  EXPECT_EQ(run({"complete-names", "guests"}).status, kExitGood);
  Served served(path);
  EXPECT_EQ(run({"complete-names", "guests"}).out, "vm2\nvm3\n") << "guests of the files cannot be deleted";
  EXPECT_EQ(run({"complete-names", "members"}).out, "eth0\neth1\n");
}

// ---- pieces
// --------------------------------------------------------------------------------------------------

TEST(Quantity, is_text_for_people) {
  EXPECT_EQ(count_text(0), "0");
  EXPECT_EQ(count_text(999), "999");
  EXPECT_EQ(count_text(1000), "1,000");
  EXPECT_EQ(count_text(UINT64_MAX), "18,446,744,073,709,551,615");
  EXPECT_EQ(counted(1, "row"), "1 row");
  EXPECT_EQ(counted(0, "row"), "0 rows");
  EXPECT_EQ(duration_text(0), "0 s");
  EXPECT_EQ(duration_text(59'999), "59 s");
  EXPECT_EQ(duration_text(3'600'000), "1 h 0 min");
  EXPECT_EQ(duration_text(90'061'000), "1 d 1 h");
  EXPECT_EQ(bytes_text(1023), "1023 B");
  EXPECT_EQ(bytes_text(1024), "1.00 KiB");
  EXPECT_EQ(bytes_text(UINT64_MAX), "16777216 TiB");
  EXPECT_EQ(bit_rate_text(2'048'000'000), "2.05 Gbit/s");
}

TEST(TextTable, aligns_by_characters_and_leaves_no_spaces_at_the_end) {
  TextTable table({{"A"}, {"B", TextTable::Align::kRight}, {"C"}});
  table.add({"ü", "1", ""});
  table.add({"long", "1,000", "x"});
  EXPECT_EQ(table.text(false),
            "A         B  C\n"
            "ü         1\n"
            "long  1,000  x\n");
}

TEST(Render, a_counter_that_went_back_has_no_rate) {
  const StatsReport before = sample_stats(100);
  const std::string text = render_stats(sample_stats(0), &before, {});
  EXPECT_THAT(text, testing::Not(HasSubstr("18,446")));
}

}  // namespace
}  // namespace xdpfwd
