// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/grace.h"

#include <bpf/bpf.h>

namespace xdpfwd {

Result<void> GracePeriod::wait() {
  if (!inner_) inner_.reset(bpf_map_create(BPF_MAP_TYPE_ARRAY, "grace_inner", 4, 4, 1, nullptr));
  if (inner_ && !outer_) {
    DECLARE_LIBBPF_OPTS(bpf_map_create_opts, options);
    options.inner_map_fd = static_cast<uint32_t>(inner_.get());
    outer_.reset(bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, "grace", 4, 4, 1, &options));
  }
  if (!outer_) return fail_errno("cannot make the maps to wait for a grace period with", errno);
  const uint32_t key = 0;
  const int inner = inner_.get();
  if (bpf_map_update_elem(outer_.get(), &key, &inner, BPF_ANY) < 0)
    return fail_errno("cannot wait for a grace period", errno);
  return {};
}

}  // namespace xdpfwd
