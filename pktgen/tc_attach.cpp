// SPDX-License-Identifier: BSD-2-Clause
#include "pktgen/tc_attach.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

namespace xdpfwd::pktgen {
namespace {

// Debian 12's headers do not have the names yet.
constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46);
constexpr auto kTcxEgress = static_cast<bpf_attach_type>(47);

}  // namespace

Result<UniqueFd> attach_tcx(int program, uint32_t ifindex, TcxSide side) {
  UniqueFd link(bpf_link_create(program, static_cast<int>(ifindex),
                                side == TcxSide::kEgress ? kTcxEgress : kTcxIngress, nullptr));
  if (!link) return fail_errno("attaching by tcx", errno, "tcx needs Linux 6.6");
  return link;
}

Result<void> attach_clsact(int program, uint32_t ifindex) {
  DECLARE_LIBBPF_OPTS(bpf_tc_hook, hook);
  hook.ifindex = static_cast<int>(ifindex);
  hook.attach_point = BPF_TC_INGRESS;
  if (const int error = bpf_tc_hook_create(&hook); error != 0 && error != -EEXIST)
    return fail_errno("clsact", -error, "the kernel needs NET_SCH_INGRESS");
  DECLARE_LIBBPF_OPTS(bpf_tc_opts, options);
  options.prog_fd = program;
  if (const int error = bpf_tc_attach(&hook, &options); error != 0)
    return fail_errno("attaching by clsact", -error, "the kernel needs NET_CLS_BPF");
  return {};
}

}  // namespace xdpfwd::pktgen
