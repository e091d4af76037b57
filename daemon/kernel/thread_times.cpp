// SPDX-License-Identifier: BSD-2-Clause
#include "kernel/thread_times.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <cerrno>

#include "kernel/bpf_failure.h"
#include "kernel/libbpf_log.h"
#include "thread_times.skel.h"

namespace xdpfwd {

void ThreadTimer::Destroy::operator()(thread_times_bpf* object) const {
  thread_times_bpf__destroy(object);
}

Result<std::shared_ptr<ThreadTimer>> ThreadTimer::load() {
  capture_libbpf_log();
  clear_libbpf_log();
  std::unique_ptr<thread_times_bpf, Destroy> object(thread_times_bpf__open());
  if (!object) return bpf_failure("cannot open the program that reads threads", errno);
  if (const int error = thread_times_bpf__load(object.get()))
    return bpf_failure("the kernel does not load the program that reads threads", -error);
  return std::shared_ptr<ThreadTimer>(new ThreadTimer(std::move(object)));
}

std::span<const xdpfwd_thread_times> ThreadTimer::read(std::span<const pid_t> threads) {
  if (threads.size() > kMostThreads) return {};
  auto& table = *object_->bss;
  for (size_t i = 0; i < threads.size(); ++i) table.threads[i].thread = threads[i];
  table.asked = static_cast<uint32_t>(threads.size());
  DECLARE_LIBBPF_OPTS(bpf_test_run_opts, options);
  if (bpf_prog_test_run_opts(bpf_program__fd(object_->progs.xdpfwd_thread_times), &options) != 0) return {};
  return {table.threads, threads.size()};
}

}  // namespace xdpfwd
