// SPDX-License-Identifier: BSD-2-Clause
#include "poller/poll_counter.h"

#include <bpf/libbpf.h>
#include <unistd.h>

#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <string>
// clang-format off: the skeleton names types of bpf/poller_abi.h and must come after it
#include "poller.skel.h"
// clang-format on

namespace xdpfwd::poller {
namespace {

// libbpf's last words go into the error instead of to stderr.
std::string last_words;
int keep_words(libbpf_print_level level, const char* format, va_list arguments) {
  char line[256];
  if (level != LIBBPF_WARN) return 0;
  if (std::vsnprintf(line, sizeof(line), format, arguments) > 0) last_words = line;
  while (last_words.ends_with('\n')) last_words.pop_back();
  return 0;
}

template <typename T>
void store(T& shared, T value) {
  std::atomic_ref<T>(shared).store(value, std::memory_order_relaxed);
}
uint64_t load_of(__u64& shared) {
  return std::atomic_ref<__u64>(shared).load(std::memory_order_relaxed);
}

}  // namespace

void PollCounter::Destroy::operator()(poller_bpf* skeleton) const {
  poller_bpf__destroy(skeleton);
}

Result<PollCounter> PollCounter::load() {
  libbpf_set_print(keep_words);
  PollCounter counter(poller_bpf__open());
  if (!counter.skeleton_) return fail_errno("the program that counts polls", errno);
  counter.skeleton_->rodata->poller_tid = static_cast<uint32_t>(::gettid());
  const char* what = "loading the program that counts polls";
  int error = poller_bpf__load(counter.skeleton_.get());
  if (error == 0) {
    what = "attaching the program that counts polls";
    error = poller_bpf__attach(counter.skeleton_.get());
  }
  if (error != 0)
    return fail_errno(std::string(what) + " (" + last_words + ")", -error,
                      error == -EPERM ? "it needs CAP_BPF and CAP_PERFMON"
                                      : "it needs Linux 6.1 or later with BTF (/sys/kernel/btf/vmlinux)");
  return counter;
}

void PollCounter::watch(size_t queue, uint32_t napi) {
  store(skeleton_->bss->napi_ids[queue], napi);
}

void PollCounter::begin_turn(size_t queue) {
  store(skeleton_->bss->turn, static_cast<uint32_t>(queue + 1));
}

void PollCounter::begin_shared_turn() {
  store(skeleton_->bss->turn, uint32_t{XDPFWD_POLLER_SHARED_TURN});
}

void PollCounter::end_turn() {
  store(skeleton_->bss->turn, uint32_t{0});
}

xdpfwd_poller_row PollCounter::row(size_t queue) const {
  xdpfwd_poller_row& row = skeleton_->bss->rows[queue];
  return {.own_polls = load_of(row.own_polls),
          .own_worked = load_of(row.own_worked),
          .own_packets = load_of(row.own_packets),
          .other_polls = load_of(row.other_polls),
          .other_packets = load_of(row.other_packets)};
}

uint64_t PollCounter::frames(size_t queue) const {
  const xdpfwd_poller_row counted = row(queue);
  return counted.own_packets + counted.other_packets;
}

}  // namespace xdpfwd::poller
