// SPDX-License-Identifier: BSD-2-Clause
// The two floors: the least that can be done with a frame. "bare-redirect" sends each to the tap that its
// last MAC byte names, without looking at VLAN or length, tag left on; "xdp-drop" drops it.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>

#include "bench/contender.h"
#include "floor.skel.h"

namespace xdpfwd::bench {
namespace {

class BareXdp final : public Contender {
 public:
  explicit BareXdp(bool drop) : drop_(drop) {}
  ~BareXdp() override {
    links_.clear();
    floor_bpf__destroy(skeleton_);
  }

  Result<void> start(Site& site) override {
    skeleton_ = floor_bpf__open_and_load();
    if (!skeleton_) return fail_errno("the kernel does not load the bare programs", errno);
    const std::vector<std::string> taps = site.taps();
    for (uint32_t slot = 0; slot < taps.size(); ++slot) {
      const uint32_t ifindex = site.ifindex(taps[slot]);
      // The kernel looks for the device in the caller's namespace.
      const auto inside = site.enter();
      if (!inside) return std::unexpected(inside.error());
      if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.targets), &slot, &ifindex, BPF_ANY) < 0 ||
          (slot == 0 &&
           bpf_map_update_elem(bpf_map__fd(skeleton_->maps.target), &slot, &ifindex, BPF_ANY) < 0))
        return fail_errno("the bare redirect's target", errno);
    }
    const bpf_program* program = drop_              ? skeleton_->progs.floor_drop
                                 : taps.size() == 1 ? skeleton_->progs.floor_redirect
                                                    : skeleton_->progs.floor_redirect_many;
    for (const std::string& uplink : site.uplinks()) {
      const auto inside = site.enter();
      if (!inside) return std::unexpected(inside.error());
      DECLARE_LIBBPF_OPTS(bpf_link_create_opts, options);
      options.flags = XDP_FLAGS_DRV_MODE;
      UniqueFd link(bpf_link_create(bpf_program__fd(program), static_cast<int>(site.ifindex(uplink)), BPF_XDP,
                                    &options));
      if (!link) return fail_errno(fmt::format("{} does not take the bare program", uplink), errno);
      links_.push_back(std::move(link));
    }
    return {};
  }

 private:
  bool drop_;
  floor_bpf* skeleton_ = nullptr;
  std::vector<UniqueFd> links_;
};

Result<void> always() {
  return {};
}

const RegisteredContender redirect(
    {.name = "bare-redirect",
     .summary = "XDP_REDIRECT to a port that the last MAC byte names; tag left on",
     .probe = always,
     .make = [] { return std::make_unique<BareXdp>(false); },
     .keeps_tag = true,
     .most_guests = 256,
     .in_lab = true,
     .takes_all = true,
     .tag_in_frame = true,
     .order = 80});
const RegisteredContender drop({.name = "xdp-drop",
                                .summary = "XDP_DROP of every frame: cable, NAPI and nothing else",
                                .probe = always,
                                .make = [] { return std::make_unique<BareXdp>(true); },
                                .delivers = false,
                                .in_lab = true,
                                .takes_all = true,
                                .tag_in_frame = true,
                                .order = 90});

}  // namespace
}  // namespace xdpfwd::bench
