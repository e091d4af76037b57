// SPDX-License-Identifier: BSD-2-Clause
// A row that the daemon is about to set has its value and not its key yet: no frame may find it, not even one
// whose key is that of a free row.
#include <bpf/bpf.h>
#include <gtest/gtest.h>

#include <array>
#include <bit>

#include "kernel/fdb_mapping.h"
#include "uplink_stub.skel.h"

namespace xdpfwd::test {
namespace {

TEST(HalfRow, NoFrameFindsIt) {
  uplink_stub_bpf* object = uplink_stub_bpf::open_and_load();
  ASSERT_NE(object, nullptr);
  const uint32_t lo = 1;
  const uint32_t zero = 0;
  const xdpfwd_port port{.ifindex = lo, .max_len = 1518, .relearn_s = 0, .name = "lo"};
  xdpfwd_member member{};
  member.ifindex = lo;
  member.flags = XDPFWD_MEMBER_ACTIVE;
  // The key of zeros has both of its places in the first bucket.
  xdpfwd_fdb_bucket bucket{};
  for (xdpfwd_fdb_row& row : bucket.rows)
    row.value = std::bit_cast<uint64_t>(xdpfwd_fdb_value{.slot = 0, .flags = XDPFWD_FDB_TAKEN});
  ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(object->maps.devmap), &lo, &lo, BPF_ANY), 0);
  ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(object->maps.ports), &zero, &port, BPF_ANY), 0);
  ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(object->maps.members), &zero, &member, BPF_ANY), 0);
  ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(object->maps.fdb), &zero, &bucket, BPF_ANY), 0);

  std::array<uint8_t, 64> frame{};
  frame[12] = 0x08;  // IPv4, untagged, to 00:00:00:00:00:00
  LIBBPF_OPTS(bpf_test_run_opts, run);
  run.data_in = frame.data();
  run.data_size_in = frame.size();
  ASSERT_EQ(bpf_prog_test_run_opts(bpf_program__fd(object->progs.xdpfwd_uplink), &run), 0);
  EXPECT_EQ(run.retval, static_cast<uint32_t>(XDP_PASS));
  uplink_stub_bpf::destroy(object);
}

}  // namespace
}  // namespace xdpfwd::test
