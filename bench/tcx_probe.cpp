// SPDX-License-Identifier: BSD-2-Clause
#include "bench/tcx_probe.h"

#include <bpf/libbpf.h>
#include <net/if.h>

#include "bench/stage.h"
#include "pktgen/tc_attach.h"
#include "tc_forward.skel.h"

namespace xdpfwd::bench {

Result<void> probe_tcx() {
  if (const auto stage = enter_stage(); !stage) return std::unexpected(stage.error());
  tc_forward_bpf* skeleton = tc_forward_bpf__open_and_load();
  if (!skeleton) return fail_errno("the kernel does not load the tc programs", errno);
  const auto link = pktgen::attach_tcx(bpf_program__fd(skeleton->progs.tc_forward), ::if_nametoindex("lo"));
  tc_forward_bpf__destroy(skeleton);
  return link ? Result<void>{} : std::unexpected(link.error());
}

}  // namespace xdpfwd::bench
