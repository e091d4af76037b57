// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/kernel_features.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>

#include "base/unique_fd.h"
#include "kernel/generic_family.h"
#include "kernel/libbpf_log.h"

#ifndef BPF_F_XDP_HAS_FRAGS  // kernel 5.18
#define BPF_F_XDP_HAS_FRAGS (1U << 5)
#endif

namespace xdpfwd {
namespace {

struct FreeBtf {
  void operator()(btf* of) const { btf__free(of); }
};

KernelFeature feature(std::string name, bool needed, std::string use, int error) {
  KernelFeature made{
      .name = std::move(name), .there = error == 0, .why = {}, .needed = needed, .use = std::move(use)};
  if (error == 0) return made;
  made.why = std::strerror(error);
  if (error == EPERM || error == EACCES) made.there.reset();
  return made;
}

int try_map(bpf_map_type type, uint32_t value_size, uint32_t entries) {
  const UniqueFd map(bpf_map_create(type, "xdpfwd_try", sizeof(uint32_t), value_size, entries, nullptr));
  return map ? 0 : errno;
}

// A program that returns XDP_PASS.
int try_program(uint32_t flags) {
  const std::array<bpf_insn, 2> pass = {
      {{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = XDP_PASS},
       {.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}}};
  DECLARE_LIBBPF_OPTS(bpf_prog_load_opts, options);
  options.prog_flags = flags;
  const UniqueFd program(
      bpf_prog_load(BPF_PROG_TYPE_XDP, "xdpfwd_try", "GPL", pass.data(), pass.size(), &options));
  return program ? 0 : errno;
}

// A link to a device that cannot be: a kernel that has links of programs says that there is no such program.
int try_link() {
  const UniqueFd link(bpf_link_create(-1, INT32_MAX, BPF_XDP, nullptr));
  const int error = errno;
  return link || error == EBADF ? 0 : error;
}

}  // namespace

std::vector<KernelFeature> try_kernel_features() {
  capture_libbpf_log();
  std::vector<KernelFeature> features;
  features.push_back(feature("xdp", true, "everything", try_program(0)));
  features.push_back(feature("xdp-frags", false, "members with an MTU beyond a page (since 5.18)",
                             try_program(BPF_F_XDP_HAS_FRAGS)));
  features.push_back(feature("devmap-hash", true, "redirecting to taps (since 5.4)",
                             try_map(BPF_MAP_TYPE_DEVMAP_HASH, sizeof(uint32_t), 64)));
  features.push_back(
      feature("xdp-link", true, "programs that stay and are replaced in place (since 5.9)", try_link()));
  features.push_back(
      feature("bpf-memory", true, "the forwarding table", try_map(BPF_MAP_TYPE_ARRAY, 64, 65536)));

  const std::unique_ptr<btf, FreeBtf> types(btf__load_vmlinux_btf());
  features.push_back(feature("btf", true, "programs that fit this kernel", types ? 0 : errno));
  const auto has = [&](const char* name, uint32_t kind) {
    return types && btf__find_by_name_kind(types.get(), name, kind) > 0 ? 0 : ENOENT;
  };
  features.push_back(feature("tracepoint-devmap-xmit", false, "counting what taps lose",
                             has("btf_trace_xdp_devmap_xmit", BTF_KIND_TYPEDEF)));
  features.push_back(feature("tracepoint-napi-poll", false, "xdpctl napi histogram and tune verify",
                             has("btf_trace_napi_poll", BTF_KIND_TYPEDEF)));
  features.push_back(feature("vlan-hint", false, "VLAN tags that the NIC stripped (since 6.8)",
                             has("bpf_xdp_metadata_rx_vlan_tag", BTF_KIND_FUNC)));
  const auto netdev = GenericFamily::open("netdev");
  features.push_back(feature("netdev-genl", false, "telling what drivers can do (since 6.3)",
                             netdev && netdev->exists() ? 0 : ENOENT));
  return features;
}

}  // namespace xdpfwd
