// SPDX-License-Identifier: BSD-2-Clause
// Tuning as an operator meets it, on a real veth and tap: planned, applied, kept over a restart, set again
// when somebody resets it, and put back.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "daemon_process.h"
#include "support/sandbox.h"

namespace xdpfwd::test {
namespace {

constexpr const char* kConfig = R"(
[uplink]
devices = ["up0"]
[tuning]
steering = "off"
cpus = "keep"
[[guest]]
name = "vm0"
tap = "tap0"
mac = "52:54:00:00:00:00"
vlan = 100
)";
constexpr const char* kRps = "/sys/class/net/up0/queues/rx-0/rps_cpus";

class TuneTest : public testing::Test {
 protected:
  void SetUp() override {
    XDPFWD_NEEDS_ROOT();
    add_veth("up0", "sw0");
    tap_ = open_tap("tap0");
    run(std::string("echo 1 > ") + kRps);
    daemon_ = std::make_unique<DaemonProcess>("tune");
    daemon_->write_config(kConfig);
    before_ = knobs();
    daemon_->start();
  }
  void TearDown() override {
    daemon_.reset();
    tap_.reset();
    run_status("ip link del up0");
  }
  // What others read of the knobs that are tuned here. rxvlan is set for forwarding, where programs are not
  // told the tag (Linux 6.1).
  static std::string knobs() {
    std::string text;
    EXPECT_EQ(run_status(std::string("cat ") + kRps +
                             "; tc qdisc show dev tap0; ethtool -k up0 | grep -v rx-vlan-offload",
                         &text),
              0);
    return text;
  }
  // "0", "00000000,00000000"
  static bool rps_is_off() { return run_status(std::string("grep -qx '[0,]*' ") + kRps) == 0; }
  static bool tap_has_noqueue() {
    return run_status("tc qdisc show dev tap0 | grep -q 'qdisc noqueue'") == 0;
  }
  static bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }

  std::unique_ptr<DaemonProcess> daemon_;
  UniqueFd tap_;
  std::string before_;
};

TEST_F(TuneTest, plans_applies_keeps_and_puts_back) {
  const std::string plan = daemon_->ctl("tune plan");
  EXPECT_TRUE(contains(plan, "rps-cpus of queue 0") && contains(plan, "noqueue")) << plan;
  EXPECT_EQ(daemon_->ctl("tune apply --dry-run"), plan);
  ASSERT_EQ(knobs(), before_) << "asking changes nothing";
  EXPECT_FALSE(rps_is_off() || tap_has_noqueue());

  const std::string applied = daemon_->ctl("tune apply");
  EXPECT_TRUE(contains(applied, "rps-cpus of queue 0")) << applied;
  EXPECT_TRUE(rps_is_off());
  EXPECT_TRUE(tap_has_noqueue());
  EXPECT_TRUE(contains(daemon_->ctl("tune plan"), "to be changed: nothing"));

  // Killed, as a crash would: the next one knows what was there, and holds what was asked for.
  daemon_->end(SIGKILL);
  run(std::string("echo 1 > ") + kRps);
  daemon_->start();
  EXPECT_TRUE(rps_is_off()) << daemon_->log();

  const std::string status = daemon_->ctl("tune status");
  EXPECT_TRUE(contains(status, "rps-cpus of queue 0") && contains(status, "qdisc")) << status;
  const std::string reverted = daemon_->ctl("tune revert");
  EXPECT_EQ(knobs(), before_) << reverted;
  EXPECT_TRUE(contains(daemon_->ctl("tune status"), "changed by xdpfwd: nothing"));
  daemon_->end(SIGTERM);
  daemon_->start();
  EXPECT_EQ(knobs(), before_) << "nobody asks for tuning any more";
}

TEST_F(TuneTest, a_stop_puts_back_where_that_is_configured_and_a_start_goes_on) {
  daemon_->end(SIGTERM);
  std::string config = kConfig;
  config.replace(config.find("steering"), 0, "on_stop = \"revert\"\n");
  daemon_->write_config(config);
  daemon_->start();
  daemon_->ctl("tune apply");
  ASSERT_TRUE(rps_is_off());
  ASSERT_TRUE(tap_has_noqueue());
  daemon_->end(SIGTERM);
  EXPECT_EQ(knobs(), before_) << daemon_->log();
  daemon_->start();
  EXPECT_TRUE(rps_is_off() && tap_has_noqueue()) << "it was asked for, and nobody took that back";
  daemon_->ctl("tune revert");
  EXPECT_EQ(knobs(), before_);
}

TEST_F(TuneTest, what_somebody_resets_is_set_again_when_a_link_changes) {
  daemon_->ctl("tune apply");
  run(std::string("echo 1 > ") + kRps);
  run("ip link set tap0 mtu 1400");  // the kernel tells of it, and the daemon looks
  // rps-cpus is held again when there is nothing left to be done.
  daemon_->wait_for_ctl("tune plan", "to be changed: nothing", std::chrono::seconds(60));
  EXPECT_TRUE(rps_is_off()) << daemon_->log();
  EXPECT_TRUE(contains(daemon_->log(), "set again, as somebody else had set it: up0: rps-cpus of queue 0"));
}

// Less than the 30 s after which it would look anyway.
constexpr auto kHeard = std::chrono::seconds(20);
constexpr auto kPacked = std::chrono::seconds(60);  // a hundred control intervals take ten, undisturbed

TEST_F(TuneTest, what_somebody_resets_is_set_again_as_the_kernel_tells_of_it) {
  daemon_->ctl("tune apply");
  // The way back to the kernel's default.
  run("tc qdisc replace dev tap0 root pfifo && tc qdisc del dev tap0 root");
  daemon_->wait_for_ctl("tune plan", "to be changed: nothing", kHeard);
  EXPECT_TRUE(tap_has_noqueue()) << daemon_->log();
}

TEST_F(TuneTest, channels_that_another_tool_sets_are_set_again) {
  run("ip link add up1 numrxqueues 4 numtxqueues 4 type veth peer name sw1 numrxqueues 4 numtxqueues 4 && "
      "ip link set up1 up && ip link set sw1 up && ethtool -L sw1 tx 2 && ethtool -L up1 rx 3");
  std::string config = kConfig;
  config.replace(config.find("up0"), 3, "up1");
  config.replace(config.find("steering"), 0, "channels = 2\n");
  const auto channels = [] {
    std::string text;
    EXPECT_EQ(run_status("ethtool -l up1 | sed '1,/^Current/d'", &text), 0);
    return text;
  };
  const std::string before = channels();
  daemon_->write_config(config);
  daemon_->reload();
  daemon_->ctl("tune apply");
  daemon_->wait_for_ctl("tune plan", "to be changed: nothing", kHeard);
  const std::string wanted = channels();
  ASSERT_NE(wanted, before);
  run("ethtool -L up1 rx 3");
  daemon_->wait_for_ctl("tune plan", "to be changed: nothing", kHeard);
  EXPECT_EQ(channels(), wanted);
  EXPECT_TRUE(contains(daemon_->log(), "set again, as somebody else had set it: up1: channels"))
      << daemon_->log();
  daemon_->ctl("tune revert");
  EXPECT_EQ(channels(), before);
  run("ip link del up1");
}

// Lets the daemon make `calls` system calls, then kills it. Ends early when `over`. How many it made.
size_t kill_after(pid_t pid, size_t calls, const std::atomic<bool>& over, std::atomic<bool>& ready) {
  size_t seen = 0;
  if (ptrace(PTRACE_SEIZE, pid, nullptr, PTRACE_O_TRACESYSGOOD) != 0 ||
      ptrace(PTRACE_INTERRUPT, pid, nullptr, nullptr) != 0)
    return 0;
  int status = 0;
  waitpid(pid, &status, __WALL);
  ready = true;
  while (!over) {
    if (seen / 2 >= calls) {  // one stop before it, one behind it
      kill(pid, SIGKILL);
      break;
    }
    ptrace(PTRACE_SYSCALL, pid, nullptr, nullptr);
    int waited = 0;
    while ((waited = waitpid(pid, &status, __WALL | WNOHANG)) == 0 && !over) std::this_thread::yield();
    if (waited != pid || WIFEXITED(status) || WIFSIGNALED(status)) break;
    if (WSTOPSIG(status) == (SIGTRAP | 0x80)) ++seen;
  }
  return seen / 2;  // the end of this thread lets go of the daemon
}

TEST_F(TuneTest, killed_anywhere_in_apply_and_revert_it_loses_nothing) {
  const auto cut = [&](const std::string& command, size_t calls) {
    std::atomic<bool> over = false, ready = false;
    size_t made = 0;
    std::thread tracer([&] { made = kill_after(daemon_->pid(), calls, over, ready); });
    while (!ready) std::this_thread::yield();
    std::string said;
    const int status = run_status(
        std::string(XDPFWD_BINARY_DIR) + "/xdpctl --socket " + daemon_->socket() + " " + command, &said);
    over = true;
    tracer.join();
    return std::pair(made, status);
  };
  // A whole one, to know how long it is.
  const size_t of_apply = cut("tune apply", SIZE_MAX).first;
  ASSERT_TRUE(rps_is_off() && tap_has_noqueue()) << daemon_->log();
  const size_t of_revert = cut("tune revert", SIZE_MAX).first;
  ASSERT_EQ(knobs(), before_);
  ASSERT_GT(of_apply, 50U);
  size_t killed = 0;
  constexpr size_t kCuts = 12;
  for (size_t i = 1; i <= kCuts; ++i) {
    SCOPED_TRACE(i);
    const bool cut_short = cut("tune apply", of_apply * i / (kCuts + 1)).second != 0;
    killed += cut_short;
    daemon_->end(SIGKILL);
    daemon_->start();
    // Where it was killed before it noted that somebody asked, nothing is changed; else all of it.
    const bool asked = rps_is_off();
    EXPECT_EQ(tap_has_noqueue(), asked) << daemon_->log();
    EXPECT_TRUE(asked || knobs() == before_);
    daemon_->ctl("tune apply");
    cut("tune revert", of_revert * i / (kCuts + 1));
    daemon_->end(SIGKILL);
    daemon_->start();
    if (rps_is_off()) {  // it was killed before it noted that
      EXPECT_TRUE(tap_has_noqueue()) << daemon_->log();
      daemon_->ctl("tune revert");
    }
    EXPECT_EQ(knobs(), before_) << daemon_->log();
    EXPECT_TRUE(contains(daemon_->ctl("tune status"), "changed by xdpfwd: nothing"));
  }
  EXPECT_GE(killed, kCuts / 2);
  EXPECT_FALSE(contains(daemon_->log(), "somebody else")) << daemon_->log();
}

TEST_F(TuneTest, what_somebody_changed_since_stays_and_is_named) {
  daemon_->ctl("tune apply");
  run("tc qdisc replace dev tap0 root handle 77: pfifo");
  // Whether it looked meanwhile, as the kernel told of the change, or not: it says whose the qdisc is.
  const std::string planned = daemon_->ctl("tune plan");
  const std::string reverted = daemon_->ctl("tune revert");
  EXPECT_TRUE(contains(reverted, "tap0: qdisc is pfifo 77: now") ||
              contains(planned, "tap0: its qdisc pfifo 77: was configured by somebody"))
      << planned << reverted;
  EXPECT_EQ(run_status("tc qdisc show dev tap0 | grep -q 'pfifo 77:'"), 0);
  EXPECT_FALSE(rps_is_off());
}

// A reset makes other instances with other threads; they get their CPU and scheduling again.
TEST_F(TuneTest, threads_of_napi_are_set_up_again_after_a_reset) {
  const auto threads = [] {
    std::string text;
    run_status("ps -e -o cls=,ni=,comm= | sed -n 's/ *\\([A-Z]*\\) *\\([-0-9]*\\) napi\\/up0-.*/\\1 \\2/p'",
               &text);
    return text;
  };
  std::string config = kConfig;
  config.insert(config.find("cpus = "), "napi = \"threaded\"\nnapi_thread = \"other -5\"\n");
  config.replace(config.find("cpus = \"keep\""), 13, "cpus = \"auto\"");
  daemon_->write_config(config);
  daemon_->ctl("reload");
  daemon_->ctl("tune apply");
  EXPECT_EQ(threads(), "TS -5\n");
  const std::string before = daemon_->ctl("tune status");
  EXPECT_TRUE(contains(before, "napi-thread-sched of NAPI 0")) << before;
  run("ip link set up0 down && ip link set up0 up");
  for (int i = 0; i < 300 && threads() != "TS -5\n"; ++i) run("sleep 0.1");
  EXPECT_EQ(threads(), "TS -5\n");
  daemon_->ctl("tune revert");
  // Linux that has one value for all of a NIC keeps the threads, without work, until it is reset.
  if (threads() != "") {
    EXPECT_EQ(threads(), "TS 0\n");
  }
  EXPECT_EQ(knobs(), before_);
}

// Mode auto: four idle threads need one CPU. Another mode by hand, a kill, and the way back.
TEST_F(TuneTest, threads_of_napi_are_packed_and_put_back) {
  run("ip link add up1 numrxqueues 4 numtxqueues 4 type veth peer name sw1 numrxqueues 4 numtxqueues 4 && "
      "ethtool -L up1 rx 4 && ip link set up1 up && ip link set sw1 up");
  const auto cpus = [] {
    std::string text;
    run_status(
        "for thread in $(pgrep '^napi/up1-'); do taskset -cp $thread | sed 's/.*: //'; done | sort -u | "
        "paste -sd' '",
        &text);
    return text;
  };
  std::string config = kConfig;
  config.replace(config.find("up0"), 3, "up1");
  config.insert(config.find("cpus = "), "napi = \"auto\"\n");
  config.replace(config.find("cpus = \"keep\""), 13, "cpus = \"0-1\"");
  daemon_->write_config(config);
  daemon_->ctl("reload");
  daemon_->ctl("tune apply");
  daemon_->wait_for_ctl("napi status", "packed: 4 NAPI instances on 1 of 2 CPUs", kPacked);
  const std::string packed = cpus();
  EXPECT_TRUE(packed == "0\n" || packed == "1\n") << packed;
  EXPECT_TRUE(contains(daemon_->ctl("tune plan"), "to be changed: nothing"));
  EXPECT_TRUE(contains(daemon_->ctl("napi status --json"), "\"packets\":")) << "what polls took is counted";

  daemon_->ctl("napi set threaded");
  EXPECT_EQ(cpus(), "0 1\n");
  const std::string by_hand = daemon_->ctl("napi status");
  EXPECT_TRUE(contains(by_hand, "mode: threaded (by hand") && !contains(by_hand, "packed")) << by_hand;
  daemon_->ctl("napi set as-configured");
  daemon_->wait_for_ctl("napi status", "packed: 4 NAPI instances on 1 of 2 CPUs", kPacked);
  EXPECT_TRUE(contains(daemon_->ctl("napi set fast", 2), "'fast' is no mode of NAPI"));

  daemon_->end(SIGKILL);
  daemon_->start();
  daemon_->wait_for_ctl("napi status", "packed: 4 NAPI instances on 1 of 2 CPUs", kPacked);
  const std::string reverted = daemon_->ctl("tune revert");
  EXPECT_FALSE(contains(reverted, "somebody")) << reverted;
  EXPECT_TRUE(contains(daemon_->ctl("tune status"), "changed by xdpfwd: nothing"))
      << daemon_->ctl("tune status");
  // Gone, or without work and where they may be again.
  EXPECT_NE(cpus(), packed);
  run("ip link del up1");
}

}  // namespace
}  // namespace xdpfwd::test
