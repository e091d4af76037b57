// SPDX-License-Identifier: BSD-2-Clause
// The harness as people run it: every contender delivers every frame and leaves nothing behind, Ctrl-C keeps
// what was measured, the same command goes on from there, and bad input is told.
#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "support/sandbox.h"
#include "support/scratch_directory.h"

extern char** environ;

namespace xdpfwd::test {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

const std::string kBench = XDPFWD_BINARY_DIR "/xdpfwd-bench";

std::vector<json> lines_of(const std::string& path) {
  std::ifstream file(path);
  std::vector<json> lines;
  for (std::string line; std::getline(file, line);) {
    json parsed = json::parse(line, nullptr, false);
    if (!parsed.is_discarded()) lines.push_back(std::move(parsed));
  }
  return lines;
}

size_t samples_in(const std::string& path) {
  size_t count = 0;
  for (const json& line : lines_of(path)) count += line.contains("metrics") ? 1 : 0;
  return count;
}

// Children of a harness carry a mark in their environment.
std::set<std::string> left_behind(pid_t harness) {
  std::set<std::string> found;
  const std::string mark = fmt::format("XDPFWD_BENCH={}", harness);
  std::error_code gone;
  for (const auto& process : std::filesystem::directory_iterator("/proc", gone)) {
    std::ifstream file(process.path() / "environ");
    const std::string text((std::istreambuf_iterator<char>(file)), {});
    if ((std::string(1, '\0') + text).find('\0' + mark + '\0') != std::string::npos)
      found.insert(process.path().filename());
  }
  return found;
}

std::string mounts_and_links() {
  std::string links;
  run_status("ip -br link | sort", &links);
  std::ifstream mounts("/proc/self/mountinfo");
  return links + std::string((std::istreambuf_iterator<char>(mounts)), {});
}

class BenchTest : public testing::Test {
 protected:
  void SetUp() override {
    XDPFWD_NEEDS_ROOT();
    if (std::thread::hardware_concurrency() < 2) GTEST_SKIP() << "the host tier needs two CPUs";
  }

  pid_t start(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), kBench);
    std::vector<char*> argv;
    for (std::string& argument : arguments) argv.push_back(argument.data());
    argv.push_back(nullptr);
    pid_t pid = -1;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, log_.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    // A process group, as a shell makes one, which Ctrl-C ends as a whole.
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    EXPECT_EQ(posix_spawn(&pid, kBench.c_str(), &actions, &attributes, argv.data(), environ), 0);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return pid;
  }
  static int finish(pid_t pid) {
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  // Until it is so, or the harness has ended by itself.
  template <typename Condition>
  static void await(pid_t pid, const Condition& is_so) {
    siginfo_t ended{};
    while (!is_so() && waitid(P_PID, static_cast<id_t>(pid), &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
           ended.si_pid == 0)
      std::this_thread::sleep_for(20ms);
  }
  [[nodiscard]] std::string log() const {
    std::ifstream file(log_);
    std::stringstream text;
    text << file.rdbuf();
    return text.str();
  }

  ScratchDirectory scratch_;
  std::string out_ = scratch_ / "results";
  std::string log_ = scratch_ / "log";
};

TEST_F(BenchTest, EveryContenderDeliversEveryFrameAndLeavesNothingBehind) {
  const std::string before = mounts_and_links();
  const pid_t pid = start({"run", "delivery", "--out", out_});
  ASSERT_EQ(finish(pid), 0) << log();
  std::set<std::string> measured;
  std::set<std::string> absent;
  for (const json& line : lines_of(out_ + "/delivery.jsonl")) {
    if (line.contains("absent")) absent.insert(line["absent"].get<std::string>());
    if (!line.contains("metrics")) continue;
    measured.insert(line["contender"].get<std::string>());
    EXPECT_EQ(line["metrics"]["lost"], 0) << line;
    EXPECT_GT(line["metrics"]["delivered"], 100) << line;
    EXPECT_EQ(line["metrics"]["delivered"], line["metrics"]["sent"]) << line;
  }
  for (const char* always : {"xdpfwd", "xdpfwd-hint", "tc", "ovs-userspace", "testpmd", "bare-redirect"})
    EXPECT_TRUE(measured.contains(always)) << always << "\n" << log();
  // These depend on the kernel; but one that is not measured has said why.
  for (const char* either : {"tcx", "bridge", "bridge-pop", "ovs-kernel"})
    EXPECT_TRUE(measured.contains(either) || absent.contains(either)) << either << "\n" << log();
  EXPECT_EQ(left_behind(pid), std::set<std::string>());
  EXPECT_EQ(mounts_and_links(), before);
  const json header = lines_of(out_ + "/delivery.jsonl").front();
  for (const char* fact : {"kernel", "cpu", "commit", "flags", "versions", "self_test"})
    EXPECT_TRUE(header.contains(fact)) << fact;
  EXPECT_TRUE(std::filesystem::exists(out_ + "/report.html"));
}

TEST_F(BenchTest, CtrlCKeepsWhatWasMeasuredAndTheSameCommandGoesOn) {
  const std::vector<std::string> command = {"run", "fdb-scale",     "--quick",  "--out",
                                            out_,  "--contender",   "xdp-drop", "--contender",
                                            "tc",  "--repetitions", "3"};
  const std::string file = out_ + "/fdb-scale.jsonl";
  const pid_t first = start(command);
  await(first, [&] { return samples_in(file) >= 3; });
  ASSERT_GE(samples_in(file), 3U) << log();
  kill(-first, SIGINT);
  EXPECT_EQ(finish(first), 130) << log();
  EXPECT_EQ(left_behind(first), std::set<std::string>());
  const size_t kept = samples_in(file);
  EXPECT_GE(kept, 3U);
  EXPECT_LT(kept, 12U);
  EXPECT_EQ(finish(start(command)), 0) << log();
  // Two sizes of the table, two contenders, three rounds; none twice.
  EXPECT_EQ(samples_in(file), 12U);
  std::set<std::string> points;
  for (json line : lines_of(file))
    if (line.contains("metrics")) {
      line.erase("metrics");
      points.insert(line.dump());
    }
  EXPECT_EQ(points.size(), 12U);
}

// While a test bed is made, by a program of others.
TEST_F(BenchTest, CtrlCAtTheBeginningLeavesNobodyOut) {
  std::string real;
  ASSERT_EQ(run_status("command -v bridge", &real), 0);
  const std::string folder = scratch_ / "bin";
  const std::string began = scratch_ / "began";
  std::filesystem::create_directory(folder);
  std::ofstream(folder + "/bridge") << fmt::format("#!/bin/sh\ntouch {}\nsleep 1\nexec {}", began,
                                                   real.substr(0, real.find('\n')) + " \"$@\"\n");
  run(fmt::format("chmod 700 {}/bridge", folder));
  const std::string path = getenv("PATH");
  setenv("PATH", (folder + ":" + path).c_str(), 1);
  const pid_t pid =
      start({"run", "delivery", "--contender", "bridge", "--contender", "bridge-pop", "--out", out_});
  setenv("PATH", path.c_str(), 1);
  await(pid, [&] { return std::filesystem::exists(began); });
  kill(-pid, SIGINT);
  EXPECT_EQ(finish(pid), 130) << log();
  for (const json& line : lines_of(out_ + "/delivery.jsonl"))
    EXPECT_EQ(line.value("why", "").find("' failed"), std::string::npos) << line;
}

TEST_F(BenchTest, CtrlCDuringASearchKeepsNothingOfIt) {
  const std::string file = out_ + "/throughput.jsonl";
  const pid_t pid = start(
      {"run", "throughput", "--quick", "--contender", "bare-redirect", "--repetitions", "9", "--out", out_});
  await(pid, [&] { return samples_in(file) >= 1; });
  kill(-pid, SIGINT);
  EXPECT_EQ(finish(pid), 130) << log();
  for (const json& line : lines_of(file)) {
    if (!line.contains("metrics")) continue;
    EXPECT_GT(line["metrics"]["mrr_pps"], 0) << line;
    EXPECT_GT(line["metrics"]["mrr_beside_victim_pps"], 0) << line;
  }
}

TEST_F(BenchTest, InAThreadOrPollerItIsThatWhichWorks) {
  ASSERT_EQ(finish(start({"run", "napi-modes", "--quick", "--repetitions", "1", "--out", out_})), 0) << log();
  size_t samples = 0;
  for (const json& line : lines_of(out_ + "/napi-modes.jsonl")) {
    if (!line.contains("metrics")) continue;
    ++samples;
    const bool in_softirqs =
        line["contender"] == "xdpfwd, softirq" || line["contender"] == "xdpfwd, deferred 200 us";
    // Without the daemon's, which runs in every mode.
    EXPECT_EQ(line["metrics"]["thread_ns_per_packet"].get<double>() > 0, !in_softirqs) << line;
    EXPECT_GT(line["metrics"]["p50_us"], 0) << line;
    double all = 0;
    for (const char* kind : {"softirq", "system", "user", "harness", "others", "idle"})
      all += line["metrics"][fmt::format("cpu_{}_percent", kind)].get<double>();
    EXPECT_NEAR(all, 100, 0.5) << line;
    if (line["contender"] == "xdpfwd, threaded" || line["contender"] == "xdpfwd, auto") {
      EXPECT_GT(line["metrics"]["cpu_system_percent"], line["metrics"]["cpu_softirq_percent"]) << line;
    }
    if (in_softirqs) {
      EXPECT_LT(line["metrics"]["cpu_system_percent"], line["metrics"]["cpu_softirq_percent"]) << line;
    }
    EXPECT_GT(line["metrics"]["cpu_harness_percent"], 1) << "the victim's " << line;
  }
  // Two rates, five modes.
  EXPECT_EQ(samples, 10U) << log();
}

// Idle comes first, and needs no search: by one queue and by four, in all modes. The first search is
// interrupted, and nothing is said of it.
TEST_F(BenchTest, FramesComeByEveryQueueInEveryModeOfNapi) {
  const std::string file = out_ + "/napi-latency.jsonl";
  const pid_t pid =
      start({"run", "napi-latency", "--quick", "--repetitions", "1", "--contender", "xdpfwd", "--out", out_});
  constexpr size_t kAll = 2 * 5;
  const auto measured_or_absent = [&] {
    size_t count = samples_in(file);
    for (const json& line : lines_of(file)) count += line.contains("absent") ? 2 : 0;
    return count;
  };
  await(pid, [&] { return measured_or_absent() >= kAll; });
  kill(pid, SIGINT);
  EXPECT_EQ(finish(pid), 130) << log();
  EXPECT_EQ(left_behind(pid), std::set<std::string>());
  EXPECT_EQ(measured_or_absent(), kAll);
  for (const json& line : lines_of(file)) {
    if (!line.contains("metrics")) continue;
    const auto of = [&](const std::string& name) { return line["metrics"].value(name, 0.0); };
    EXPECT_EQ(line["point"]["percent_of_pdr"], 0) << line;
    EXPECT_GT(of("p50_us"), 0) << line;
    for (unsigned queue = 0; queue < line["point"]["queues"].get<unsigned>(); ++queue)
      EXPECT_GT(of(fmt::format("queue{}_packets", queue)), 0) << line;
  }
}

TEST_F(BenchTest, TcpComesThroughAndBack) {
  const pid_t pid = start({"run", "tcp-bulk", "--quick", "--repetitions", "1", "--contender", "xdpfwd",
                           "--contender", "tcx", "--out", out_});
  ASSERT_EQ(finish(pid), 0) << log();
  std::set<std::string> measured;
  std::set<std::string> absent;
  for (const json& line : lines_of(out_ + "/tcp-bulk.jsonl")) {
    if (line.contains("absent")) absent.insert(line["absent"].get<std::string>());
    if (!line.contains("metrics")) continue;
    measured.insert(line["contender"].get<std::string>());
    EXPECT_GT(line["metrics"]["mbit_per_second"], 0) << line;
  }
  // The way back needs tcx.
  EXPECT_TRUE(measured.contains("xdpfwd") || absent.contains("all")) << log();
  EXPECT_EQ(left_behind(pid), std::set<std::string>());
}

// By a lab that only says what a guest would.
TEST_F(BenchTest, AFinishedSearchOutlivesAHarnessThatIsKilled) {
  const std::string lab = XDPFWD_SOURCE_DIR "/tests/lab/lab";
  const std::string calls = scratch_ / "calls";
  const std::string words = scratch_ / "words";
  std::ofstream(words)
      << "lab: QEMU 1\nself-test cable 5000 2000 2000\ntrial tcx 1 9000 10000 10000 10000 0 1\n"
         "measured tcx 1 9000 1 9100 1 9500 12\ntrial tcx 2 9000 10000 10000 10000 0 1\n";
  std::ofstream(scratch_ / "lab") << fmt::format(
      "#!/bin/sh\necho \"$@\" >>{0}\ncat {1}\ngrep -q done {1} || exec sleep 20\n", calls, words);
  run(fmt::format("chmod 700 {0}/lab && mount --bind {0}/lab {1}", scratch_.path(), lab));
  const std::vector<std::string> command = {"run",           "ndr", "--contender", "tcx",
                                            "--repetitions", "2",   "--out",       out_};
  const pid_t first = start(command);
  const std::string file = out_ + "/ndr.jsonl";
  await(first, [&] { return samples_in(file) >= 1; });
  kill(first, SIGKILL);
  ASSERT_EQ(finish(first), 128 + SIGKILL) << log();
  ASSERT_EQ(samples_in(file), 1U) << log();
  std::ofstream(words, std::ios::app) << "measured tcx 2 8000 1 8100 1 8500 13\ndone\n";
  EXPECT_EQ(finish(start(command)), 0) << log();
  run("umount " + lab);
  std::stringstream asked;
  asked << std::ifstream(calls).rdbuf();
  EXPECT_NE(asked.str().find(" tcx:1 2 "), std::string::npos) << asked.str();
  EXPECT_NE(asked.str().find(" tcx:2 2 "), std::string::npos) << asked.str();
  std::vector<std::array<int, 3>> searches;  // number, boot, NDR
  for (const json& line : lines_of(file))
    if (line.contains("metrics"))
      searches.push_back(
          {line["repetition"].get<int>(), line["boot"].get<int>(), line["metrics"]["ndr_pps"].get<int>()});
  EXPECT_EQ(searches, (std::vector<std::array<int, 3>>{{1, 1, 9000}, {2, 2, 8000}}));
}

TEST_F(BenchTest, TellsWhatIsWrongWithTheCommand) {
  const auto refuses = [](const std::string& arguments, const std::string& expected) {
    std::string output;
    EXPECT_NE(run_status(kBench + " " + arguments, &output), 0) << arguments;
    EXPECT_NE(output.find(expected), std::string::npos) << output;
  };
  refuses("run nosuch --out " + out_, "there is no scenario 'nosuch'");
  refuses("run delivery --contender nosuch --out " + out_, "there is no contender 'nosuch'");
  refuses("run tap-qdisc --contender xdpfwd --out " + out_, "tap-qdisc takes no --contender");
  refuses("run failover --contender tcx --out " + out_, "choose from: xdpfwd-bridge");
  refuses("run all --contender nosuch --out " + out_, "there is no contender 'nosuch'");
  refuses("run delivery --rx-cpu 0 --tx-cpu 0 --out " + out_, "--rx-cpu");
  refuses("run delivery --tier lab --out " + out_, "--tier chooses among 'all'");
  refuses("hold xdpfwd --uplink 'lo; true'", "lo; true");
  refuses("hold xdpfwd --uplink lo --vlan 65636", "--vlan");
  refuses("search --max-load inf", "--max-load");
  refuses("report " + out_ + "/nosuch", "nosuch");
  refuses("compare " + out_ + " " + out_, "No such file");
}

}  // namespace
}  // namespace xdpfwd::test
