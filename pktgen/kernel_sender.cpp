// SPDX-License-Identifier: BSD-2-Clause
// Has the kernel's packet generator send: one device on one of its threads. It is one for the whole network
// namespace, so there is one run of it at a time.
#include "pktgen/kernel_sender.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cmath>
#include <fstream>
#include <ranges>
#include <sstream>
#include <thread>

#include "pktgen/netns.h"
#include "pktgen/worker_thread.h"

namespace xdpfwd::pktgen {
namespace {

constexpr const char* kFolder = "/proc/thread-self/net/pktgen";

Result<void> write_command(const std::string& file, const std::string& command) {
  const std::string path = fmt::format("{}/{}", kFolder, file);
  const UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd)
    return fail_errno(
        path, errno,
        "the kernel's packet generator is a module: 'modprobe pktgen', or choose another back end");
  // Whatever the last character is, pgctrl takes it for the end of the line.
  const std::string line = command + "\n";
  if (::write(fd.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()))
    return fail_errno(fmt::format("{} refuses '{}'", path, command), errno);
  return {};
}

Result<std::string> read_text(const std::string& file) {
  const std::string path = fmt::format("{}/{}", kFolder, file);
  std::ifstream stream(path);
  if (!stream) return fail_errno(path, errno);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

// The number in front of or behind a word, as in "Result: OK: 1000(c99+d901) usec, 10 (60byte,0frags)".
std::optional<uint64_t> number_after(std::string_view text, std::string_view word) {
  const size_t at = text.find(word);
  if (at == std::string_view::npos) return {};
  const char* begin = text.data() + at + word.size();
  while (begin < text.data() + text.size() && *begin == ' ') ++begin;
  uint64_t value = 0;
  if (std::from_chars(begin, text.data() + text.size(), value).ec != std::errc()) return {};
  return value;
}

class KernelSender final : public Sender {
 public:
  KernelSender(std::vector<std::string> commands, size_t streams, const SendOptions& options,
               NetNamespace netns)
      : commands_(std::move(commands)), streams_(streams), options_(options), netns_(std::move(netns)) {}
  ~KernelSender() override {
    stop();
    if (runner_.joinable()) runner_.join();
  }

  Result<void> prepare() {
    const auto inside = InNamespace::enter(netns_);
    if (!inside) return std::unexpected(inside.error());
    if (auto removed = write_command(thread_file(), "rem_device_all"); !removed) return removed;
    if (auto added = write_command(thread_file(), "add_device " + options_.devices[0]); !added) return added;
    for (const std::string& command : commands_)
      if (auto done = write_command(options_.devices[0], command); !done) return done;
    return {};
  }
  Result<void> start() override {
    // The write of "start" returns when the run is over.
    auto runner = start_worker("pktgen-kernel", {}, [this] {
      if (auto inside = netns_.enter(); !inside)
        error_ = inside.error();
      else if (auto done = write_command("pgctrl", "start"); !done && !stopping_)
        error_ = done.error();
      if (!error_) collect();
      ended_ = true;
    });
    if (!runner) return std::unexpected(runner.error());
    runner_ = std::move(*runner);
    if (options_.duration) {
      // pktgen.ko counts frames, not time.
      timer_ = std::jthread([this](const std::stop_token& token) {
        const auto end = std::chrono::steady_clock::now() + *options_.duration;
        while (!token.stop_requested() && std::chrono::steady_clock::now() < end)
          std::this_thread::sleep_for(std::chrono::milliseconds(5));
        stop();
      });
    }
    return {};
  }
  void stop() override {
    if (stopping_.exchange(true) || ended_) return;
    const auto inside = InNamespace::enter(netns_);
    if (inside) (void)write_command("pgctrl", "stop");
  }
  Result<SendReport> wait() override {
    if (runner_.joinable()) runner_.join();
    timer_ = {};
    if (error_) return std::unexpected(*error_);
    return report();
  }
  [[nodiscard]] bool finished() const override { return ended_; }
  [[nodiscard]] uint64_t frames_done() const override { return ended_ ? counts_.sent : 0; }
  Result<void> set_device(uint32_t, const std::string&) override {
    return fail("the kernel's packet generator cannot change its device while it sends",
                "choose another back end");
  }

 private:
  [[nodiscard]] SendReport report() const {
    SendReport report;
    // It goes through the sources in turn.
    for (size_t i = 0; i < streams_; ++i)
      report.per_stream.push_back(counts_.sent / streams_ + (i < counts_.sent % streams_ ? 1 : 0));
    report.devices.push_back({options_.devices[0], 0, counts_.errors, 0, 0});
    report.handed_over = counts_.sent;
    report.seconds = counts_.seconds;
    report.asked_pps = options_.pps;
    return report;
  }
  [[nodiscard]] std::string thread_file() const {
    return fmt::format("kpktgend_{}", options_.cpu.value_or(0));
  }
  void collect() {
    const auto text = read_text(options_.devices[0]);
    const auto counts =
        text ? parse_kernel_counts(*text) : Result<KernelCounts>(std::unexpected(text.error()));
    if (counts)
      counts_ = *counts;
    else
      error_ = counts.error();
  }

  std::vector<std::string> commands_;
  size_t streams_;
  SendOptions options_;
  NetNamespace netns_;
  KernelCounts counts_;
  std::optional<Error> error_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> ended_ = false;
  std::thread runner_;
  std::jthread timer_;
};

// Nanoseconds from a burst to the next: pktgen.ko paces these, not frames. Its "ratep" takes whole bursts a
// second only.
Result<uint64_t> kernel_delay(const SendOptions& options) {
  constexpr double kLongest = 9'999'999'999;  // ten digits are read
  constexpr uint64_t kNever = 0x7fff'ffff;    // means something else
  if (options.pps <= 0) return 0;
  const double delay = std::round(1e9 * options.burst / options.pps);
  if (delay > kLongest)
    return fail(
        fmt::format("the kernel's packet generator does not wait {:.0f} s between two bursts", delay / 1e9),
        "ask for more frames a second, or smaller bursts");
  const auto ns = static_cast<uint64_t>(delay);
  return ns == kNever ? ns + 1 : ns;
}

}  // namespace

Result<std::vector<std::string>> kernel_commands(const StreamSet& streams, const SendOptions& options) {
  const auto refuse = [](const std::string& what) {
    return fail("the kernel's packet generator does not send " + what, "choose another back end");
  };
  const size_t sources = streams.sources().size();
  if (streams.size() != sources)
    return refuse(fmt::format("{} streams, only those of one guest, size and device", streams.size()));
  if (options.poisson) return refuse("at random times");
  if (options.max_late != 0) return refuse("with a longest lag");
  const auto delay = kernel_delay(options);
  if (!delay) return std::unexpected(delay.error());
  const std::vector<uint8_t>& head = streams[0].sent_head;
  const auto mac = [&](size_t at) {
    std::array<uint8_t, 6> bytes{};
    std::copy_n(head.begin() + static_cast<std::ptrdiff_t>(at), 6, bytes.begin());
    return MacAddress(bytes).text();
  };
  std::vector<std::string> commands = {"count " + std::to_string(options.count.value_or(0)),
                                       "clone_skb 0",
                                       fmt::format("delay {}", *delay),
                                       fmt::format("dst_mac {}", mac(0)),
                                       fmt::format("src_mac {}", mac(6)),
                                       "dst 198.51.100.1",
                                       "src_min 192.0.2.1",
                                       fmt::format("src_max 192.0.2.{}", sources),
                                       fmt::format("burst {}", options.burst)};
  if (sources > 1) commands.push_back(fmt::format("src_mac_count {}", sources));
  const auto get16 = [&](size_t at) { return static_cast<uint32_t>(head[at]) << 8 | head[at + 1]; };
  if (get16(12) == kEtherTypeQinq) return refuse("802.1ad tags");
  std::vector<uint32_t> tags;  // from the outer one on
  size_t ip = kEthernetSize;
  for (; get16(ip - 2) == kEtherTypeVlan; ip += kVlanSize) tags.push_back(get16(ip));
  // "svlan" is the outer one of two, with 802.1Q's ethertype, and is taken after the inner one only.
  const char* name = "vlan";
  for (const uint32_t tag : tags | std::views::reverse) {
    commands.push_back(fmt::format("{}_id {}", name, tag & 0xfff));
    commands.push_back(fmt::format("{}_p {}", name, tag >> 13));
    name = "svlan";
  }
  const size_t size = streams[0].sent_size();
  const size_t payload = size - ip - kIpv4Size - kUdpSize;
  if (get16(ip + kIpv4Size + 4) != kUdpSize + payload)
    return refuse("a UDP payload that is shorter than the frame");
  // Its own stamp; shorter frames would be made longer.
  constexpr size_t kStamp = 16;
  if (payload < kStamp)
    return fail(fmt::format("the kernel's packet generator does not send such frames of {} bytes", size),
                fmt::format("choose {} or more", size - payload + kStamp));
  commands.push_back(fmt::format("pkt_size {}", size));
  return commands;
}

Result<KernelCounts> parse_kernel_counts(std::string_view text) {
  KernelCounts counts;
  const auto sent = number_after(text, "pkts-sofar:");
  const auto errors = number_after(text, "errors:");
  const auto started = number_after(text, "started:");
  const auto stopped = number_after(text, "stopped:");
  if (!sent || !errors || !started || !stopped)
    return fail("the kernel's packet generator says nothing of what it sent: " +
                std::string(text.substr(0, 200)));
  counts.sent = *sent;
  counts.errors = *errors;
  // "started: 12us  stopped: 34us"
  counts.seconds = static_cast<double>(*stopped - std::min(*started, *stopped)) / 1e6;
  return counts;
}

Result<std::unique_ptr<Sender>> make_kernel_sender(const StreamSet& streams, const SendOptions& options) {
  auto commands = kernel_commands(streams, options);
  if (!commands) return std::unexpected(commands.error());
  auto netns = NetNamespace::open(options.netns);
  if (!netns) return std::unexpected(netns.error());
  auto sender =
      std::make_unique<KernelSender>(std::move(*commands), streams.size(), options, std::move(*netns));
  if (auto prepared = sender->prepare(); !prepared) return std::unexpected(prepared.error());
  return sender;
}

}  // namespace xdpfwd::pktgen
