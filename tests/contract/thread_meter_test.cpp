// SPDX-License-Identifier: BSD-2-Clause
// Readings and moves of real NAPI threads. Program and files tell the same, also that a thread has ended;
// each is moved where it should be and no other, nobody who got the number of a thread that ended, and no
// interrupt but one that is the NIC's.
#include "kernel/thread_meter.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <linux/seccomp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <optional>
#include <thread>

#include "kernel/host_file.h"
#include "kernel/host_knobs.h"
#include "kernel/interrupts.h"
#include "kernel/napi_knobs.h"
#include "kernel/thread_schedule.h"
#include "namesake.h"
#include "support/sandbox.h"
#include "support/scratch_directory.h"

namespace xdpfwd::test {
namespace {

using namespace std::chrono_literals;

// Of this thread alone.
void keep_capabilities(std::initializer_list<unsigned> kept) {
  __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
  std::array<__user_cap_data_struct, 2> sets{};
  for (const unsigned one : kept) sets[one / 32].permitted = sets[one / 32].effective |= 1U << one % 32;
  ASSERT_EQ(syscall(SYS_capset, &header, sets.data()), 0);
}

// To this thread alone: EPERM, whatever it asks of BPF.
void lose_bpf() {
  std::array filter{sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                    sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_bpf, 0, 1),
                    sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                    sock_filter BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog program{.len = filter.size(), .filter = filter.data()};
  ASSERT_EQ(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program), 0);
}

void send_a_frame(uint32_t ifindex) {
  const UniqueFd socket(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0));
  ASSERT_TRUE(socket);
  sockaddr_ll to{};
  to.sll_family = AF_PACKET;
  to.sll_ifindex = static_cast<int>(ifindex);
  const std::array<char, 60> frame{};
  ASSERT_EQ(
      sendto(socket.get(), frame.data(), frame.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to),
      60);
}

// A /proc of a kernel with one PID namespace, whose processes tell nothing but what is put.
class FakeProc {
 public:
  FakeProc() { std::filesystem::create_directories(folder_ / "self/ns"); }
  [[nodiscard]] HostRoots roots() const { return {.proc = folder_ / "."}; }
  void put_schedstat(const NapiInstance& napi, const std::string& text) const {
    const std::string folder = folder_ / std::to_string(napi.pid);
    std::filesystem::create_directory(folder);
    std::ofstream(folder + "/schedstat") << text << '\n';
  }

 private:
  ScratchDirectory folder_;
};

class ThreadMeterOnVeth : public testing::Test {
 protected:
  void SetUp() override {
    XDPFWD_NEEDS_ROOT();
    auto knobs = HostKnobs::open();
    auto netdev = NetdevFamily::open();
    ASSERT_TRUE(knobs && netdev);
    knobs_.emplace(std::move(*knobs));
    netdev_.emplace(std::move(*netdev));
    // No frames but the tests'.
    run("[ ! -e /proc/sys/net/ipv6 ] || echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6");
    run("ip link add eth0 numrxqueues 4 numtxqueues 4 type veth peer name eth1 numrxqueues 4 numtxqueues 4");
    run("ip link set eth0 up && ip link set eth1 up && ethtool -K eth0 gro on");
    run("echo 1 >/sys/class/net/eth0/threaded");
    nic_ = {.ifindex = ifindex_of("eth0"), .name = InterfaceName::parse("eth0").value()};
    instances_ = read_napi_instances(*netdev_, {}, nic_);
    ASSERT_EQ(instances_.size(), 4U);
    for (const NapiInstance& one : instances_) threads_.push_back({.nic = nic_, .napi = one.id});
  }
  void TearDown() override {
    if (knobs_) run_status("ip link del eth0");
  }
  std::unique_ptr<ThreadMeter> meter() {
    auto made = knobs_->meter_threads(threads_);
    EXPECT_TRUE(made) << made.error().text();
    return made ? std::move(*made) : nullptr;
  }
  std::unique_ptr<ThreadMeter> meter_with(
      const Result<std::shared_ptr<ThreadTimer>>& timer, const HostRoots& roots = {},
      const Result<std::shared_ptr<PollMeter>>& polls = fail("nobody asked")) {
    auto made = xdpfwd::meter_threads(
        *netdev_, roots, threads_, [](const TunedDevice&) { return std::vector<Queue>(); }, timer, polls);
    EXPECT_TRUE(made) << made.error().text();
    return made ? std::move(*made) : nullptr;
  }
  [[nodiscard]] pid_t thread(size_t nth) const { return static_cast<pid_t>(instances_.at(nth).pid); }

  std::optional<HostKnobs> knobs_;
  std::optional<NetdevFamily> netdev_;
  TunedDevice nic_;
  std::vector<NapiInstance> instances_;
  std::vector<NapiThread> threads_;
};

TEST_F(ThreadMeterOnVeth, AThreadGoesWhereItIsSent) {
  const std::string all = read_thread_cpus(thread(1)).value();
  const auto meter = this->meter();
  ASSERT_TRUE(meter);
  for (const uint32_t cpu : {0U, 1U, 1U, 0U}) {
    const auto moved = meter->move_thread(2, cpu);
    ASSERT_TRUE(moved) << moved.error().text();
    EXPECT_EQ(read_thread_cpus(thread(2)), std::to_string(cpu));
  }
  EXPECT_EQ(read_thread_cpus(thread(1)), all) << "no other";
  EXPECT_EQ(meter->move_thread(2, 9999).error().code, EINVAL);
  EXPECT_EQ(read_thread_cpus(thread(2)), "0");
  EXPECT_TRUE(meter->read());
}

TEST_F(ThreadMeterOnVeth, ProgramAndFilesTellTheSame) {
  const auto timer = ThreadTimer::load();
  if (!timer && kernel_is_before(6, 12)) GTEST_SKIP() << "a kernel whose files are read";
  ASSERT_TRUE(timer) << timer.error().text();
  const auto program = meter_with(timer), files = meter_with(fail("no program"));
  ASSERT_TRUE(program && files);
  EXPECT_FALSE(program->one_by_one()) << program->one_by_one()->text();
  EXPECT_EQ(files->one_by_one().value().message, "no program");
  run("ethtool -K eth1 tso off");  // else veth leaves single frames to softirqs
  const auto first = program->read().value();
  bool has_run = false;
  for (const auto until = std::chrono::steady_clock::now() + 10s;
       !has_run && std::chrono::steady_clock::now() < until;) {
    send_a_frame(ifindex_of("eth1"));
    const auto before = files->read().value(), now = program->read().value(), after = files->read().value();
    for (size_t i = 0; i < threads_.size(); ++i) {
      EXPECT_LE(before[i].ran_ns, now[i].ran_ns);
      EXPECT_LE(now[i].ran_ns, after[i].ran_ns);
      EXPECT_LE(before[i].waited_ns, now[i].waited_ns);
      EXPECT_LE(now[i].waited_ns, after[i].waited_ns);
      EXPECT_LE(before[i].time_ns, now[i].time_ns);
      EXPECT_LE(now[i].time_ns, after[i].time_ns);
      has_run = has_run || now[i].ran_ns > first[i].ran_ns;
    }
  }
  EXPECT_TRUE(has_run) << "a frame came, and no thread ran";
}

// What this process has attached.
long links() {
  return std::ranges::count_if(std::filesystem::directory_iterator("/proc/self/fd"), [](const auto& entry) {
    std::error_code gone;  // the directory's own
    return std::filesystem::read_symlink(entry.path(), gone).string().find("bpf_link") != std::string::npos;
  });
}

// Since the meter was made, of these instances alone, as long as somebody meters them.
TEST_F(ThreadMeterOnVeth, PollsAreCounted) {
  run("ethtool -K eth1 tso off");  // else veth leaves single frames to softirqs
  const auto polls = PollMeter::load();
  ASSERT_TRUE(polls) << polls.error().text();
  const auto total = [](ThreadMeter& meter) {
    PollWork sum;
    for (const ThreadTimes& times : meter.read().value()) {
      EXPECT_TRUE(times.work);
      sum.polls += times.work.value_or(PollWork()).polls;
      sum.packets += times.work.value_or(PollWork()).packets;
    }
    return sum;
  };
  const auto until = std::chrono::steady_clock::now() + 10s;
  const auto send = [&](ThreadMeter& meter, uint64_t frames) {
    const uint64_t before = total(meter).packets;
    for (uint64_t i = 0; i < frames; ++i) send_a_frame(ifindex_of("eth1"));
    while (total(meter).packets < before + frames && std::chrono::steady_clock::now() < until)
      std::this_thread::yield();
    return total(meter).packets - before;
  };
  const auto first = meter_with(fail("no program"), {}, polls);
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->uncounted());
  const PollWork nothing = total(*first);
  EXPECT_EQ(send(*first, 20), 20U);
  EXPECT_GT(total(*first).polls, nothing.polls);
  {
    const auto second = meter_with(fail("no program"), {}, polls);
    ASSERT_TRUE(second);
    EXPECT_EQ(send(*second, 5), 5U);
  }
  EXPECT_EQ(send(*first, 3), 3U) << "another who metered them has gone";
  threads_.resize(1);
  const auto one = meter_with(fail("no program"), {}, polls);
  ASSERT_TRUE(one);
  EXPECT_EQ(one->read().value().size(), 1U);
}

TEST_F(ThreadMeterOnVeth, PollsThatNobodyMetersAreNotCounted) {
  const auto polls = PollMeter::load();
  ASSERT_TRUE(polls) << polls.error().text();
  EXPECT_EQ(links(), 0);
  {
    const auto meter = meter_with(fail("no program"), {}, polls);
    ASSERT_TRUE(meter);
    EXPECT_EQ(links(), 1);
  }
  EXPECT_EQ(links(), 0) << "it costs no poll anything when it has forgotten them";
  const uint32_t napi = instances_[0].id;
  const uint32_t place = (*polls)->count(napi).value();
  EXPECT_EQ((*polls)->count(napi), place) << "twice";
  EXPECT_NE((*polls)->count(instances_[1].id), place);
  (*polls)->forget(place);
  EXPECT_EQ((*polls)->count(napi), place) << "once is left";
  (*polls)->forget(place);
  (*polls)->forget(place);
  EXPECT_EQ((*polls)->count(instances_[2].id), place) << "it was free";
  // No ids of this kernel's, which begin at the number of CPUs that it is built for.
  constexpr uint32_t kNobody = 1U << 30;
  for (uint32_t other = 1; other <= PollMeter::kMostNapis - 2; ++other)
    ASSERT_TRUE((*polls)->count(kNobody + other)) << other;
  EXPECT_EQ((*polls)->count(napi).error().code, ENOSPC);
  const auto meter = meter_with(fail("no program"), {}, polls);
  ASSERT_TRUE(meter);
  EXPECT_TRUE(meter->uncounted());
  const auto read = meter->read().value();
  EXPECT_FALSE(read[0].work);
  EXPECT_TRUE(read[2].work);
}

TEST_F(ThreadMeterOnVeth, WhoGetsTheNumberOfAThreadIsNotMoved) {
  const auto meter = this->meter(), files = meter_with(fail("no program"));
  ASSERT_TRUE(meter && files);
  run("ip link set eth0 down");
  // Whoever stops a thread waits until it ends, not until its number is free.
  const auto until = std::chrono::steady_clock::now() + 10s;
  const auto has_number = [](const NapiInstance& one) { return kill(static_cast<pid_t>(one.pid), 0) == 0; };
  while (std::ranges::any_of(instances_, has_number) && std::chrono::steady_clock::now() < until)
    std::this_thread::yield();
  EXPECT_EQ(meter->move_thread(1, 0).error().code, ESRCH);
  ASSERT_FALSE(meter->read());
  EXPECT_EQ(meter->read().error(), files->read().error());
  // All have, as it is the first that ended which is told.
  const Namesake first(thread(0)), other(thread(1)), third(thread(2)), fourth(thread(3));
  ASSERT_TRUE(first.number() == thread(0) && other.number() == thread(1));
  const std::string all = read_thread_cpus(other.number()).value();
  ASSERT_NE(all, "0") << "this test needs two CPUs";
  ASSERT_FALSE(meter->read());
  EXPECT_EQ(meter->read().error().code, ESRCH);
  EXPECT_EQ(meter->read().error(), files->read().error());
  EXPECT_EQ(meter->move_thread(1, 0).error().code, ESRCH);
  EXPECT_EQ(read_thread_cpus(other.number()), all);
}

// What is to be done is not the same.
TEST_F(ThreadMeterOnVeth, WhyAThreadsFileIsNotOpenedIsTold) {
  const auto why = [&](const HostRoots& roots) {
    const auto made = xdpfwd::meter_threads(
        *netdev_, roots, threads_, [](const TunedDevice&) { return std::vector<Queue>(); },
        fail("no program"), fail("nobody asked"));
    EXPECT_FALSE(made);
    return made ? Error() : made.error();
  };
  const FakeProc proc;
  EXPECT_EQ(why(proc.roots()).code, ESRCH) << "it has ended";
  std::filesystem::create_directory(fmt::format("{}/{}", proc.roots().proc, thread(0)));
  EXPECT_EQ(why(proc.roots()).remedy, "the kernel needs CONFIG_SCHED_INFO");
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  const UniqueFd first_free(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  // Its /proc/self/ns takes one for a while, each thread one for good.
  const rlimit few{.rlim_cur = static_cast<rlim_t>(first_free.get()) + 3, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  const Error error = why({});
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(error.code, EMFILE);
  EXPECT_NE(error.remedy.find("LimitNOFILE="), std::string::npos) << error.text();
}

// Files that never change: whose reading does was not read by them.
TEST_F(ThreadMeterOnVeth, WhereTheyAgreeTheProgramIsRead) {
  const auto timer = ThreadTimer::load();
  if (!timer && kernel_is_before(6, 12)) GTEST_SKIP() << "a kernel whose files are read";
  run("ethtool -K eth1 tso off");
  const auto until = std::chrono::steady_clock::now() + 10s;
  std::unique_ptr<ThreadMeter> meter;
  do {  // until none of them runs meanwhile
    const FakeProc proc;
    for (const NapiInstance& one : instances_)
      proc.put_schedstat(one, read_host_file(fmt::format("/proc/{}/schedstat", one.pid)).value());
    meter = meter_with(timer, proc.roots());
    ASSERT_TRUE(meter);
  } while (meter->one_by_one() && std::chrono::steady_clock::now() < until);
  ASSERT_FALSE(meter->one_by_one()) << meter->one_by_one()->text();
  const auto first = meter->read().value();
  const auto ran = [&] {
    send_a_frame(ifindex_of("eth1"));
    return !std::ranges::equal(meter->read().value(), first, {}, &ThreadTimes::ran_ns, &ThreadTimes::ran_ns);
  };
  while (!ran()) ASSERT_LT(std::chrono::steady_clock::now(), until);
}

// As in another PID namespace: the files that the numbers lead to are of other threads than the kernel's.
TEST_F(ThreadMeterOnVeth, WhereNumbersAreOthersTheFilesAreRead) {
  const FakeProc proc;
  for (const NapiInstance& one : instances_) proc.put_schedstat(one, "7 5 3");
  const auto meter = meter_with(ThreadTimer::load(), proc.roots());
  ASSERT_TRUE(meter);
  EXPECT_TRUE(meter->one_by_one());
  const auto read = meter->read().value();
  EXPECT_EQ(std::pair(read[3].ran_ns, read[3].waited_ns), std::pair(7UL, 5UL));
}

TEST_F(ThreadMeterOnVeth, WhereTheProgramFailsLaterTheFilesAreReadUntilItDoesNot) {
  const auto timer = ThreadTimer::load();
  if (!timer && kernel_is_before(6, 12)) GTEST_SKIP() << "a kernel whose files are read";
  const auto meter = meter_with(timer);
  ASSERT_TRUE(meter);
  ASSERT_FALSE(meter->one_by_one()) << meter->one_by_one()->text();
  std::thread([&] {
    lose_bpf();
    EXPECT_TRUE(meter->read());
    EXPECT_TRUE(meter->one_by_one());
  }).join();
  EXPECT_TRUE(meter->read());
  EXPECT_FALSE(meter->one_by_one());
}

TEST_F(ThreadMeterOnVeth, WhereTheProgramIsRefusedTheFilesAreRead) {
  std::thread([&] {
    keep_capabilities({CAP_NET_ADMIN, CAP_SYS_NICE});
    EXPECT_EQ(ThreadTimer::load().error().code, EPERM);
    const auto meter = this->meter();
    ASSERT_TRUE(meter);
    EXPECT_TRUE(meter->one_by_one());
    EXPECT_TRUE(meter->uncounted());
    const auto read = meter->read();
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_GT(read->at(0).ran_ns, 0U);
    EXPECT_FALSE(read->at(0).work);
  }).join();
}

TEST(ThreadTimer, TheUnitsCapabilitiesAreEnough) {
  XDPFWD_NEEDS_ROOT();
  if (!ThreadTimer::load() && kernel_is_before(6, 12)) GTEST_SKIP() << "a kernel whose files are read";
  std::thread([] {
    keep_capabilities({CAP_NET_ADMIN, CAP_SYS_NICE, CAP_BPF, CAP_PERFMON});
    const auto timer = ThreadTimer::load();
    ASSERT_TRUE(timer) << timer.error().text();
    EXPECT_TRUE(PollMeter::load());
    const std::vector<pid_t> many(ThreadTimer::kMostThreads + 1, getpid());
    const auto all = (*timer)->read(std::span(many).first(ThreadTimer::kMostThreads));
    ASSERT_EQ(all.size(), ThreadTimer::kMostThreads);
    EXPECT_TRUE(is_of_thread(all.back(), all.front().started_ns));
    EXPECT_TRUE((*timer)->read(many).empty()) << "the table has no room for them";
  }).join();
}

// By a number alone, nobody is known.
TEST(ThreadTimer, TellsAThreadFromWhoeverHasItsNumberLater) {
  const xdpfwd_thread_times there{
      .started_ns = 40, .ran_ns = 10, .waited_ns = 20, .time_ns = 90, .thread = 4, .found = 1};
  EXPECT_TRUE(is_of_thread(there, 40));
  EXPECT_FALSE(is_of_thread(there, 41));
  auto gone = there;
  gone.found = 0;
  EXPECT_FALSE(is_of_thread(gone, 40));
  const ThreadTimes early{.ran_ns = 10, .waited_ns = 19}, late{.ran_ns = 11, .waited_ns = 20};
  EXPECT_TRUE(lies_between(early, there, late));
  EXPECT_FALSE(lies_between(early, gone, late));
  EXPECT_FALSE(lies_between({.ran_ns = 11, .waited_ns = 19}, there, late));
  EXPECT_FALSE(lies_between({.ran_ns = 10, .waited_ns = 21}, there, late));
  EXPECT_FALSE(lies_between(early, there, {.ran_ns = 9, .waited_ns = 20}));
  EXPECT_FALSE(lies_between(early, there, {.ran_ns = 11, .waited_ns = 19}));
}

TEST_F(ThreadMeterOnVeth, AnInstanceWithoutAThreadHasNoMeter) {
  run("ip link set eth0 down && ip link set eth0 up");
  EXPECT_EQ(knobs_->meter_threads(threads_).error().code, ESRCH);
}

// veth has none: whichever is named is somebody else's.
TEST_F(ThreadMeterOnVeth, AnInterruptThatIsNotTheNicsStays) {
  for (const auto& entry : std::filesystem::directory_iterator("/sys/kernel/irq")) {
    threads_[1].irq = static_cast<uint32_t>(std::stoul(entry.path().filename().string()));
    if (threads_[1].irq == 0 || !read_handlers({}, threads_[1].irq)) continue;
    const auto before = read_affinity({}, threads_[1].irq);
    const auto meter = this->meter();
    ASSERT_TRUE(meter);
    EXPECT_EQ(meter->move_interrupt(1, 0).error().code, ENODEV);
    EXPECT_EQ(read_affinity({}, threads_[1].irq), before);
    return;
  }
  FAIL() << "a machine without interrupts";
}

// The kernel lets nobody write to those whose file says so; root it asks afterwards.
TEST(MoveInterrupt, OneThatTheKernelManagesRefuses) {
  XDPFWD_NEEDS_ROOT();
  for (const auto& entry : std::filesystem::directory_iterator("/sys/kernel/irq")) {
    const std::string number = entry.path().filename().string();
    const auto irq = static_cast<uint32_t>(std::stoul(number));
    struct stat file{};
    if (::stat(("/proc/irq/" + number + "/smp_affinity_list").c_str(), &file) != 0) continue;
    const auto handlers = read_handlers({}, irq);
    const auto before = read_affinity({}, irq);
    if ((file.st_mode & S_IWUSR) != 0 || !handlers || before == "0") continue;
    EXPECT_EQ(move_interrupt({}, irq, *handlers, 0).error().code, EIO) << number;
    EXPECT_EQ(set_affinity({}, irq, "0").error().code, EIO) << number;
    EXPECT_EQ(read_affinity({}, irq), before) << number;
  }
}

}  // namespace
}  // namespace xdpfwd::test
