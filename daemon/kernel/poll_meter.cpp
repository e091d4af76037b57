// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/poll_meter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "kernel/bpf_failure.h"
#include "kernel/libbpf_log.h"
// clang-format off: the skeleton names types of bpf/poll_work_abi.h and must come after it
#include "poll_work.skel.h"
// clang-format on

namespace xdpfwd {
namespace {

uint64_t load_of(__u64& shared) {
  return std::atomic_ref<__u64>(shared).load(std::memory_order_relaxed);
}

}  // namespace

void PollMeter::Destroy::operator()(poll_work_bpf* object) const {
  poll_work_bpf__destroy(object);
}

Result<std::shared_ptr<PollMeter>> PollMeter::load() {
  capture_libbpf_log();
  clear_libbpf_log();
  std::unique_ptr<poll_work_bpf, Destroy> object(poll_work_bpf__open());
  if (!object) return bpf_failure("cannot open the program that counts polls", errno);
  if (const int error = poll_work_bpf__load(object.get()))
    return bpf_failure("the kernel does not load the program that counts polls", -error);
  return std::shared_ptr<PollMeter>(new PollMeter(std::move(object)));
}

bool PollMeter::counts_any() const {
  return std::ranges::any_of(places_, [](const Place& place) { return place.users > 0; });
}

Result<uint32_t> PollMeter::count(uint32_t napi) {
  const auto counted = std::ranges::find_if(
      places_, [&](const Place& place) { return place.users > 0 && place.napi == napi; });
  const auto it = counted != places_.end() ? counted : std::ranges::find(places_, 0U, &Place::users);
  if (it == places_.end())
    return fail(fmt::format("polls of {} NAPI instances are counted already", kMostNapis), {}, ENOSPC);
  if (!counts_any()) {
    clear_libbpf_log();
    if (const int error = poll_work_bpf__attach(object_.get()))
      return bpf_failure("the kernel does not attach the program that counts polls", -error);
  }
  const auto place = static_cast<uint32_t>(it - places_.begin());
  if (it->users == 0) {
    object_->bss->work[place] = {};  // nobody else writes there
    if (bpf_map_update_elem(bpf_map__fd(object_->maps.places), &napi, &place, BPF_ANY) != 0) {
      const int error = errno;
      if (!counts_any()) poll_work_bpf__detach(object_.get());
      return fail_errno(fmt::format("NAPI {} among those whose polls are counted", napi), error, {});
    }
  }
  *it = {.napi = napi, .users = it->users + 1};
  return place;
}

void PollMeter::forget(uint32_t place) {
  Place& one = places_.at(place);
  if (one.users == 0) return;
  --one.users;
  if (one.users > 0) return;
  bpf_map_delete_elem(bpf_map__fd(object_->maps.places), &one.napi);
  if (!counts_any()) poll_work_bpf__detach(object_.get());
}

PollWork PollMeter::work(uint32_t place) const {
  xdpfwd_poll_work& counted = object_->bss->work[place];
  return {.polls = load_of(counted.polls), .packets = load_of(counted.packets)};
}

}  // namespace xdpfwd
