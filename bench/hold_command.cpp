// SPDX-License-Identifier: BSD-2-Clause
#include "bench/hold_command.h"

#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "bench/contender.h"
#include "core/net.h"
#include "pktgen/interrupt.h"
#include "pktgen/start_signal.h"

namespace xdpfwd::bench {
namespace {

class PresentSite final : public Site {
 public:
  static Result<std::unique_ptr<PresentSite>> make(const HoldRequest& request) {
    auto site = std::unique_ptr<PresentSite>(new PresentSite(request));
    const auto vlan = VlanTag::make(static_cast<uint16_t>(request.vlan));
    if (!vlan) return std::unexpected(vlan.error());
    for (unsigned guest = 0; guest < request.guests; ++guest)
      site->guests_.push_back({.name = fmt::format("vm{}", guest),
                               .tap = fmt::format("tap{}", guest),
                               .mac = MacAddress::from_bits(0x525400000000 + guest),
                               .vlan = *vlan});
    std::string folder = "/run/xdpfwd-bench-XXXXXX";
    if (::mkdtemp(folder.data()) == nullptr) return fail_errno(folder, errno);
    site->folder_ = folder;
    const std::string bpf = folder + "/bpf";
    if (::mkdir(bpf.c_str(), 0700) != 0 || ::mount("bpf", bpf.c_str(), "bpf", 0, nullptr) != 0)
      return fail_errno(bpf, errno, "run as root");
    return site;
  }
  ~PresentSite() override {
    ::umount2((folder_ + "/bpf").c_str(), MNT_DETACH);
    std::error_code failed;
    std::filesystem::remove_all(folder_, failed);
  }

  [[nodiscard]] std::vector<std::string> uplinks() const override { return request_.uplinks; }
  [[nodiscard]] std::vector<std::string> bridge_ports() const override {
    return request_.bridge_ports.empty() ? request_.uplinks : request_.bridge_ports;
  }
  [[nodiscard]] std::vector<std::string> taps() const override {
    std::vector<std::string> names;
    names.reserve(guests_.size());
    for (const pktgen::Guest& guest : guests_) names.push_back(guest.tap);
    return names;
  }
  [[nodiscard]] const std::vector<pktgen::Guest>& guests() const override { return guests_; }
  [[nodiscard]] const std::string& folder() const override { return folder_; }
  [[nodiscard]] const std::string& name() const override { return request_.contender; }
  [[nodiscard]] unsigned rx_cpu() const override { return 0; }
  [[nodiscard]] unsigned tx_cpu() const override { return 0; }
  [[nodiscard]] Result<pktgen::InNamespace> enter() const override {
    auto here = pktgen::NetNamespace::open("");
    if (!here) return std::unexpected(here.error());
    return pktgen::InNamespace::enter(*here);
  }

 private:
  explicit PresentSite(HoldRequest request) : request_(std::move(request)) {}
  HoldRequest request_;
  std::string folder_;
  std::vector<pktgen::Guest> guests_;
};

}  // namespace

int hold_contender(const HoldRequest& request) {
  pktgen::Interrupt interrupt;
  const auto complain = [](const Error& error, int status) {
    fmt::print(stderr, "xdpfwd-bench: {}\n", error.text());
    return status;
  };
  const ContenderKind* kind = find_contender(request.contender);
  if (kind == nullptr)
    return complain(
        {fmt::format("there is no contender '{}'", request.contender), "'xdpfwd-bench list' names them", 0},
        2);
  for (const auto& names : {request.uplinks, request.bridge_ports})
    for (const std::string& name : names)
      if (const auto parsed = InterfaceName::parse(name); !parsed) return complain(parsed.error(), 2);
  // It is not probed: that would be in a network namespace of its own, and what cannot start says so.
  const auto site = PresentSite::make(request);
  if (!site) return complain(site.error(), 1);
  for (const std::string& uplink : request.uplinks)
    if (auto set =
            (*site)->run(fmt::format("ethtool -K {} rxvlan {}", uplink, kind->tag_in_frame ? "off" : "on"));
        !set)
      return complain(set.error(), 1);
  const auto contender = kind->make();
  if (const auto started = contender->start(**site); !started) return complain(started.error(), 1);
  // The lab's scripts look for these lines (bench/lab/contenders.sh).
  if (kind->takes_all) fmt::print("takes all frames\n");
  if (!kind->delivers) fmt::print("delivers nothing\n");
  (void)std::fflush(stdout);
  if (!request.ready_file.empty())
    if (const auto told = pktgen::announce_ready(request.ready_file); !told) return complain(told.error(), 1);
  while (!interrupt.arrived()) {
    interrupt.wait(-1, std::chrono::milliseconds(500));
    for (const Child* child : contender->processes())
      if (!child->running()) return complain({"a process ended: " + child->last_words(), "", 0}, 1);
  }
  return 0;
}

}  // namespace xdpfwd::bench
