// SPDX-License-Identifier: BSD-2-Clause
// Events under traffic: no frame of an unaffected guest may be lost, late, doubled or wrong while the daemon
// is killed, restarted, reloaded or upgraded, or taps and members come and go.
//
// The fair protocol (docs/testing.md): rings of 16384 slots; half the rate that the path was seen to take, at
// most 500 kpps; and a run counts only between two runs without an event that lost nothing, else it is
// repeated at half the rate.
#include <bpf/bpf.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <functional>
#include <memory>
#include <optional>
#include <thread>

#include "bpf/abi.h"
#include "daemon_process.h"
#include "most_pps.h"
#include "pktgen/sender.h"
#include "pktgen/tap_receiver.h"
#include "pktgen/verdict.h"
#include "poller_process.h"
#include "support/sandbox.h"

namespace xdpfwd::test {
namespace {

using namespace std::chrono_literals;
using namespace pktgen;

template <typename T>
T take(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().text());
  return std::move(*result);
}
void take(Result<void> result) {
  if (!result) throw std::runtime_error(result.error().text());
}

constexpr uint32_t kGuests = 10;
const double kMostPps = most_pps(500'000);

class LosslessTest : public testing::Test {
 protected:
  void SetUp() override {
    XDPFWD_NEEDS_ROOT();
    for (const char* side : {"0", "1"}) add_cable(side);
    receiver_ = take(TapReceiver::start());
    std::string config = "[uplink]\ndevices = [\"up0\", \"up1\"]\n";
    for (uint32_t i = 0; i < kGuests; ++i) {
      Guest guest{.name = fmt::format("vm{}", i),
                  .tap = fmt::format("tap{}", i),
                  .mac = MacAddress::from_bits(0x525400000000 + i),
                  .vlan = take(VlanTag::make(100 + i % 3))};
      take(receiver_->add_tap({.name = guest.tap, .queue_length = 16384}));
      config += fmt::format("[[guest]]\nname = \"{}\"\ntap = \"{}\"\nmac = \"{}\"\nvlan = {}\n", guest.name,
                            guest.tap, guest.mac.text(), guest.vlan.id());
      guests_.push_back(guest);
    }
    daemon_ = std::make_unique<DaemonProcess>("lossless");
    daemon_->write_config(config);
    daemon_->start();
    daemon_->wait_for_ctl("status", fmt::format("{} of {}", kGuests, kGuests));
  }

  void TearDown() override {
    poller_.reset();
    daemon_.reset();
    receiver_.reset();
    for (const char* side : {"0", "1"}) run_status(fmt::format("ip link del sw{}", side));
  }

  static void add_cable(const std::string& side) { add_veth("sw" + side, "up" + side); }

  // In intervals between frames. A sender that waited for its CPU, which readers want as well, would send
  // what is due by then at once, and the ring of 256 would lose it whatever the forwarder does.
  static constexpr unsigned kMostLate = 64;

  struct Run {
    Verdict verdict;
    double pps = 0;
    uint64_t refused = 0;  // of what was lost: the cable's ring was full
    uint64_t unsent = 0;   // so late that they were not sent: see kMostLate
  };

  // Sends until `while_sending` returns.
  Run send(double pps, const std::function<void(Sender&)>& while_sending) {
    const StreamSet streams =
        take(StreamSet::of_guests(guests_, {.sizes = {64, 512}, .members = 2, .first_id = next_id_}));
    next_id_ = streams.end_id();
    receiver_->expect(streams);
    const uint64_t frames_before = receiver_->frames();
    auto sender = take(make_live_sender(
        streams, {.devices = {"sw0", "sw1"}, .pps = pps, .cpu = sender_cpu_, .max_late = kMostLate}));
    take(sender->start());
    while_sending(*sender);
    sender->stop();
    const SendReport sent = take(sender->wait());
    receiver_->wait_for_frames(frames_before + sent.sent(), 500ms, 10s);
    Run run{.verdict = judge_run(streams, sent, receiver_->report()),
            .pps = sent.pps(),
            .refused = sent.refused,
            .unsent = sent.unsent};
    // What finds the cable's ring full was never on the wire for the sender. Here it counts: a NIC whose ring
    // nobody empties in time loses it.
    run.verdict.lost += sent.refused;
    return run;
  }

  static void let_flow(Sender& sender, uint64_t frames) {
    const uint64_t until = sender.frames_done() + frames;
    while (sender.frames_done() < until && !sender.finished()) std::this_thread::sleep_for(5ms);
  }

  // The rate the path takes at full speed for a moment.
  double calibrate() {
    return send(0, [](Sender& sender) { let_flow(sender, 100'000); }).pps;
  }

  // Frames that move to another cable may overtake those that still wait in the first one's ring.
  enum class Order { kKept, kMayChange };

  void check_lossless(const std::string& event, const std::function<void(Sender&)>& happen,
                      Order order = Order::kKept) {
    double pps = std::min(calibrate() / 2, kMostPps);
    constexpr int kTries = 5;
    for (int attempt = 1; attempt <= kTries; ++attempt, pps /= 2) {
      const auto quiet = [&](Sender& sender) { let_flow(sender, static_cast<uint64_t>(pps / 2)); };
      const Run before = send(pps, quiet);
      const Run with_event = send(pps, [&](Sender& sender) {
        let_flow(sender, static_cast<uint64_t>(pps / 5));
        happen(sender);
        let_flow(sender, static_cast<uint64_t>(pps / 5));
      });
      const Run after = send(pps, quiet);
      fmt::print(
          "{}: {:.0f} pps, {} frames, {} lost: blocked time = {:.3f} ms (without the event: {} and {} "
          "lost; not sent in time: {}, {} and {})\n",
          event, with_event.pps, with_event.verdict.sent, with_event.verdict.lost,
          static_cast<double>(with_event.verdict.lost) / with_event.pps * 1000, before.verdict.lost,
          after.verdict.lost, with_event.unsent, before.unsent, after.unsent);
      // Wrong is wrong on any machine; lost counts if the machine itself lost nothing around it.
      EXPECT_EQ(
          with_event.verdict.misdelivered + with_event.verdict.corrupted + with_event.verdict.duplicated, 0U)
          << with_event.verdict.text();
      if (before.verdict.lost + after.verdict.lost > 0 && attempt < kTries) continue;
      // A ring overflows by an event that blocks whoever empties it, and by a machine that runs something
      // else: only the event does it each time.
      if (with_event.refused != 0 && with_event.refused == with_event.verdict.lost && attempt < kTries)
        continue;
      ASSERT_EQ(before.verdict.lost + after.verdict.lost, 0U)
          << "this machine loses frames without any event";
      EXPECT_EQ(with_event.verdict.lost, 0U) << with_event.verdict.text() << "\n" << daemon_->log();
      if (order == Order::kKept) {
        EXPECT_TRUE(with_event.verdict.clean()) << with_event.verdict.text();
      }
      return;
    }
  }

  std::unique_ptr<DaemonProcess> daemon_;
  std::unique_ptr<PollerProcess> poller_;
  std::unique_ptr<TapReceiver> receiver_;
  std::vector<Guest> guests_;
  uint32_t next_id_ = 1;
  std::optional<unsigned> sender_cpu_;
};

uint32_t program_on(const std::string& device) {
  std::string output;
  run_status(fmt::format("ip -d link show {} | sed -n 's/.*prog\\/xdp id \\([0-9]*\\).*/\\1/p'", device),
             &output);
  return output.empty() ? 0 : static_cast<uint32_t>(std::stoul(output));
}

TEST_F(LosslessTest, KillAndRestart) {
  check_lossless("kill -9 and restart", [&](Sender&) {
    daemon_->end(SIGKILL);
    daemon_->start();
  });
}

TEST_F(LosslessTest, StopAndStart) {
  check_lossless("stop and start", [&](Sender& sender) {
    EXPECT_EQ(daemon_->end(SIGTERM), 0);
    let_flow(sender, 20'000);
    daemon_->start();
  });
}

TEST_F(LosslessTest, ReloadWithAThousandChangedEntries) {
  int round = 0;
  check_lossless("reload with 1000 changed entries", [&](Sender&) {
    std::string changed;
    for (uint32_t i = 0; i < 1000; ++i)
      changed += fmt::format("[[guest]]\nname = \"x{0}\"\ntap = \"tap{1}\"\nmac = \"{2}\"\nvlan = {3}\n", i,
                             (i + static_cast<uint32_t>(round)) % kGuests,
                             MacAddress::from_bits(0x525400100000 + i).text(), 1000 + round % 2);
    ++round;
    daemon_->write_drop_in("changed.toml", changed);
    daemon_->reload();
    EXPECT_NE(daemon_->ctl("status --json").find("\"rows_installed\":1010"), std::string::npos)
        << daemon_->ctl("status --json");
  });
}

// Another build of the program is found out by what its member's facts say; the test makes them say so.
TEST_F(LosslessTest, ProgramUpgradeInPlace) {
  check_lossless("program upgrade in place", [&](Sender&) {
    const uint32_t before = program_on("up0");
    const UniqueFd members(
        bpf_obj_get(fmt::format("{}/abi-{}/members", daemon_->bpffs(), XDPFWD_ABI_VERSION).c_str()));
    for (uint32_t slot = 0; slot < 2; ++slot) {
      xdpfwd_member member{};
      ASSERT_EQ(bpf_map_lookup_elem(members.get(), &slot, &member), 0);
      member.build ^= 1;
      ASSERT_EQ(bpf_map_update_elem(members.get(), &slot, &member, BPF_EXIST), 0);
    }
    daemon_->reload();
    EXPECT_NE(program_on("up0"), before);
  });
}

TEST_F(LosslessTest, TheTableGrows) {
  uint32_t size = 65536;
  check_lossless("fdb.max_entries grows", [&](Sender&) {
    size *= 2;
    daemon_->write_drop_in("size.toml", fmt::format("[fdb]\nmax_entries = {}\n", size));
    daemon_->reload();
    EXPECT_NE(daemon_->ctl("status --json").find(fmt::format("\"table_capacity\":{}", size)),
              std::string::npos);
  });
}

TEST_F(LosslessTest, AnotherTapComesAndGoes) {
  daemon_->ctl("guest add visitor --tap tapx --mac 52:54:00:00:01:00 --vlan 100");
  check_lossless("a tap comes and goes", [&](Sender&) {
    {
      const UniqueFd tap = open_tap("tapx");
      daemon_->wait_for_ctl("status", "11 of 11");
    }
    daemon_->wait_for_ctl("status", "10 of 11");
  });
}

// By the daemon, on the members that carry the traffic, to a mode and back. A thread that has to share its
// CPU loses without any switch, so it goes before everything here, and the sender has another CPU. The poller
// of busy-poll is started and ended here, as by systemd, when the daemon has set the mode.
TEST_F(LosslessTest, ModesOfNapiAreSwitched) {
  sender_cpu_ = other_cpu();
  daemon_->write_drop_in("tuning.toml",
                         fmt::format("[tuning]\napply = \"manual\"\nprofile = \"none\"\ncpus = \"{}\"\n"
                                     "napi_thread = \"fifo 50\"\n",
                                     poller_cpu()));
  daemon_->reload();
  daemon_->ctl("tune apply");
  const std::string poller = fmt::format("cpu{}", poller_cpu());
  poller_ = std::make_unique<PollerProcess>("lossless-poller", poller);
  const auto set_mode = [&](const std::string& mode) {
    daemon_->ctl("napi set " + mode);
    if (mode == "busy-poll") {
      poller_->start({"--config", fmt::format("{}/pollers/{}.conf", daemon_->folder(), poller)});
    } else if (poller_->pid() > 0) {
      EXPECT_EQ(poller_->end(SIGTERM), 0) << poller_->log();
    }
  };
  std::vector<std::string> modes = {"deferred", "threaded", "auto", "busy-poll"};
  if (kernel_is_before(6, 13)) modes.pop_back();  // nothing polls a veth for a process
  std::string mode = "softirq";
  for (const std::string& other : modes)
    for (int way = 0; way < 2; ++way) {
      check_lossless(fmt::format("NAPI {} {}", way == 0 ? "to" : "from", other), [&](Sender&) {
        mode = mode == "softirq" ? other : "softirq";
        set_mode(mode);
        const std::string status = daemon_->ctl("napi status --json");
        EXPECT_NE(status.find(fmt::format("\"mode\":\"{}\"", mode)), std::string::npos) << status;
      });
    }
}

TEST_F(LosslessTest, AMemberIsRemovedAndAddedAgain) {
  check_lossless(
      "a member is removed and added again",
      [&](Sender& sender) {
        take(sender.set_device(1, "sw0"));
        let_flow(sender, 20'000);
        run("ip link del sw1");
        daemon_->wait_for_ctl("status", "up1");
        add_cable("1");
        while (program_on("up1") == 0) std::this_thread::sleep_for(5ms);
        take(sender.set_device(1, "sw1"));
      },
      Order::kMayChange);
}

}  // namespace
}  // namespace xdpfwd::test
