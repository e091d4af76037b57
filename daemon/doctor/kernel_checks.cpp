// SPDX-License-Identifier: BSD-2-Clause
// The kernel, what the process may do, and the daemon.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "doctor/checks.h"

namespace xdpfwd {
namespace {

void check_features(const HostFacts& facts, Findings& findings) {
  std::vector<std::string> there;
  for (const KernelFeature& feature : facts.features) {
    if (!feature.there) {
      findings.warn("kernel", feature.name, fmt::format("it could not be tried: {}", feature.why),
                    "run it as root");
    } else if (*feature.there) {
      there.push_back(feature.name);
    } else {
      const std::string what = fmt::format("this kernel ({}) does not have it: {}; it is for {}",
                                           facts.kernel_release, feature.why, feature.use);
      if (feature.needed)
        findings.fail("kernel", feature.name, what,
                      "use a kernel of a distribution that has it: Debian 12's 6.1 does");
      else
        findings.warn("kernel", feature.name, what, "a newer kernel; all else works without");
    }
  }
  if (!there.empty())
    findings.pass("kernel", facts.kernel_release, fmt::format("has {}", fmt::join(there, ", ")));
}

}  // namespace

void check_kernel(const Examined& examined, Findings& findings) {
  const HostFacts& facts = examined.facts;
  check_features(facts, findings);
  if (facts.lacking_capabilities.empty())
    findings.pass("capabilities", "doctor", "all that is needed");
  else
    findings.warn("capabilities", "doctor",
                  fmt::format("lacks {}", fmt::join(facts.lacking_capabilities, ", ")),
                  "run it as root; the daemon's unit grants them");
  if (facts.bpffs)
    findings.pass("bpffs", facts.bpffs_place, "is a BPF filesystem");
  else
    findings.fail("bpffs", facts.bpffs_place,
                  "is no BPF filesystem: what is pinned cannot outlive the daemon",
                  "mount -t bpf bpf /sys/fs/bpf");
  const auto memory = std::ranges::find(facts.features, "bpf-memory", &KernelFeature::name);
  if (memory != facts.features.end() && memory->there == false && memory->why == "Operation not permitted")
    findings.fail(
        "memlock", "doctor",
        fmt::format("memory for tables is refused with a limit of {} bytes", facts.memlock.value_or(0)),
        "ulimit -l unlimited, or LimitMEMLOCK=infinity in the unit");
  else
    findings.pass("memlock", "doctor",
                  facts.memlock ? fmt::format("{} bytes, and a table can be made", *facts.memlock)
                                : std::string("unlimited"));
}

void check_daemon(const Examined& examined, Findings& findings) {
  if (!examined.daemon) {
    findings.warn("daemon", "xdpfwd", fmt::format("none answers at {}", examined.settings.socket),
                  "systemctl start xdpfwd");
    return;
  }
  const StatusReport& status = *examined.daemon;
  const std::string what = fmt::format("{} is {}", status.version, status.state);
  if (status.state == "forwarding")
    findings.pass("daemon", "xdpfwd", what);
  else
    findings.warn("daemon", "xdpfwd", what, "xdpctl status");
  for (const Problem& problem : status.problems)
    if (!problem.waiting) findings.warn("daemon", problem.thing, problem.why, problem.remedy);
}

}  // namespace xdpfwd
