// SPDX-License-Identifier: BSD-2-Clause
// What a redirect into VMs cannot do without, a step at a time, above "bare-redirect": "step-pop" takes the
// tag off, "step-hash" finds (VLAN, MAC) in the kernel's hash table too, "step-table" in a table of our own.
// They explain xdpfwd's figure, and take part only when they are named.
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <linux/if_link.h>

#include <cstring>

#include "bench/contender.h"
#include "steps.skel.h"

namespace xdpfwd::bench {
namespace {

constexpr unsigned kBucketBits = 15;
constexpr size_t kBucketRows = 4;
struct Row {
  uint64_t key = 0;
  uint64_t target = 0;
};
using Bucket = std::array<Row, kBucketRows>;

// As the programs read it: the MAC as it lies in memory, the VLAN in the two bytes behind.
uint64_t key_of(const pktgen::Guest& guest) {
  uint64_t key = 0;
  std::memcpy(&key, guest.mac.bytes().data(), guest.mac.bytes().size());
  return key | static_cast<uint64_t>(guest.vlan.id()) << 48;
}

class Steps final : public Contender {
 public:
  using Program = bpf_program* (*)(const steps_bpf&);
  explicit Steps(Program program) : program_(program) {}
  ~Steps() override {
    links_.clear();
    steps_bpf__destroy(skeleton_);
  }

  Result<void> start(Site& site) override {
    skeleton_ = steps_bpf__open_and_load();
    if (!skeleton_) return fail_errno("the kernel does not load the step programs", errno);
    const auto inside = site.enter();
    if (!inside) return std::unexpected(inside.error());
    const std::vector<std::string> taps = site.taps();
    for (uint32_t slot = 0; slot < taps.size(); ++slot)
      if (auto set = set_target(slot, site.ifindex(taps[slot])); !set) return set;
    for (const pktgen::Guest& guest : site.guests()) {
      const auto target = static_cast<uint32_t>(std::ranges::find(taps, guest.tap) - taps.begin());
      if (auto set = set_row(key_of(guest), target); !set) return set;
    }
    for (const std::string& uplink : site.uplinks()) {
      DECLARE_LIBBPF_OPTS(bpf_link_create_opts, options);
      options.flags = XDP_FLAGS_DRV_MODE;
      UniqueFd link(bpf_link_create(bpf_program__fd(program_(*skeleton_)),
                                    static_cast<int>(site.ifindex(uplink)), BPF_XDP, &options));
      if (!link) return fail_errno(fmt::format("{} does not take the step program", uplink), errno);
      links_.push_back(std::move(link));
    }
    return {};
  }

 private:
  Result<void> set_target(uint32_t slot, uint32_t ifindex) {
    if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.targets), &slot, &ifindex, BPF_ANY) < 0)
      return fail_errno("the step programs' target", errno);
    return {};
  }
  Result<void> set_row(uint64_t key, uint32_t target) {
    if (bpf_map_update_elem(bpf_map__fd(skeleton_->maps.rows), &key, &target, BPF_ANY) < 0)
      return fail_errno("the step programs' row", errno);
    const auto index = static_cast<uint32_t>((key * 0x9e3779b97f4a7c15ULL) >> (64 - kBucketBits));
    Bucket bucket{};
    const int buckets = bpf_map__fd(skeleton_->maps.buckets);
    if (bpf_map_lookup_elem(buckets, &index, &bucket) < 0) return fail_errno("a bucket", errno);
    const auto row = std::ranges::find(bucket, 0U, &Row::key);
    if (row == bucket.end()) return fail("a bucket is full", "take fewer guests", ENOSPC);
    *row = {.key = key, .target = target};
    if (bpf_map_update_elem(buckets, &index, &bucket, BPF_ANY) < 0) return fail_errno("a bucket", errno);
    return {};
  }

  Program program_;
  steps_bpf* skeleton_ = nullptr;
  std::vector<UniqueFd> links_;
};

ContenderKind step(const char* name, const char* summary, unsigned most_guests, int order,
                   std::unique_ptr<Contender> (*make)()) {
  return {.name = name,
          .summary = summary,
          .probe = [] { return Result<void>{}; },
          .make = make,
          .most_guests = most_guests,
          .only_named = true,
          .order = order};
}

const RegisteredContender pop(step("step-pop", "bare redirect, and the tag is taken off", 1, 82,
                                   []() -> std::unique_ptr<Contender> {
                                     return std::make_unique<Steps>(
                                         [](const steps_bpf& s) { return s.progs.step_pop; });
                                   }));
const RegisteredContender hash(step("step-hash", "that, and (VLAN, MAC) is found in the kernel's hash table",
                                    256, 84, []() -> std::unique_ptr<Contender> {
                                      return std::make_unique<Steps>(
                                          [](const steps_bpf& s) { return s.progs.step_hash; });
                                    }));
const RegisteredContender table(step("step-table", "the same, in a table of our own in an array map", 256, 86,
                                     []() -> std::unique_ptr<Contender> {
                                       return std::make_unique<Steps>(
                                           [](const steps_bpf& s) { return s.progs.step_table; });
                                     }));

}  // namespace
}  // namespace xdpfwd::bench
