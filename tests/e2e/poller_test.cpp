// SPDX-License-Identifier: BSD-2-Clause
// The busy poller on a real veth with the real forwarding program: it forwards in its own context, loses
// nothing when it stops or dies under load, leaves an idle queue alone and takes it again, and follows a NIC
// that is reset, goes and comes back.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <fstream>
#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "daemon_process.h"
#include "most_pps.h"
#include "pktgen/sender.h"
#include "pktgen/tap_receiver.h"
#include "pktgen/verdict.h"
#include "poll_trace.h"
#include "poller/napi_lookup.h"
#include "poller_process.h"
#include "support/sandbox.h"

namespace xdpfwd::test {
namespace {

using namespace std::chrono_literals;
using namespace pktgen;
using nlohmann::json;

template <typename T>
T take(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  return std::move(*result);
}
void take(Result<void> result) {
  if (!result) throw std::runtime_error(result.error().text());
}

constexpr uint32_t kGuests = 4;
const double kMostPps = most_pps(50'000);

class PollerTest : public testing::Test {
 protected:
  void SetUp() override {
    XDPFWD_NEEDS_ROOT();
    if (kernel_is_before(6, 13))
      GTEST_SKIP() << "veth can be polled by a static NAPI id of io_uring alone (Linux 6.13)";
    // No frames but ours: an idle queue is idle.
    run("sysctl -qw net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1");
    add_veth("sw0", "up0");
    receiver_ = take(TapReceiver::start({.cpu = other_cpu()}));
    std::string config = "[uplink]\ndevices = [\"up0\"]\n";
    for (uint32_t i = 0; i < kGuests; ++i) {
      Guest guest{.name = fmt::format("vm{}", i),
                  .tap = fmt::format("tap{}", i),
                  .mac = MacAddress::from_bits(0x525400000000 + i),
                  .vlan = take(VlanTag::make(100))};
      take(receiver_->add_tap({.name = guest.tap, .queue_length = 16384}));
      config += fmt::format("[[guest]]\nname = \"{}\"\ntap = \"{}\"\nmac = \"{}\"\nvlan = {}\n", guest.name,
                            guest.tap, guest.mac.text(), guest.vlan.id());
      guests_.push_back(guest);
    }
    daemon_ = std::make_unique<DaemonProcess>("poller-daemon");
    config_ = config;
    daemon_->write_config(config);
    daemon_->start();
    wait_for_members();
    poller_ = std::make_unique<PollerProcess>("poller");
  }
  void TearDown() override {
    poller_.reset();
    daemon_.reset();
    receiver_.reset();
    for (const char* cable : {"0", "1"}) {
      run_status(fmt::format("ip link del sw{}", cable));
      // A veth that is deleted while a process polls it goes a moment later.
      for (const auto until = std::chrono::steady_clock::now() + 20s;
           ifindex_of(fmt::format("up{}", cable)) != 0 && std::chrono::steady_clock::now() < until;)
        std::this_thread::sleep_for(10ms);
    }
  }
  void wait_for_members() { daemon_->wait_for_ctl("status", fmt::format("{} of {}", kGuests, kGuests), 60s); }

  [[nodiscard]] static std::vector<std::string> polling_up0(std::vector<std::string> more) {
    more.insert(more.end(), {"--cpu", std::to_string(poller_cpu()), "--queue", "up0:0"});
    return more;
  }

  struct Run {
    Verdict verdict;
    double pps = 0;
    uint64_t refused = 0;  // of what was lost: veth's ring was full
    uint64_t unsent = 0;   // so late that they were not sent, as in lossless_test.cpp
  };
  // Sends until `while_sending` returns.
  Run send(double pps, const std::function<void(Sender&)>& while_sending,
           const std::vector<std::string>& devices = {"sw0"}) {
    const StreamSet streams = take(StreamSet::of_guests(
        guests_,
        {.sizes = {64, 512}, .members = static_cast<uint32_t>(devices.size()), .first_id = next_id_}));
    next_id_ = streams.end_id();
    receiver_->expect(streams);
    const uint64_t frames_before = receiver_->frames();
    auto sender =
        take(make_live_sender(streams, {.devices = devices, .pps = pps, .cpu = other_cpu(), .max_late = 64}));
    take(sender->start());
    while_sending(*sender);
    sender->stop();
    const SendReport sent = take(sender->wait());
    receiver_->wait_for_frames(frames_before + sent.sent(), 500ms, 10s);
    Run run{.verdict = judge_run(streams, sent, receiver_->report()),
            .pps = sent.pps(),
            .refused = sent.refused,
            .unsent = sent.unsent};
    // What finds veth's ring full was never on the wire for the sender; here it is lost, as nobody polled in
    // time.
    run.verdict.lost += sent.refused;
    return run;
  }
  static void let_flow(Sender& sender, uint64_t frames) {
    const uint64_t until = sender.frames_done() + frames;
    while (sender.frames_done() < until && !sender.finished()) std::this_thread::sleep_for(5ms);
  }

  // The fair protocol of lossless_test.cpp: a run counts only between two without the event that lost
  // nothing; else, and when veth's ring was full, which only the event does each time, it is repeated at half
  // the rate. At most 10 frames come in the 200 us that the kernel's timer takes, and the ring holds 256: a
  // take-over loses none. `restore` comes before each run.
  void check_taken_over(const std::string& event, const std::function<void()>& restore,
                        const std::function<void(Sender&)>& happen) {
    restore();
    double pps = std::min(send(0, [](Sender& sender) { let_flow(sender, 50'000); }).pps / 2, kMostPps);
    constexpr int kTries = 5;
    for (int attempt = 1; attempt <= kTries; ++attempt, pps /= 2) {
      const auto quiet = [&](Sender& sender) { let_flow(sender, static_cast<uint64_t>(pps / 2)); };
      restore();
      const Run before = send(pps, quiet);
      const Run with_event = send(pps, [&](Sender& sender) {
        let_flow(sender, static_cast<uint64_t>(pps / 5));
        happen(sender);
        let_flow(sender, static_cast<uint64_t>(pps / 5));
      });
      restore();
      const Run after = send(pps, quiet);
      fmt::print(
          "{}: {:.0f} pps, {} frames, {} lost (without the event: {} and {} lost; not sent in time: {}, {} "
          "and {})\n",
          event, with_event.pps, with_event.verdict.sent, with_event.verdict.lost, before.verdict.lost,
          after.verdict.lost, with_event.unsent, before.unsent, after.unsent);
      EXPECT_EQ(
          with_event.verdict.misdelivered + with_event.verdict.corrupted + with_event.verdict.duplicated, 0U)
          << with_event.verdict.text();
      const auto lost_at_rest = before.verdict.lost + after.verdict.lost;
      if (lost_at_rest > 0 && attempt < kTries) continue;
      if (with_event.refused != 0 && with_event.refused == with_event.verdict.lost && attempt < kTries)
        continue;
      ASSERT_EQ(lost_at_rest, 0U) << "this machine loses frames without any event";
      EXPECT_EQ(with_event.verdict.lost, 0U) << with_event.verdict.text() << "\n" << poller_->log();
      return;
    }
  }

  std::unique_ptr<DaemonProcess> daemon_;
  std::unique_ptr<PollerProcess> poller_;
  std::unique_ptr<TapReceiver> receiver_;
  std::vector<Guest> guests_;
  std::string config_;
  uint32_t next_id_ = 1;
};

poller::NapiInstance napi_of_up0() {
  auto lookup = take(poller::NapiLookup::open());
  return take(lookup.find(ifindex_of("up0"), 0));
}

std::string capabilities_of(pid_t pid, const std::string& set) {
  std::ifstream file(fmt::format("/proc/{}/status", pid));
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(set + ":")) return line.substr(line.find_last_not_of("0123456789abcdef") + 1);
  return "?";
}

TEST_F(PollerTest, forwards_in_its_own_context_and_puts_the_deferral_back) {
  const auto before = napi_of_up0().deferral;
  ASSERT_TRUE(before.has_value());
  check_taken_over(
      "polled",
      [&] {
        if (poller_->pid() < 0) poller_->start(polling_up0({"--set-deferral", "--idle-ms", "0"}));
      },
      [](Sender&) {});
  // Each frame is in somebody's poll, and the kernel's tracepoint tells of nearly all: on 6.18, of 110 000 to
  // 156 000 frames that veth had counted and the taps' readers had read, 0 to 229 were in polls that no
  // program on it saw, neither ours nor another one, and ours had missed no call. The counters are written
  // down every 10 ms, later where the poller waits for its CPU.
  const auto polled = [](const json& queue) {
    return queue["own_packets"].get<uint64_t>() + queue["other_packets"].get<uint64_t>();
  };
  EXPECT_TRUE(poller_->wait_queue([&](const json& now) {
    return polled(now) >= receiver_->frames() / 100 * 99;
  })) << receiver_->frames()
      << " frames were read, and the polls that were counted took fewer: " << poller_->queue().dump();
  EXPECT_LE(polled(poller_->queue()), receiver_->frames());
  const json queue = poller_->queue();
  fmt::print("{} frames were read; {}\n", receiver_->frames(), queue.dump());
  EXPECT_EQ(queue["state"], "polling");
  EXPECT_EQ(queue["handle"], "io_uring");
  EXPECT_EQ(queue["interrupts_masked"], true);
  EXPECT_GT(queue["own_packets"], 0);
  EXPECT_GT(queue["own_polls_with_work"], 0);
  EXPECT_TRUE(napi_of_up0().deferral->masks());
  EXPECT_EQ(capabilities_of(poller_->pid(), "CapPrm"), "0000000000001000") << "CAP_NET_ADMIN alone";
  EXPECT_EQ(poller_->end(SIGTERM), 0) << poller_->log();
  EXPECT_EQ(napi_of_up0().deferral, before);
  EXPECT_TRUE(poller_->status().is_null()) << "it takes its counters away";
}

TEST_F(PollerTest, stopped_under_load_the_kernel_takes_over) {
  uint64_t other = 0;
  check_taken_over(
      "SIGSTOP",
      [&] {
        if (poller_->pid() < 0) poller_->start(polling_up0({"--set-deferral", "--idle-ms", "0"}));
      },
      [&](Sender& sender) {
        other = poller_->queue()["other_packets"].get<uint64_t>();
        poller_->signal(SIGSTOP);
        let_flow(sender, 20'000);
        poller_->signal(SIGCONT);
      });
  EXPECT_TRUE(poller_->wait_queue([&](const json& queue) { return queue["other_packets"] > other; }))
      << "the kernel itself polled while the poller was stopped";
  const uint64_t own = poller_->queue()["own_packets"].get<uint64_t>();
  (void)send(10'000, [](Sender& sender) { let_flow(sender, 5'000); });
  EXPECT_TRUE(poller_->wait_queue([&](const json& queue) { return queue["own_packets"] > own; }))
      << "and it polls again";
}

TEST_F(PollerTest, killed_under_load_the_kernel_takes_over) {
  check_taken_over(
      "SIGKILL",
      [&] {
        if (poller_->pid() < 0) poller_->start(polling_up0({"--set-deferral", "--idle-ms", "0"}));
      },
      [&](Sender& sender) {
        EXPECT_EQ(poller_->end(SIGKILL), 128 + SIGKILL);
        let_flow(sender, 20'000);
      });
  poller_->end(SIGKILL);
  EXPECT_EQ(poller_->status()["running"], false) << "its counters stay, and say so";
  EXPECT_TRUE(napi_of_up0().deferral->masks()) << "what it set stays";
  EXPECT_EQ(poller_->release(), 0);
  EXPECT_EQ(napi_of_up0().deferral, poller::Deferral{}) << "until it is released";
  EXPECT_EQ(send(10'000, [](Sender& sender) { let_flow(sender, 5'000); }).verdict.misdelivered, 0U);
}

TEST_F(PollerTest, what_was_before_one_that_was_killed_is_put_back_by_the_next) {
  constexpr poller::Deferral kBefore{.hard_irqs = 7, .flush_timeout_ns = 30'000};
  auto lookup = take(poller::NapiLookup::open());
  const auto set = [&](NapiValue which, uint64_t value) { take(lookup.set(napi_of_up0().id, which, value)); };
  set(NapiValue::kDefer, kBefore.hard_irqs);
  set(NapiValue::kFlush, kBefore.flush_timeout_ns);
  poller_->start(polling_up0({"--set-deferral"}));
  EXPECT_EQ(poller_->release(), 1) << "not of one that runs";
  poller_->end(SIGKILL);
  poller_->start(polling_up0({"--set-deferral"}));
  EXPECT_NE(napi_of_up0().deferral, kBefore);
  EXPECT_EQ(poller_->end(SIGTERM), 0) << poller_->log();
  EXPECT_EQ(napi_of_up0().deferral, kBefore);
  // What somebody sets after it was killed is theirs.
  poller_->start(polling_up0({"--set-deferral"}));
  poller_->end(SIGKILL);
  set(NapiValue::kDefer, 9);
  EXPECT_EQ(poller_->release(), 0);
  EXPECT_EQ(napi_of_up0().deferral, (poller::Deferral{.hard_irqs = 9, .flush_timeout_ns = 30'000}));
}

// The kernel may have it again when the NIC is up: of drivers that say so, it keeps an instance's values.
TEST_F(PollerTest, what_it_set_of_a_nic_that_is_down_stays_noted) {
  poller_->start(polling_up0({"--set-deferral"}));
  run("ip link set up0 down");
  EXPECT_EQ(poller_->end(SIGTERM), 0) << poller_->log();
  EXPECT_EQ(poller_->release(), 1);
  run("ip link set up0 up");
  EXPECT_EQ(poller_->release(), 0);
}

TEST_F(PollerTest, what_another_poller_of_its_queue_takes_away_is_set_again) {
  const auto before = napi_of_up0().deferral;
  PollerProcess other("other-poller");
  other.start(polling_up0({"--set-deferral"}));
  poller_->start(polling_up0({"--set-deferral"}));
  EXPECT_EQ(other.end(SIGTERM), 0) << other.log();
  for (const auto until = std::chrono::steady_clock::now() + 20s;
       !poller_->log().contains("its deferral is set again") && std::chrono::steady_clock::now() < until;)
    std::this_thread::sleep_for(10ms);
  EXPECT_TRUE(poller_->log().contains("its deferral is set again")) << poller_->log();
  EXPECT_TRUE(napi_of_up0().deferral->masks());
  EXPECT_EQ(poller_->end(SIGTERM), 0) << poller_->log();
  EXPECT_EQ(napi_of_up0().deferral, before);
}

TEST_F(PollerTest, without_deferral_it_says_so_and_needs_no_capability) {
  poller_->start(polling_up0({}));
  EXPECT_NE(poller_->log().find("its interrupts are not masked between turns"), std::string::npos)
      << poller_->log();
  EXPECT_EQ(poller_->queue()["interrupts_masked"], false);
  for (const char* set : {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"})
    EXPECT_EQ(capabilities_of(poller_->pid(), set), "0000000000000000") << set;
}

TEST_F(PollerTest, leaves_an_idle_queue_alone_and_takes_it_again) {
  poller_->start(polling_up0({"--set-deferral", "--idle-ms", "20"}));
  const auto backed_off = [](const json& queue) { return queue["state"] == "backed-off"; };
  ASSERT_TRUE(poller_->wait_queue(backed_off)) << poller_->queue().dump();
  // It sleeps and looks, and does not poll.
  const uint64_t turns = poller_->queue()["turns"];
  const uint64_t sleeps = poller_->status()["sleeps"];
  ASSERT_TRUE(poller_->wait_queue([&](const json&) { return poller_->status()["sleeps"] > sleeps + 100; }));
  ASSERT_EQ(poller_->queue()["turns"], turns) << poller_->queue().dump();
  const json before = poller_->queue();
  // A queue that the kernel has now: its frames arrive, and bring the poller back.
  const Run run = send(5'000, [](Sender& sender) { let_flow(sender, 2'000); });
  EXPECT_EQ(run.verdict.misdelivered + run.verdict.corrupted + run.verdict.duplicated, 0U);
  EXPECT_TRUE(poller_->wait_queue([&](const json& queue) {
    return queue["returns"] > before["returns"] && queue["own_packets"] > before["own_packets"];
  })) << poller_->queue().dump();
  EXPECT_TRUE(poller_->wait_queue(backed_off)) << "and leaves it again: " << poller_->queue().dump();
  EXPECT_GE(poller_->queue()["backoffs"], 2);
}

// By io_uring: both are polled in each turn, and one that is idle is left out of it.
TEST_F(PollerTest, gives_one_turn_to_several_queues) {
  add_veth("sw1", "up1");
  config_.replace(config_.find("\"up0\""), 5, "\"up0\", \"up1\"");
  daemon_->write_config(config_);
  daemon_->ctl("reload");
  daemon_->wait_for_ctl("status", "up1");
  poller_->start({"--cpu", std::to_string(poller_cpu()), "--queue", "up0:0", "--queue", "up1:0",
                  "--set-deferral", "--idle-ms", "50"});
  const auto both = [&](Sender& sender) {
    let_flow(sender, 1'000);
    EXPECT_TRUE(poller_->wait_queue([&](const json& queue) {
      return std::min(queue["own_packets"], poller_->status()["queues"][1]["own_packets"]) >= 100;
    }));
  };
  const Run run = send(5'000, both, {"sw0", "sw1"});
  EXPECT_EQ(run.verdict.lost + run.verdict.misdelivered + run.verdict.corrupted, 0U) << run.verdict.text();
  const json busy = poller_->status()["queues"];
  for (const json& queue : busy) EXPECT_EQ(queue["handle"], "io_uring");
  const json& first = busy[0];
  const json& second = busy[1];
  const auto turns = [](const json& queue) { return queue["turns"].get<double>(); };
  EXPECT_NEAR(turns(first) / turns(second), 1, 0.2) << busy.dump();

  json before;
  json after;
  send(5'000, [&](Sender& sender) {
    ASSERT_TRUE(poller_->wait_queue([&](const json& queue) {
      before = poller_->status()["queues"];
      return before[1]["state"] == "backed-off" && queue["state"] == "polling";
    })) << before.dump();
    let_flow(sender, 1'000);
    after = poller_->status()["queues"];
  });
  EXPECT_GT(after[0]["own_packets"], before[0]["own_packets"]);
  EXPECT_EQ(after[1]["own_polls"], before[1]["own_polls"]) << after.dump();
  EXPECT_EQ(after[1]["turns"], before[1]["turns"]) << after.dump();

  send(5'000,
       [&](Sender&) {
         EXPECT_TRUE(poller_->wait_queue([&](const json&) {
           const json other = poller_->status()["queues"][1];
           return other["returns"] > before[1]["returns"] && other["own_packets"] > before[1]["own_packets"];
         })) << poller_->status().dump();
       },
       {"sw0", "sw1"});
}

// How long after the first frame of a burst the poller has the queue again, and what others took of it
// meanwhile.
struct Return {
  double us = 0;
  int frames = 0;
};
std::vector<Return> returns_of(const std::vector<TracedPoll>& polls, pid_t poller) {
  constexpr double kIdleUs = 15'000;
  constexpr int kOwnBudget = 8;
  const auto is_own = [&](const TracedPoll& poll) { return poll.pid == poller && poll.budget == kOwnBudget; };
  const auto own = std::ranges::find_if(polls, is_own);
  std::vector<Return> returns;
  double last = -kIdleUs;
  const TracedPoll* first = nullptr;  // of a burst that the poller does not have yet
  for (const TracedPoll& poll : polls) {
    if (own == polls.end() || poll.instance != own->instance) continue;
    if (poll.us - last >= kIdleUs) {
      first = &poll;
      returns.push_back({.us = 1e9, .frames = 0});
    }
    last = poll.us;
    if (first == nullptr) continue;
    if (is_own(poll)) {
      returns.back().us = poll.us - first->us;
      first = nullptr;
    } else {
      returns.back().frames += poll.found;
    }
  }
  return returns;
}

// It looks each millisecond. Three times that for the median of nine, as other processes may have its CPU;
// and three tries.
TEST_F(PollerTest, has_an_idle_queue_again_within_a_look) {
  poller_->start(polling_up0({"--set-deferral", "--idle-ms", "20"}));
  double median = 0;
  for (int attempt = 0; attempt < 3; ++attempt) {
    const PollTrace trace("up0");
    constexpr size_t kBursts = 9;
    for (size_t burst = 0; burst < kBursts; ++burst) {
      ASSERT_TRUE(poller_->wait_queue([](const json& queue) { return queue["state"] == "backed-off"; }));
      (void)send(20'000, [](Sender& sender) { let_flow(sender, 200); });
    }
    std::vector<Return> returns = returns_of(trace.polls(), poller_->pid());
    ASSERT_GE(returns.size(), kBursts);
    std::ranges::sort(returns, {}, &Return::us);
    const Return& middle = returns[returns.size() / 2];
    median = middle.us;
    fmt::print("polls again after {:.0f} us ({:.0f} to {:.0f}), others took {} frames (of 20 in 1 ms)\n",
               median, returns.front().us, returns.back().us, middle.frames);
    if (median <= 3000) break;
  }
  EXPECT_LE(median, 3000);
}

// Of the instance that its one queue has.
TEST_F(PollerTest, keeps_no_notes_of_instances_that_are_gone) {
  poller_->start(polling_up0({"--set-deferral", "--idle-ms", "0"}));
  const std::string before = poller_->changes();
  EXPECT_EQ(std::ranges::count(before, '\n'), 2) << before;
  const auto expect_two_of_another = [&](const std::string& how) {
    const uint32_t last = poller_->queue()["napi"];
    run(how);
    ASSERT_TRUE(poller_->wait_queue([&](const json& queue) {
      return queue["state"] == "polling" && queue["napi"] != last && queue["interrupts_masked"] == true;
    })) << how
        << poller_->log();
    const std::string now = poller_->changes();
    EXPECT_EQ(std::ranges::count(now, '\n'), 2) << how << ":\n" << now;
    EXPECT_NE(now.find(fmt::format(" {} ", poller_->queue()["napi"].get<uint32_t>())), std::string::npos)
        << now;
  };
  for (int i = 0; i < 3; ++i) expect_two_of_another("ip link set up0 down && ip link set up0 up");
  run("ip link del sw0");
  expect_two_of_another(
      "ip link add sw0 type veth peer name up0 && ip link set sw0 up && ip link set up0 up");
  EXPECT_EQ(poller_->end(SIGTERM), 0) << poller_->log();
  EXPECT_EQ(poller_->changes(), "");
}

TEST_F(PollerTest, follows_a_nic_that_is_reset_goes_and_comes_back) {
  poller_->start(polling_up0({"--set-deferral", "--idle-ms", "0"}));
  const uint32_t first = poller_->queue()["napi"];
  EXPECT_EQ(first, napi_of_up0().id);
  run("ip link set up0 down && ip link set up0 up");
  ASSERT_TRUE(poller_->wait_queue([&](const json& queue) {
    return queue["state"] == "polling" && queue["napi"] != first && queue["interrupts_masked"] == true;
  })) << poller_->queue().dump()
      << poller_->log();
  run("ip link del sw0");
  ASSERT_TRUE(poller_->wait_queue([](const json& queue) { return queue["state"] == "absent"; }));
  EXPECT_NE(poller_->log().find("up0:0: the NIC is gone"), std::string::npos) << poller_->log();
  // It waits for news of links, and looks round rarely.
  const json gone = poller_->status();
  json later;
  ASSERT_TRUE(poller_->wait_queue([&](const json&) {
    later = poller_->status();
    return later["slept_ns"].get<uint64_t>() >= gone["slept_ns"].get<uint64_t>() + 1'000'000'000;
  }));
  EXPECT_LE(later["sleeps"].get<uint64_t>() - gone["sleeps"].get<uint64_t>(), 30U) << later.dump();
  add_veth("sw0", "up0");
  wait_for_members();
  const auto polled_again = [](const json& queue) { return queue["state"] == "polling"; };
  ASSERT_TRUE(poller_->wait_queue(polled_again)) << poller_->log();
  const uint64_t own = poller_->queue()["own_packets"];
  (void)send(10'000, [](Sender& sender) { let_flow(sender, 5'000); });
  EXPECT_TRUE(poller_->wait_queue([&](const json& queue) { return queue["own_packets"] > own; }));
  EXPECT_EQ(poller_->end(SIGTERM), 0);
}

TEST_F(PollerTest, says_what_is_wrong_with_what_it_was_given) {
  const std::string cpu = std::to_string(poller_cpu());
  struct Case {
    std::vector<std::string> arguments;
    int status;
    const char* words;
  };
  for (const Case& bad : std::vector<Case>{
           {{"--cpu", cpu, "--queue", "nope:0"}, 3, "there is no NIC 'nope'"},
           {{"--cpu", cpu, "--queue", "up0:7"}, 3, "there is no receive queue 7"},
           {{"--cpu", "100000", "--queue", "up0:0"}, 3, "CPU 100000 is offline, or does not exist"},
           {{"--cpu", cpu, "--queue", "up0:0", "--handle", "af_xdp"},
            4,
            "af_xdp: AF_XDP: the driver does not tell"},
           {{"--cpu", cpu, "--queue", "up0"}, 2, "write it as eth0:3"},
           {{"--cpu", cpu}, 2, "no queue to poll"},
           {{"--queue", "up0:0"}, 2, "no CPU is named"},
           {{"--config", "/mnt/none"}, 2, "/mnt/none"},
       }) {
    EXPECT_EQ(poller_->start_and_fail(bad.arguments), bad.status) << bad.words;
    EXPECT_NE(poller_->log().find(bad.words), std::string::npos) << poller_->log();
  }
  run("ip link set up0 down");
  EXPECT_EQ(poller_->start_and_fail(polling_up0({})), 3);
  EXPECT_NE(poller_->log().find("the NIC is down"), std::string::npos) << poller_->log();
  run("printf 'cpu = 0\\nqeue = [\"up0:0\"]\\n' >/mnt/poller.conf");
  EXPECT_EQ(poller_->start_and_fail({"--config", "/mnt/poller.conf"}), 2);
  EXPECT_NE(poller_->log().find("/mnt/poller.conf: "), std::string::npos) << poller_->log();
  EXPECT_NE(poller_->log().find("qeue"), std::string::npos) << poller_->log();
}

// The kernel counts polls by the host's number of a thread.
TEST_F(PollerTest, refuses_a_pid_namespace_of_its_own) {
  std::string said;
  EXPECT_EQ(run_status(fmt::format("timeout 20 unshare --pid --fork --kill-child {}/xdpfwd-poller --cpu {} "
                                   "--queue up0:0 --runtime-dir /mnt/poller/run 2>&1",
                                   XDPFWD_BINARY_DIR, poller_cpu()),
                       &said),
            1);
  EXPECT_NE(said.find("run xdpfwd-poller in the host's PID namespace"), std::string::npos) << said;
}

TEST_F(PollerTest, goes_back_to_its_cpu) {
  poller_->start(polling_up0({"--idle-ms", "20"}));
  const auto cpus = [&] {
    std::string said;
    run_status(fmt::format("taskset -cp {} | sed 's/.*: //'", poller_->pid()), &said);
    return said;
  };
  const std::string own = std::to_string(poller_cpu()) + "\n";
  ASSERT_EQ(cpus(), own);
  if (poller_cpu() == other_cpu()) GTEST_SKIP() << "this machine has one CPU";
  run(fmt::format("taskset -cp {} {}", other_cpu(), poller_->pid()));
  EXPECT_TRUE(poller_->wait_queue([&](const json&) { return cpus() == own; })) << cpus();
}

TEST_F(PollerTest, two_of_a_name_do_not_run) {
  poller_->start(polling_up0({}));
  std::string said;
  EXPECT_EQ(run_status(fmt::format("{}/xdpfwd-poller --cpu 0 --queue up0:0 --runtime-dir /mnt/poller/run",
                                   XDPFWD_BINARY_DIR),
                       &said),
            1);
  EXPECT_NE(said.find("a poller of this name runs"), std::string::npos) << said;
  EXPECT_EQ(poller_->status()["running"], true) << "and the first one is not disturbed";
}

}  // namespace
}  // namespace xdpfwd::test
