// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/interrupts.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <optional>

#include "base/unique_fd.h"
#include "core/cpus.h"

namespace xdpfwd {
namespace {

// 4096 interrupts on 512 CPUs, twelve characters each.
constexpr size_t kLargestTable = 32UL << 20;

std::string_view take_line(std::string_view& rest) {
  const size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

std::optional<uint32_t> number_of(std::string_view text) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::string lower(std::string_view text) {
  std::string lowered(text);
  for (char& c : lowered)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return lowered;
}

// What follows the device's name, which stands at the beginning or behind a '-': "eth0-rx-1",
// "i40e-eth0-TxRx-1".
std::optional<std::string_view> behind_name(std::string_view name, std::string_view device) {
  for (size_t at = name.find(device); at != std::string_view::npos; at = name.find(device, at + 1)) {
    const bool starts = at == 0 || name[at - 1] == '-';
    const std::string_view rest = name.substr(at + device.size());
    if (starts && (rest.empty() || rest.front() == '-')) return rest;
  }
  return std::nullopt;
}

// NAME-KIND-3. A kind like "-tx" without "rx" sends only.
std::optional<uint32_t> queue_by_kind(std::string_view name, std::string_view device, bool sends_only) {
  const auto rest = behind_name(name, device);
  if (!rest || rest->empty()) return std::nullopt;
  const size_t dash = rest->rfind('-');
  const std::string kind = lower(rest->substr(0, dash));
  if ((kind.starts_with("-tx") && kind.find("rx") == std::string::npos) != sends_only) return std::nullopt;
  return number_of(rest->substr(dash + 1));
}

std::optional<uint32_t> queue_behind(std::string_view name, std::string_view bus, std::string_view kind) {
  if (bus.empty() || !name.starts_with(bus) || !name.substr(bus.size()).starts_with(kind))
    return std::nullopt;
  return number_of(name.substr(bus.size() + kind.size()));
}

// The receive queue that an interrupt of this name serves.
std::optional<uint32_t> queue_of(std::string_view name, std::string_view device, std::string_view bus) {
  if (!bus.empty() && name.starts_with("mlx5_comp")) {
    const size_t at = name.find('@');
    if (at == std::string_view::npos || !name.substr(at).ends_with(bus)) return std::nullopt;
    return number_of(name.substr(9, at - 9));
  }
  if (const auto queue = queue_behind(name, bus, "-input.")) return queue;
  return queue_by_kind(name, device, false);
}

// Kernels said EIO; 6.18 says EPERM, whatever the writer may do.
std::unexpected<Error> nobody_may_move(uint32_t interrupt) {
  return fail(fmt::format("the kernel lets nobody move interrupt {}", interrupt), {}, EIO);
}

}  // namespace

std::vector<Interrupt> parse_interrupts(std::string_view text) {
  std::vector<Interrupt> interrupts;
  (void)take_line(text);  // the CPUs
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const size_t first = std::min(line.find_first_not_of(' '), colon);
    const auto number = number_of(line.substr(first, colon - first));
    const size_t last = line.find_last_not_of(" \t");
    if (!number || last <= colon) continue;  // "NMI:" and such
    const std::string_view filled = line.substr(0, last + 1);
    const size_t before = filled.find_last_of(" \t");
    interrupts.push_back({.number = *number, .name = std::string(filled.substr(before + 1))});
  }
  return interrupts;
}

std::vector<uint32_t> match_interrupts(const std::vector<Interrupt>& interrupts, std::string_view device,
                                       std::string_view bus, uint32_t count) {
  std::vector<uint32_t> queues(count);
  if (device.empty()) return queues;
  for (const Interrupt& interrupt : interrupts) {
    const auto queue = queue_of(interrupt.name, device, bus);
    if (queue && *queue < count && queues[*queue] == 0) queues[*queue] = interrupt.number;
  }
  // A NIC with one interrupt for everything.
  const auto alone = std::ranges::find(interrupts, device, &Interrupt::name);
  if (count == 1 && queues[0] == 0 && alone != interrupts.end()) queues[0] = alone->number;
  return queues;
}

std::vector<uint32_t> match_tx_interrupts(const std::vector<Interrupt>& interrupts, std::string_view device,
                                          std::string_view bus, uint32_t count) {
  std::vector<uint32_t> queues(count);
  if (device.empty()) return queues;
  for (const Interrupt& interrupt : interrupts) {
    auto queue = queue_behind(interrupt.name, bus, "-output.");
    if (!queue) queue = queue_by_kind(interrupt.name, device, true);
    if (queue && *queue < count && queues[*queue] == 0) queues[*queue] = interrupt.number;
  }
  return queues;
}

std::vector<Interrupt> read_interrupts(const HostRoots& roots) {
  const auto text = read_host_file(roots.proc + "/interrupts", kLargestTable);
  return text ? parse_interrupts(*text) : std::vector<Interrupt>{};
}

std::string bus_name(const HostRoots& roots, const InterfaceName& device) {
  char target[PATH_MAX];
  const ssize_t size = readlink(fmt::format("{}/class/net/{}/device", roots.sys, device.view()).c_str(),
                                target, sizeof(target));
  if (size <= 0) return {};
  const std::string_view path(target, static_cast<size_t>(size));
  return std::string(path.substr(path.rfind('/') + 1));
}

Result<std::string> read_affinity(const HostRoots& roots, uint32_t interrupt) {
  const auto text = read_host_file(fmt::format("{}/irq/{}/smp_affinity_list", roots.proc, interrupt));
  if (!text) return std::unexpected(text.error());
  const auto cpus = parse_cpu_list(*text);
  if (!cpus) return std::unexpected(cpus.error());
  return cpu_list_text(*cpus);
}

Result<void> set_affinity(const HostRoots& roots, uint32_t interrupt, std::string_view cpus) {
  const auto parsed = parse_cpu_list(cpus);
  if (!parsed) return std::unexpected(parsed.error());
  if (parsed->empty()) return fail("an interrupt needs a CPU", "name one: '3'", EINVAL);
  auto written = write_host_file(fmt::format("{}/irq/{}/smp_affinity_list", roots.proc, interrupt),
                                 cpu_list_text(*parsed));
  if (!written && written.error().code == EPERM) return nobody_may_move(interrupt);
  return written;
}

Result<std::string> read_handlers(const HostRoots& roots, uint32_t interrupt) {
  auto text = read_host_file(fmt::format("{}/kernel/irq/{}/actions", roots.sys, interrupt));
  if (text && !text->empty()) return text;
  return fail(fmt::format("interrupt {} is nobody's", interrupt), "look again: a reset gives new numbers",
              ENODEV);
}

// The file is opened first, and is of the interrupt that has this number then: when that one is gone, writing
// to it fails, whoever has the number next. Whose it is is asked in between, so nobody else's interrupt can
// be moved. What is left is a driver that gives one of its own interrupts to another queue in that moment.
Result<void> move_interrupt(const HostRoots& roots, uint32_t interrupt, std::string_view handlers,
                            uint32_t cpu) {
  const std::string path = fmt::format("{}/irq/{}/smp_affinity_list", roots.proc, interrupt);
  const auto cannot = [&](int code) {
    return fail_errno(fmt::format("cannot move interrupt {} to CPU {}", interrupt, cpu), code);
  };
  const UniqueFd file(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!file) return cannot(errno == ENOENT ? ENODEV : errno);
  const auto now = read_handlers(roots, interrupt);
  if (!now) return std::unexpected(now.error());
  if (*now != handlers)
    return fail(fmt::format("interrupt {} is {} now, and was {}", interrupt, *now, handlers),
                "look again: a reset gives new numbers", ENODEV);
  const std::string wanted = fmt::format("{}\n", cpu);
  const auto read = [&] {
    char text[64];  // more than one CPU is another list anyway
    const ssize_t length = ::pread(file.get(), text, sizeof text, 0);
    return length < 0 ? std::string() : std::string(text, static_cast<size_t>(length));
  };
  if (read() == wanted) return {};
  if (::write(file.get(), wanted.data(), wanted.size()) < 0) {
    const int code = errno;
    if (code == EPERM) return nobody_may_move(interrupt);
    // EIO is also what the file of an interrupt that is gone says, but that one cannot be read either.
    return cannot(code == EIO && read().empty() ? ENODEV : code);
  }
  if (read() == wanted) return {};
  return fail(
      fmt::format("interrupt {} was moved to CPU {} without an error, and is elsewhere", interrupt, cpu),
      "leave this NIC's queues in another mode than auto", EOPNOTSUPP);
}

}  // namespace xdpfwd
