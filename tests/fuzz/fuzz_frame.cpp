// SPDX-License-Identifier: BSD-2-Clause
// Any bytes as a frame, under the uplink program compiled into this process: verdict and bytes equal the
// oracle's. The first three bytes choose flavour, descriptor tag and the member's flags.
#include <cstdlib>

#include "tests/bpf/native_engine.h"
#include "tests/bpf/oracle.h"

namespace {

using namespace xdpfwd;
using namespace xdpfwd::test;

World small_world() {
  World world;
  world.ports = {{1, {.ifindex = 11, .max_len = 1518}}, {2, {.ifindex = 12, .max_len = 64}}};
  world.devices = {11};
  const auto add = [&](uint64_t mac, VlanTag vlan, uint32_t slot, uint32_t flags) {
    world.rows[FdbKey::make(MacAddress::from_bits(mac), vlan)] = {.slot = slot, .flags = flags};
  };
  for (const uint32_t vid : {0U, 1U, 100U, 4094U}) {
    const VlanTag vlan = VlanTag::make(vid).value();
    add(0x020000000001, vlan, 1, 0);
    add(0x020000000002, vlan, 1, XDPFWD_FDB_KEEP_TAG);
    add(0x020000000003, vlan, 2, 0);
    add(0x020000000004, vlan, 3, 0);
    add(0x020000000005, VlanTag::make(vid, VlanTag::Tpid::k8021ad).value(), 1, 0);
  }
  return world;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const auto engine = NativeEngine::load();
  static World world = small_world();
  if (!engine || size < 3 || size > 4000) return 0;
  world.member_flags = data[0] & (XDPFWD_MEMBER_ACTIVE | XDPFWD_MEMBER_DROP_REFLECTED);
  if (!(*engine)->install(world)) std::abort();
  Input input{.frame = {data + 3, size - 3}, .program = data[0] & 4 ? Program::kHint : Program::kFrame};
  if (data[0] & 8)
    input.tag = DescriptorTag{.tpid = static_cast<uint16_t>(data[0] & 16 ? 0x88a8 : 0x8100),
                              .tci = static_cast<uint16_t>(data[1] << 8 | data[2])};
  if (!(*engine)->can_run(input)) return 0;
  Output output;
  if (!(*engine)->run(input, output)) std::abort();
  const Prediction prediction = predict(world, input);
  if (output.verdict != prediction.verdict || output.frame != prediction.frame) std::abort();
  return 0;
}
