// SPDX-License-Identifier: BSD-2-Clause
// Runs the generator program by BPF_PROG_TEST_RUN with live frames, in a thread of its own. A second thread
// ends the call by a signal once the program has said that it is done, or on stop(); and every kSlice in
// between, because the kernel is inside one RCU read-side section for the whole call: where it preempts its
// own code, as by PREEMPT_LAZY, the default of Linux 7, the section would last as long as the run, and
// whatever waits for a grace period anywhere on the host, such as the replacement of an XDP program, would
// wait that long.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <cstdarg>
#include <cstring>
#include <mutex>
#include <thread>

#include "base/unique_fd.h"
#include "pktgen/generator.h"
#include "pktgen/netns.h"
#include "pktgen/pace.h"
#include "pktgen/sender.h"
#include "pktgen/tap.h"
#include "pktgen/worker_thread.h"
// clang-format off: the skeleton names types of pktgen/generator.h and must come after it
#include "generator.skel.h"
// clang-format on

namespace xdpfwd::pktgen {
namespace {

#ifndef BPF_F_TEST_XDP_LIVE_FRAMES
#define BPF_F_TEST_XDP_LIVE_FRAMES (1U << 1)
#endif

// The kernel counts runs in 32 bits and must not wrap; at 25 ns each this lasts for more than a minute.
constexpr uint32_t kRunsPerCall = 0xf000'0000;
// Not often: nothing is sent between two calls, and what is due then comes late (99th percentiles of latency
// were up to four times as high with slices of 50 ms). Less than a grace period may take before the kernel
// complains, which is 21 s.
constexpr std::chrono::milliseconds kSlice{2000};

template <typename T>
T peek(const T& shared) {
  return std::atomic_ref<T>(const_cast<T&>(shared)).load(std::memory_order_relaxed);
}
template <typename T>
void poke(T& shared, T value) {
  std::atomic_ref<T>(shared).store(value, std::memory_order_relaxed);
}

// What libbpf says while it loads: kept for the error message instead of printed.
class LibbpfMessages {
 public:
  LibbpfMessages() : lock_(mutex_), before_(libbpf_set_print(&LibbpfMessages::keep)) { text_.clear(); }
  ~LibbpfMessages() { libbpf_set_print(before_); }
  LibbpfMessages(const LibbpfMessages&) = delete;
  LibbpfMessages& operator=(const LibbpfMessages&) = delete;
  [[nodiscard]] std::string last_line() const {
    std::string text = text_;
    while (text.ends_with('\n')) text.pop_back();
    return text.substr(text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n') + 1);
  }

 private:
  static int keep(libbpf_print_level level, const char* format, va_list arguments) {
    if (level == LIBBPF_DEBUG) return 0;
    char line[512];
    std::vsnprintf(line, sizeof(line), format, arguments);
    text_ += line;
    return 0;
  }
  static inline std::mutex mutex_;
  static inline std::string text_;
  std::lock_guard<std::mutex> lock_;
  libbpf_print_fn_t before_;
};

struct SkeletonDeleter {
  void operator()(generator_bpf* skeleton) const { generator_bpf__destroy(skeleton); }
};
using Skeleton = std::unique_ptr<generator_bpf, SkeletonDeleter>;

Result<Skeleton> load(size_t stream_count, bool with_tracepoints) {
  LibbpfMessages messages;
  Skeleton skeleton(generator_bpf__open());
  if (!skeleton) return fail_errno("the generator program", errno);
  std::ranges::copy(fill_pattern(), const_cast<uint8_t*>(skeleton->rodata->pattern));
  std::ranges::copy(poisson_gaps_q16(), const_cast<uint32_t*>(skeleton->rodata->gaps_q16));
  bpf_map__set_max_entries(skeleton->maps.streams, static_cast<uint32_t>(stream_count));
  bpf_program__set_autoload(skeleton->progs.devmap_xmit, with_tracepoints);
  bpf_program__set_autoload(skeleton->progs.redirect_err, with_tracepoints);
  if (const int error = generator_bpf__load(skeleton.get()); error != 0)
    return fail_errno(
        fmt::format("loading the generator program ({})", messages.last_line()), -error,
        error == -EPERM ? "run as root" : "live frames need Linux 5.18; '--backend packet' does not");
  if (!with_tracepoints) return skeleton;
  for (const auto& [program, link] :
       {std::pair{skeleton->progs.devmap_xmit, &skeleton->links.devmap_xmit},
        std::pair{skeleton->progs.redirect_err, &skeleton->links.redirect_err}}) {
    *link = bpf_program__attach(program);
    if (*link == nullptr) return fail_errno("attaching to the xdp tracepoints", errno);
  }
  return skeleton;
}

// Every call puts its program into the kernel's dispatcher of XDP programs and takes it out again, and waits
// for a grace period each time: tens of milliseconds. One that is attached to a device is in it and stays; so
// this one is, to the loopback device of a namespace that nothing else is in.
class Residence {
 public:
  static Result<Residence> take(int program) {
    auto inside = InNamespace::enter_new();
    if (!inside) return std::unexpected(inside.error());
    Residence residence;
    auto here = NetNamespace::open("");
    if (!here) return std::unexpected(here.error());
    residence.netns_ = std::move(*here);
    constexpr int kLoopback = 1;
    LIBBPF_OPTS(bpf_link_create_opts, options, .flags = XDP_FLAGS_SKB_MODE);
    residence.link_.reset(bpf_link_create(program, kLoopback, BPF_XDP, &options));
    if (!residence.link_) return fail_errno("attaching the generator to a loopback device", errno);
    return residence;
  }

 private:
  NetNamespace netns_;
  UniqueFd link_;
};

class LiveSender final : public Sender {
 public:
  LiveSender(Skeleton skeleton, const StreamSet& streams, const SendOptions& options, NetNamespace netns)
      : skeleton_(std::move(skeleton)),
        options_(options),
        netns_(std::move(netns)),
        count_(streams.size()),
        frame_(streams.longest()),
        rows_size_(streams.size() * sizeof(generator_stream)) {}

  ~LiveSender() override {
    stop();
    join();
    if (rows_ != nullptr) ::munmap(rows_, rows_size_);
  }

  Result<void> prepare(const StreamSet& streams);
  Result<void> start() override;
  void stop() override {
    stopping_ = true;
    (void)!::eventfd_write(stop_event_.get(), 1);
  }
  Result<SendReport> wait() override {
    join();
    if (error_) return std::unexpected(*error_);
    return report();
  }
  [[nodiscard]] bool finished() const override { return ended_; }
  [[nodiscard]] uint64_t frames_done() const override {
    const generator_run& run = skeleton_->bss->run;
    return peek(run.sent) + peek(run.left_out) + peek(run.unsent);
  }
  Result<void> set_device(uint32_t member, const std::string& device) override;

 private:
  [[nodiscard]] SendReport report() const;
  void run();
  void watch();
  void join() {
    if (watcher_.joinable()) watcher_.join();  // first: it signals the runner
    if (runner_.joinable()) runner_.join();
  }

  Skeleton skeleton_;
  Residence residence_;
  SendOptions options_;
  NetNamespace netns_;
  size_t count_;
  std::vector<uint8_t> frame_;
  size_t rows_size_;
  generator_stream* rows_ = nullptr;  // the streams map, in our memory
  UniqueFd stop_event_;
  UniqueFd end_event_;
  std::thread runner_;
  std::thread watcher_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> ended_ = false;
  std::optional<Error> error_;
};

Result<void> LiveSender::prepare(const StreamSet& streams) {
  stop_event_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  end_event_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!stop_event_ || !end_event_) return fail_errno("eventfd", errno);

  void* memory = ::mmap(nullptr, rows_size_, PROT_READ | PROT_WRITE, MAP_SHARED,
                        bpf_map__fd(skeleton_->maps.streams), 0);
  if (memory == MAP_FAILED) return fail_errno("mapping the generator's streams", errno);
  rows_ = static_cast<generator_stream*>(memory);
  for (size_t i = 0; i < streams.size(); ++i) {
    const Stream& stream = streams[i];
    generator_stream row{};
    row.id = stream.id;
    row.device = static_cast<uint16_t>(stream.member);
    row.head_len = static_cast<uint16_t>(stream.sent_head.size());
    row.fill_len = static_cast<uint16_t>(stream.fill_size);
    row.fill_at = static_cast<uint16_t>(fill_start(stream.id));
    std::ranges::copy(stream.sent_head, row.head);
    rows_[i] = row;
  }

  bpf_prog_info info{};
  uint32_t info_size = sizeof(info);
  if (const int error = bpf_obj_get_info_by_fd(bpf_program__fd(skeleton_->progs.generate), &info, &info_size);
      error != 0)
    return fail_errno("asking for the generator program's id", -error);
  skeleton_->bss->generator_id = info.id;
  auto residence = Residence::take(bpf_program__fd(skeleton_->progs.generate));
  if (!residence) return std::unexpected(residence.error());
  residence_ = std::move(*residence);

  generator_run& run = skeleton_->bss->run;
  const Pace pace = Pace::of_pps(options_.pps);
  run.interval_q16 = pace.interval_q16();
  run.max_lag_q16 = pace.interval_q16() * options_.max_late;
  run.burst = options_.burst;
  run.in_burst = options_.burst - 1;
  run.poisson = options_.poisson ? 1 : 0;
  run.limit = options_.count.value_or(UINT64_MAX);
  run.duration_ns = options_.duration ? static_cast<uint64_t>(options_.duration->count()) : UINT64_MAX;
  run.frame_len = static_cast<uint32_t>(frame_.size());
  run.stream_count = static_cast<uint32_t>(count_);
  auto inode = netns_.inode();
  if (!inode) return std::unexpected(inode.error());
  run.netns = *inode;
  for (uint32_t member = 0; member < options_.devices.size(); ++member)
    if (auto done = set_device(member, options_.devices[member]); !done) return done;
  return {};
}

Result<void> LiveSender::set_device(uint32_t member, const std::string& device) {
  if (member >= PKTGEN_MAX_DEVICES)
    return fail(fmt::format("member {} of the sender", member),
                fmt::format("at most {} devices", PKTGEN_MAX_DEVICES));
  uint32_t ifindex = 0;
  if (!device.empty()) {
    auto inside = InNamespace::enter(netns_);
    if (!inside) return std::unexpected(inside.error());
    auto index = device_index(device);
    if (!index) return std::unexpected(index.error());
    ifindex = *index;
  }
  poke(skeleton_->bss->run.ifindex[member], ifindex);
  return {};
}

Result<void> LiveSender::start() {
  auto runner = start_worker("pktgen-live", options_.cpu, [this] { run(); });
  if (!runner) return std::unexpected(runner.error());
  runner_ = std::move(*runner);
  auto watcher = start_worker("pktgen-watch", {}, [this] { watch(); });
  if (!watcher) {
    stop();
    while (!ended_) {
      wake_up(runner_);
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return std::unexpected(watcher.error());
  }
  watcher_ = std::move(*watcher);
  return {};
}

void LiveSender::run() {
  accept_wake_up();
  if (auto entered = netns_.enter(); !entered) {
    error_ = entered.error();
  } else if (auto first = options_.realtime ? go_before_others() : Result<void>(); !first) {
    error_ = first.error();
  } else {
    LIBBPF_OPTS(bpf_test_run_opts, call);
    call.data_in = frame_.data();
    call.data_size_in = static_cast<uint32_t>(frame_.size());
    call.repeat = static_cast<int>(kRunsPerCall);
    call.flags = BPF_F_TEST_XDP_LIVE_FRAMES;
    call.batch_size = options_.batch;
    while (!stopping_ && peek(skeleton_->bss->run.done) == 0) {
      const int error = bpf_prog_test_run_opts(bpf_program__fd(skeleton_->progs.generate), &call);
      if (error == 0 || error == -EINTR || error == -EAGAIN) continue;
      error_ =
          Error{fmt::format("running the generator with live frames: {}", std::strerror(-error)),
                error == -EPERM ? "run as root" : "live frames need Linux 5.18; '--backend packet' does not",
                -error};
      break;
    }
  }
  ended_ = true;
  (void)!::eventfd_write(end_event_.get(), 1);
}

// The signal is lost when it comes just before the call; so it is repeated until the runner has ended. One
// that ends a slice and is lost makes that slice two.
void LiveSender::watch() {
  pollfd events[] = {{bpf_map__fd(skeleton_->maps.events), POLLIN, 0},
                     {stop_event_.get(), POLLIN, 0},
                     {end_event_.get(), POLLIN, 0}};
  while (!ended_) {
    const bool ending = stopping_ || peek(skeleton_->bss->run.done) != 0;
    if (ending) {
      wake_up(runner_);
      (void)::poll(&events[2], 1, 2);
    } else {
      if (::poll(events, std::size(events), kSlice.count()) == 0) wake_up(runner_);
    }
  }
}

SendReport LiveSender::report() const {
  SendReport report;
  report.per_stream.reserve(count_);
  for (size_t i = 0; i < count_; ++i) {
    report.per_stream.push_back(peek(rows_[i].sequence));
    report.handed_over += report.per_stream.back();
  }
  report.refused_known = skeleton_->links.devmap_xmit != nullptr;
  for (size_t i = 0; i < options_.devices.size(); ++i) {
    const generator_refusals& counts = skeleton_->bss->refusals[i];
    DeviceReport device{options_.devices[i], peek(counts.ring_full), peek(counts.error), 0,
                        static_cast<int>(peek(counts.last_errno))};
    report.refused += device.ring_full + device.errors;
    report.devices.push_back(std::move(device));
  }
  const generator_run& run = skeleton_->bss->run;
  report.left_out = peek(run.left_out);
  report.unsent = peek(run.unsent);
  report.asked_pps = options_.pps;
  const uint64_t start = peek(run.start_ns);
  const uint64_t last = peek(run.last_ns);
  // From the first frame to when the one after the last would have been due.
  if (last > start) report.seconds = static_cast<double>(last - start + (run.interval_q16 >> 16)) / 1e9;
  // Who was held up at the end has not kept the pace.
  const bool time_up = peek(run.done) != 0 && peek(run.sent) + report.left_out + report.unsent < run.limit;
  if (time_up && options_.duration)
    report.seconds = std::max(report.seconds, std::chrono::duration<double>(*options_.duration).count());
  return report;
}

}  // namespace

Result<std::unique_ptr<Sender>> make_live_sender(const StreamSet& streams, const SendOptions& options) {
  auto netns = NetNamespace::open(options.netns);
  if (!netns) return std::unexpected(netns.error());
  // Without the tracepoints the generator works as well; it only cannot tell what the devices refused.
  auto skeleton = load(streams.size(), true);
  if (!skeleton) skeleton = load(streams.size(), false);
  if (!skeleton) return std::unexpected(skeleton.error());
  auto sender = std::make_unique<LiveSender>(std::move(*skeleton), streams, options, std::move(*netns));
  if (auto prepared = sender->prepare(streams); !prepared) return std::unexpected(prepared.error());
  return sender;
}

}  // namespace xdpfwd::pktgen
