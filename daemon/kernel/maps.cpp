// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/maps.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "kernel/bpf_failure.h"
#include "kernel/libbpf_log.h"
#include "probe.skel.h"
#include "uplink.skel.h"

namespace xdpfwd {
namespace {

struct DestroyUplink {
  void operator()(uplink_bpf* s) const { uplink_bpf__destroy(s); }
};
struct DestroyProbe {
  void operator()(probe_bpf* s) const { probe_bpf__destroy(s); }
};

// Every map, by the name it is pinned under.
struct NamedMap {
  const char* name;
  UniqueFd Maps::* fd;
  bool in_uplink;  // else in the probe's object
};
constexpr std::array<NamedMap, 9> kMaps = {{
    {"fdb", &Maps::fdb, true},
    {"devmap", &Maps::devmap, true},
    {"ports", &Maps::ports, true},
    {"port_stats", &Maps::port_stats, true},
    {"members", &Maps::members, true},
    {"member_stats", &Maps::member_stats, true},
    {"senders", &Maps::senders, true},
    {"port_slots", &Maps::port_slots, false},
    {"port_losses", &Maps::port_losses, false},
}};

bpf_map* find_map(bpf_object* object, const char* name) {
  return bpf_object__find_map_by_name(object, name);
}

Result<UniqueFd> duplicate(int fd) {
  UniqueFd copy(fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!copy) return fail_errno("cannot duplicate a map's descriptor", errno);
  return copy;
}

// Makes the object's maps and no programs. Maps that `maps` has already are used, not made.
Result<void> make_maps(bpf_object* object, bool uplink, Maps& maps, uint32_t fdb_capacity) {
  clear_libbpf_log();
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object) bpf_program__set_autoload(program, false);
  for (const NamedMap& named : kMaps) {
    if (named.in_uplink != uplink) continue;
    bpf_map* map = find_map(object, named.name);
    if (!map) return fail(fmt::format("the BPF object has no map {}", named.name));
    if (maps.*named.fd) bpf_map__reuse_fd(map, (maps.*named.fd).get());
  }
  if (uplink && !maps.fdb)
    bpf_map__set_max_entries(find_map(object, "fdb"), FdbBuckets::elements(fdb_capacity));
  if (const int error = bpf_object__load(object)) return bpf_failure("cannot make the BPF maps", -error);
  for (const NamedMap& named : kMaps) {
    if (named.in_uplink != uplink || maps.*named.fd) continue;
    auto copy = duplicate(bpf_map__fd(find_map(object, named.name)));
    if (!copy) return std::unexpected(copy.error());
    maps.*named.fd = std::move(*copy);
  }
  return {};
}

Result<void> make_all(Maps& maps, uint32_t fdb_capacity) {
  const std::unique_ptr<uplink_bpf, DestroyUplink> uplink(uplink_bpf__open());
  const std::unique_ptr<probe_bpf, DestroyProbe> probe(probe_bpf__open());
  if (!uplink || !probe) return bpf_failure("cannot open the BPF objects", errno);
  if (auto made = make_maps(uplink->obj, true, maps, fdb_capacity); !made) return made;
  uint64_t seed = 0;
  if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed)) return fail_errno("no random number", errno);
  auto rows = FdbMapping::format(maps.fdb.get(), fdb_capacity, seed);
  if (!rows) return std::unexpected(rows.error());
  maps.rows = std::move(*rows);
  return make_maps(probe->obj, false, maps, fdb_capacity);
}

// Same type, key, value and, but for the FDB, size as this build's objects say.
bool has_our_shape(const bpf_map* ours, int fd, bool any_size) {
  bpf_map_info info{};
  uint32_t length = sizeof(info);
  if (bpf_obj_get_info_by_fd(fd, &info, &length) < 0) return false;
  return info.type == bpf_map__type(ours) && info.key_size == bpf_map__key_size(ours) &&
         info.value_size == bpf_map__value_size(ours) &&
         (any_size || info.max_entries == bpf_map__max_entries(ours));
}

size_t cpu_count() {
  static const int count = libbpf_num_possible_cpus();
  return count > 0 ? static_cast<size_t>(count) : 1;
}

template <typename Value>
Result<void> write_per_cpu_zero(const UniqueFd& map, uint32_t index) {
  const std::vector<Value> zeros(cpu_count());
  if (bpf_map_update_elem(map.get(), &index, zeros.data(), BPF_ANY) < 0)
    return fail_errno("cannot reset counters", errno);
  return {};
}

template <typename Value>
Result<std::vector<Value>> read_per_cpu(const UniqueFd& map, uint32_t index) {
  std::vector<Value> values(cpu_count());
  if (bpf_map_lookup_elem(map.get(), &index, values.data()) < 0)
    return fail_errno("cannot read counters", errno);
  return values;
}

// A whole array map in one call.
template <typename Value>
Result<std::vector<Value>> read_array(const UniqueFd& map, uint32_t size, const char* what) {
  std::vector<uint32_t> keys(size);
  std::vector<Value> values(size);
  uint32_t count = size;
  uint32_t next = 0;
  DECLARE_LIBBPF_OPTS(bpf_map_batch_opts, options);
  if (bpf_map_lookup_batch(map.get(), nullptr, &next, keys.data(), values.data(), &count, &options) < 0 &&
      errno != ENOENT)
    return fail_errno(fmt::format("cannot read the {}", what), errno);
  return values;
}

InterfaceName name_from(const char (&chars)[XDPFWD_NAME_LEN]) {
  const auto name = InterfaceName::parse({chars, strnlen(chars, sizeof(chars))});
  return name ? *name : InterfaceName();
}

}  // namespace

Result<std::optional<Maps>> adopt_maps(const Pins& pins) {
  const std::unique_ptr<uplink_bpf, DestroyUplink> uplink(uplink_bpf__open());
  const std::unique_ptr<probe_bpf, DestroyProbe> probe(probe_bpf__open());
  if (!uplink || !probe) return bpf_failure("cannot open the BPF objects", errno);
  Maps maps;
  for (const NamedMap& named : kMaps) {
    auto fd = Pins::get(pins.map_path(named.name));
    if (!fd) {
      Error error = std::move(fd).error();
      if (error.code == ENOENT) return std::optional<Maps>();
      if (error.remedy.empty()) error.remedy = bpf_remedy(error.code);
      return std::unexpected(std::move(error));
    }
    const bpf_map* ours = find_map(named.in_uplink ? uplink->obj : probe->obj, named.name);
    if (!ours || !has_our_shape(ours, fd->get(), named.fd == &Maps::fdb)) return std::optional<Maps>();
    maps.*named.fd = std::move(*fd);
  }
  auto rows = FdbMapping::adopt(maps.fdb.get());
  if (!rows && rows.error().code == EINVAL) return std::optional<Maps>();
  if (!rows) return std::unexpected(rows.error());
  maps.rows = std::move(*rows);
  return std::optional<Maps>(std::move(maps));
}

Result<Maps> create_maps(const Pins& pins, uint32_t fdb_capacity) {
  Maps maps;
  if (auto made = make_all(maps, fdb_capacity); !made) return std::unexpected(made.error());
  const auto folder = pins.new_map_folder();
  if (!folder) return std::unexpected(folder.error());
  for (const NamedMap& named : kMaps)
    if (auto pinned = Pins::pin((maps.*named.fd).get(), *folder + "/" + named.name); !pinned)
      return std::unexpected(pinned.error());
  if (auto renamed = pins.rename_new_maps(); !renamed) return std::unexpected(renamed.error());
  return maps;
}

Result<void> replace_fdb(const Pins& pins, Maps& maps, uint32_t fdb_capacity) {
  UniqueFd old = std::exchange(maps.fdb, UniqueFd());
  FdbMapping old_rows = std::exchange(maps.rows, FdbMapping());
  auto made = make_all(maps, fdb_capacity);
  if (made) made = Pins::replace(maps.fdb.get(), pins.map_path("fdb"));
  if (!made) {
    maps.fdb = std::move(old);
    maps.rows = std::move(old_rows);
  }
  return made;
}

Result<MapFacts> map_facts(const UniqueFd& map) {
  bpf_map_info info{};
  uint32_t length = sizeof(info);
  if (bpf_obj_get_info_by_fd(map.get(), &info, &length) < 0) return fail_errno("cannot look at a map", errno);
  return MapFacts{.id = info.id, .max_entries = info.max_entries};
}

Outcome set_rows(Maps& maps, std::span<const FdbRow> rows) {
  for (size_t done = 0; done < rows.size(); ++done)
    if (!maps.rows->set(rows[done]))
      return {.status = fail(fmt::format("cannot set row {} of {}: the table is full", done + 1, rows.size()),
                             "raise fdb.max_entries and reload", E2BIG),
              .rows_done = done};
  return {.status = {}, .rows_done = rows.size()};
}

Outcome delete_rows(Maps& maps, std::span<const FdbKey> keys) {
  // One that is gone already is no failure.
  for (const FdbKey key : keys) maps.rows->erase(key);
  return {.status = {}, .rows_done = keys.size()};
}

Result<std::vector<Port>> read_ports(const Maps& maps) {
  const auto facts = read_array<xdpfwd_port>(maps.ports, XDPFWD_MAX_PORTS, "ports");
  if (!facts) return std::unexpected(facts.error());
  std::vector<Port> ports;
  for (uint32_t slot = 0; slot < facts->size(); ++slot) {
    const xdpfwd_port& fact = (*facts)[slot];
    if (fact.name[0] == '\0') continue;
    Port port{.slot = slot,
              .name = name_from(fact.name),
              .ifindex = fact.ifindex,
              .max_len = fact.max_len,
              .relearn_s = fact.relearn_s,
              .in_devmap = false};
    if (fact.ifindex != 0) {
      uint32_t target = 0;
      port.in_devmap = bpf_map_lookup_elem(maps.devmap.get(), &fact.ifindex, &target) == 0;
    }
    ports.push_back(port);
  }
  return ports;
}

Result<void> open_port(const Maps& maps, const Port& port, bool reset_counters) {
  const std::string what = fmt::format("cannot open port {}", port.name.view());
  if (reset_counters) {
    if (auto reset = write_per_cpu_zero<xdpfwd_port_stats>(maps.port_stats, port.slot); !reset) return reset;
    if (auto reset = write_per_cpu_zero<xdpfwd_port_losses>(maps.port_losses, port.slot); !reset)
      return reset;
  }
  // Facts last: they are what the program looks at first.
  if (bpf_map_update_elem(maps.devmap.get(), &port.ifindex, &port.ifindex, BPF_ANY) < 0)
    return fail_errno(what, errno);
  if (bpf_map_update_elem(maps.port_slots.get(), &port.ifindex, &port.slot, BPF_ANY) < 0)
    return fail_errno(what, errno);
  xdpfwd_port fact{.ifindex = port.ifindex, .max_len = port.max_len, .relearn_s = port.relearn_s, .name = {}};
  std::memcpy(fact.name, port.name.c_str(), sizeof(fact.name));
  if (bpf_map_update_elem(maps.ports.get(), &port.slot, &fact, BPF_ANY) < 0) return fail_errno(what, errno);
  return {};
}

Result<void> close_port(const Maps& maps, uint32_t slot, uint32_t ifindex) {
  const std::string what = fmt::format("cannot close port slot {}", slot);
  xdpfwd_port fact{};
  if (bpf_map_lookup_elem(maps.ports.get(), &slot, &fact) < 0) return fail_errno(what, errno);
  fact.ifindex = 0;
  fact.max_len = 0;
  fact.relearn_s = 0;
  if (bpf_map_update_elem(maps.ports.get(), &slot, &fact, BPF_ANY) < 0) return fail_errno(what, errno);
  // The kernel may have removed the device, and its entry, before us.
  if (bpf_map_delete_elem(maps.devmap.get(), &ifindex) < 0 && errno != ENOENT) return fail_errno(what, errno);
  if (bpf_map_delete_elem(maps.port_slots.get(), &ifindex) < 0 && errno != ENOENT)
    return fail_errno(what, errno);
  return {};
}

Result<std::vector<xdpfwd_member>> read_members(const Maps& maps) {
  return read_array<xdpfwd_member>(maps.members, XDPFWD_MAX_MEMBERS, "members");
}

Result<void> write_member(const Maps& maps, uint32_t slot, const xdpfwd_member& member) {
  if (bpf_map_update_elem(maps.members.get(), &slot, &member, BPF_ANY) < 0)
    return fail_errno(fmt::format("cannot write the facts of member {}", member.name), errno);
  return {};
}

Result<void> reset_member_counters(const Maps& maps, uint32_t slot) {
  return write_per_cpu_zero<xdpfwd_member_stats>(maps.member_stats, slot);
}

Result<PortSample> sample_port(const Maps& maps, uint32_t slot) {
  const auto stats = read_per_cpu<xdpfwd_port_stats>(maps.port_stats, slot);
  if (!stats) return std::unexpected(stats.error());
  const auto losses = read_per_cpu<xdpfwd_port_losses>(maps.port_losses, slot);
  if (!losses) return std::unexpected(losses.error());
  PortSample sample{.slot = slot};
  for (const xdpfwd_port_stats& cpu : *stats) {
    sample.packets += cpu.packets;
    sample.bytes += cpu.bytes;
    sample.relearned += cpu.relearned;
  }
  for (const xdpfwd_port_losses& cpu : *losses)
    for (size_t i = 0; i < sample.losses.size(); ++i) sample.losses[i] += cpu.packets[i];
  return sample;
}

Result<MemberSample> sample_member(const Maps& maps, uint32_t slot) {
  const auto stats = read_per_cpu<xdpfwd_member_stats>(maps.member_stats, slot);
  if (!stats) return std::unexpected(stats.error());
  MemberSample sample{.slot = slot};
  for (const xdpfwd_member_stats& cpu : *stats)
    for (size_t i = 0; i < sample.packets.size(); ++i) sample.packets[i] += cpu.packets[i];
  return sample;
}

}  // namespace xdpfwd
