// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/programs.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/if_link.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <span>
#include <type_traits>

#include "kernel/bpf_failure.h"
#include "kernel/libbpf_log.h"
#include "probe.skel.h"
#include "uplink.skel.h"
#include "uplink_hint.skel.h"

#ifndef BPF_F_XDP_DEV_BOUND_ONLY  // kernel 6.3; Debian 12's headers are older
#define BPF_F_XDP_DEV_BOUND_ONLY (1U << 6)
#endif

namespace xdpfwd {
namespace {

struct DestroyProbe {
  void operator()(probe_bpf* s) const { probe_bpf__destroy(s); }
};

constexpr const char* kWatches[] = {"xmit", "err"};

// FNV-1a, to tell builds apart.
uint64_t hash_of(const void* data, size_t size) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const unsigned char byte : std::span(static_cast<const unsigned char*>(data), size))
    hash = (hash ^ byte) * 0x100000001b3;
  return hash;
}

template <typename Object>
uint64_t build_of() {
  size_t size = 0;
  const void* bytes = Object::elf_bytes(&size);
  return hash_of(bytes, size);
}

std::string watch_name(const char* watch) {
  return fmt::format("watch_{}_{:016x}", watch, build_of<probe_bpf>());
}

std::string attach_remedy(int error, const Member& member) {
  switch (error) {
    case EBUSY:
      return fmt::format(
          "another XDP program is there: ip link set dev {0} xdp off (or xdp-loader unload {0} --all)",
          member.name.view());
    case EEXIST:
      return "an upper device (its bond, or a VLAN on it) has an XDP program: take that off";
    case EOPNOTSUPP:
      return "the driver has no native XDP in its present set-up; uplink.xdp_mode = \"generic\" works "
             "everywhere, slowly";
    case EINVAL:
      return fmt::format(
          "drivers say this for LRO or HW-GRO (ethtool -K {} lro off rx-gro-hw off), or too large an MTU",
          member.name.view());
    case ERANGE:
      return "the MTU is too large for XDP with this driver: lower it";
    case ENOSPC:
      return fmt::format("the driver wants more queues, or fewer, for XDP: see ethtool -l {}",
                         member.name.view());
    case EPERM:
      return "run as root, or with CAP_NET_ADMIN";
    default:
      return {};
  }
}

uint32_t mode_flag(const Member& member) {
  return member.mode == XdpMode::kGeneric ? XDP_FLAGS_SKB_MODE : XDP_FLAGS_DRV_MODE;
}

// Whether the verifier's rewriting fitted into the pages that were allocated for the program as loaded. See
// the hint flavour in bpf/uplink.bpf.c. The size of the kernel's header before the instructions is not told:
// assumed small for what was allocated and large for what is needed.
bool stayed_in_place(size_t instructions_loaded, const bpf_prog_info& info) {
  constexpr size_t kSmallestHeader = 48;
  constexpr size_t kLargestHeader = 256;
  const auto page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  const auto pages = [&](size_t bytes) { return (bytes + page - 1) / page; };
  return pages(kLargestHeader + info.xlated_prog_len) <=
         pages(kSmallestHeader + instructions_loaded * sizeof(bpf_insn));
}

uint32_t own_netns_inum() {
  struct stat about{};
  return stat("/proc/self/ns/net", &about) == 0 ? static_cast<uint32_t>(about.st_ino) : 0;
}

// The program of one of the two objects.
bpf_program* uplink_of(const uplink_bpf& object) {
  return object.progs.xdpfwd_uplink;
}
bpf_program* uplink_of(const uplink_hint_bpf& object) {
  return object.progs.xdpfwd_uplink_hint;
}

template <typename Object>
Result<LoadedProgram> load_object(const Maps& maps, const Member& member) {
  constexpr bool kHint = std::is_same_v<Object, uplink_hint_bpf>;
  const auto destroy = [](Object* object) { Object::destroy(object); };
  const std::unique_ptr<Object, decltype(destroy)> object(Object::open());
  if (!object) return bpf_failure("cannot open the uplink program", errno);
  bpf_program* program = uplink_of(*object);
  if (kHint) {
    bpf_program__set_ifindex(program, member.ifindex);
    bpf_program__set_flags(program, bpf_program__flags(program) | BPF_F_XDP_DEV_BOUND_ONLY);
  }
  bpf_map__reuse_fd(object->maps.fdb, maps.fdb.get());
  bpf_map__reuse_fd(object->maps.devmap, maps.devmap.get());
  bpf_map__reuse_fd(object->maps.ports, maps.ports.get());
  bpf_map__reuse_fd(object->maps.port_stats, maps.port_stats.get());
  bpf_map__reuse_fd(object->maps.members, maps.members.get());
  bpf_map__reuse_fd(object->maps.member_stats, maps.member_stats.get());
  bpf_map__reuse_fd(object->maps.senders, maps.senders.get());
  object->rodata->member_slot = member.slot;
  object->rodata->fdb_seed = maps.rows->seed();
  object->rodata->fdb_buckets = maps.rows->buckets();
  if (const int error = Object::load(object.get())) {
    auto failure =
        bpf_failure(fmt::format("the kernel does not load the program for {}", member.name.view()), -error);
    if (kHint && error == -EINVAL) failure.error().remedy = "set uplink.vlan_tag = \"auto\" or \"frame\"";
    return failure;
  }
  bpf_prog_info info{};
  uint32_t length = sizeof(info);
  const int fd = bpf_program__fd(program);
  if (bpf_obj_get_info_by_fd(fd, &info, &length) < 0) return fail_errno("cannot look at a program", errno);
  if (kHint && !stayed_in_place(bpf_program__insn_cnt(program), info))
    return fail(
        fmt::format("the kernel made the program for {} longer than it has room for", member.name.view()),
        "set uplink.vlan_tag = \"frame\"", E2BIG);
  LoadedProgram loaded{.fd = UniqueFd(fcntl(fd, F_DUPFD_CLOEXEC, 3)), .id = info.id};
  if (!loaded.fd) return fail_errno("cannot duplicate a program's descriptor", errno);
  return loaded;
}

}  // namespace

uint64_t uplink_build() {
  static const uint64_t build = build_of<uplink_bpf>() ^ build_of<uplink_hint_bpf>();
  return build;
}

Result<LoadedProgram> load_uplink(const Maps& maps, const Member& member) {
  clear_libbpf_log();
  return member.flavour == Flavour::kHint ? load_object<uplink_hint_bpf>(maps, member)
                                          : load_object<uplink_bpf>(maps, member);
}

Result<UniqueFd> attach_uplink(const LoadedProgram& program, const Member& member) {
  DECLARE_LIBBPF_OPTS(bpf_link_create_opts, options);
  options.flags = mode_flag(member);
  UniqueFd link(bpf_link_create(program.fd.get(), static_cast<int>(member.ifindex), BPF_XDP, &options));
  if (!link) {
    const int error = errno;
    return fail_errno(fmt::format("{} does not take the XDP program", member.name.view()), error,
                      attach_remedy(error, member));
  }
  return link;
}

Result<void> replace_uplink(const UniqueFd& link, const LoadedProgram& program, const Member& member) {
  if (bpf_link_update(link.get(), program.fd.get(), nullptr) < 0) {
    const int error = errno;
    return fail_errno(
        fmt::format("{} does not take the new XDP program; the old one goes on", member.name.view()), error,
        attach_remedy(error, member));
  }
  return {};
}

Result<void> watch_losses(const Pins& pins, const Maps& maps) {
  clear_libbpf_log();
  const auto devmap = map_facts(maps.devmap);
  if (!devmap) return std::unexpected(devmap.error());
  const std::unique_ptr<probe_bpf, DestroyProbe> object(probe_bpf__open());
  if (!object) return bpf_failure("cannot open the loss counter", errno);
  bpf_map__reuse_fd(object->maps.port_slots, maps.port_slots.get());
  bpf_map__reuse_fd(object->maps.port_losses, maps.port_losses.get());
  object->rodata->netns_inum = own_netns_inum();
  object->rodata->devmap_id = devmap->id;
  if (const int error = probe_bpf__load(object.get()))
    return bpf_failure("the kernel does not load the loss counter", -error);
  if (const int error = probe_bpf__attach(object.get()))
    return bpf_failure("the kernel does not attach the loss counter to its tracepoints", -error);
  const bpf_link* const links[] = {object->links.xdpfwd_devmap_xmit, object->links.xdpfwd_redirect_err};
  for (size_t i = 0; i < std::size(kWatches); ++i) {
    const std::string path = pins.map_path(watch_name(kWatches[i]));
    (void)Pins::remove(path);
    if (auto pinned = Pins::pin(bpf_link__fd(links[i]), path); !pinned) return pinned;
  }
  for (const std::string& name : pins.watches()) {
    bool ours = false;
    for (const char* watch : kWatches) ours = ours || name == watch_name(watch);
    if (!ours) (void)Pins::remove(pins.map_path(name));
  }
  return {};
}

bool is_watching(const Pins& pins) {
  const std::vector<std::string> names = pins.watches();
  if (names.size() != std::size(kWatches)) return false;
  for (const char* watch : kWatches)
    if (std::ranges::find(names, watch_name(watch)) == names.end()) return false;
  return true;
}

}  // namespace xdpfwd
