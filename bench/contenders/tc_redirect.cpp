// SPDX-License-Identifier: BSD-2-Clause
// tc and tcx: the same look-up on socket buffers, at the earliest hook after they are made.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <array>
#include <map>

#include "bench/contender.h"
#include "bench/tcx_probe.h"
#include "pktgen/tc_attach.h"
#include "tc_forward.skel.h"

namespace xdpfwd::bench {
namespace {

struct Key {
  std::array<uint8_t, 6> mac;
  uint16_t vid;
};

class TcRedirect final : public Contender {
 public:
  explicit TcRedirect(bool tcx) : tcx_(tcx) {}
  ~TcRedirect() override { tc_forward_bpf__destroy(skeleton_); }

  Result<void> start(Site& site) override {
    skeleton_ = tc_forward_bpf__open();
    if (!skeleton_) return fail_errno("the tc program", errno);
    bpf_map__set_max_entries(skeleton_->maps.table,
                             static_cast<uint32_t>(std::max<size_t>(65'536, site.guests().size())));
    if (const int error = tc_forward_bpf__load(skeleton_); error != 0)
      return fail_errno("the kernel does not load the tc program", -error);
    std::map<std::string, uint32_t> ifindexes;
    for (const std::string& tap : site.taps()) ifindexes[tap] = site.ifindex(tap);
    for (const pktgen::Guest& guest : site.guests()) {
      const Key key{guest.mac.bytes(), guest.vlan.id()};
      const uint32_t ifindex = ifindexes[guest.tap];
      if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.table), &key, &ifindex, BPF_ANY) < 0)
        return fail_errno("the tc program's table", errno);
    }
    const int program = bpf_program__fd(skeleton_->progs.tc_forward);
    const auto inside = site.enter();
    if (!inside) return std::unexpected(inside.error());
    for (const std::string& uplink : site.uplinks()) {
      if (tcx_) {
        auto link = pktgen::attach_tcx(program, site.ifindex(uplink));
        if (!link) return fail_in(uplink, link.error());
        links_.push_back(std::move(*link));
      } else if (auto attached = pktgen::attach_clsact(program, site.ifindex(uplink)); !attached) {
        return fail_in(uplink, attached.error());
      }
    }
    return {};
  }

 private:
  bool tcx_;
  tc_forward_bpf* skeleton_ = nullptr;
  std::vector<UniqueFd> links_;
};

const RegisteredContender tcx({.name = "tcx",
                               .summary = "look-up, pop and redirect by a tcx program on the uplink",
                               .probe = probe_tcx,
                               .make = [] { return std::make_unique<TcRedirect>(true); },
                               .in_lab = true,
                               .order = 30});
const RegisteredContender tc({.name = "tc",
                              .summary = "the same program by cls_bpf on clsact",
                              .probe = [] { return Result<void>{}; },
                              .make = [] { return std::make_unique<TcRedirect>(false); },
                              .order = 40});

}  // namespace
}  // namespace xdpfwd::bench
