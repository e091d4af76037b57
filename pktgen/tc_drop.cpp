// SPDX-License-Identifier: BSD-2-Clause
#include "pktgen/tc_drop.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <algorithm>

#include "pktgen/netns.h"
#include "pktgen/stream.h"
#include "pktgen/tap.h"
#include "pktgen/tc_attach.h"
// clang-format off: the skeleton names types of pktgen/drop_sink.h and must come after it
#include "drop_sink.skel.h"
// clang-format on

namespace xdpfwd::pktgen {

static_assert(DROP_SINK_PORT == Stamp::kPort);

Result<std::unique_ptr<TcDrop>> TcDrop::start(const std::vector<std::string>& devices,
                                              const std::string& netns) {
  auto sink = std::unique_ptr<TcDrop>(new TcDrop);
  sink->skeleton_ = drop_sink_bpf__open_and_load();
  if (!sink->skeleton_)
    return fail_errno("the kernel does not load the dropping program", errno, "run as root");
  auto target = NetNamespace::open(netns);
  if (!target) return std::unexpected(target.error());
  const auto inside = InNamespace::enter(*target);
  if (!inside) return std::unexpected(inside.error());
  const int program = bpf_program__fd(sink->skeleton_->progs.drop);
  for (const std::string& device : devices) {
    const auto index = device_index(device);
    if (!index) return std::unexpected(index.error());
    // Before 6.6 there is no tcx; the older filter stays with the device, which is a guest's.
    if (auto link = attach_tcx(program, *index))
      sink->links_.push_back(std::move(*link));
    else if (auto attached = attach_clsact(program, *index); !attached)
      return fail_in(fmt::format("device '{}'", device), attached.error());
  }
  return sink;
}

TcDrop::~TcDrop() {
  links_.clear();
  drop_sink_bpf__destroy(skeleton_);
}

Result<drop_counts> TcDrop::counts() const {
  const int cpus = libbpf_num_possible_cpus();
  std::vector<drop_counts> rows(static_cast<size_t>(std::max(cpus, 1)));
  const uint32_t key = 0;
  if (bpf_map_lookup_elem(bpf_map__fd(skeleton_->maps.counts), &key, rows.data()) < 0)
    return fail_errno("reading the dropping program's counts", errno);
  drop_counts total{};
  for (const drop_counts& row : rows) {
    if (row.frames == 0) continue;
    total.first_ns = total.frames == 0 ? row.first_ns : std::min(total.first_ns, row.first_ns);
    total.last_ns = std::max(total.last_ns, row.last_ns);
    total.frames += row.frames;
    total.bytes += row.bytes;
  }
  return total;
}

}  // namespace xdpfwd::pktgen
