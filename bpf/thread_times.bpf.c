// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * What threads ran, and waited for a CPU: the numbers of /proc/PID/schedstat for all of them in one call, and
 * without making text of them. Run by the daemon alone, by BPF_PROG_RUN; loads where programs of this type may look
 * at threads.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/thread_times_abi.h"

/* Asked and answered in place: the daemon has both mapped, and is the only one who runs this. */
struct xdpfwd_thread_times threads[XDPFWD_TIMED_THREADS];
__u32 asked;

/* The few fields that we read of the kernel's structures, found by name at load time. */
struct sched_entity {
	__u64 sum_exec_runtime;
} __attribute__((preserve_access_index));

struct sched_info {
	unsigned long long run_delay;
} __attribute__((preserve_access_index));

struct task_struct {
	struct sched_entity se;
	struct sched_info sched_info;
	__u64 start_time;
} __attribute__((preserve_access_index));

extern struct task_struct *bpf_task_from_pid(__s32 pid) __ksym;
extern void bpf_task_release(struct task_struct *task) __ksym;

static long read_thread(__u32 nth, void *unused)
{
	struct xdpfwd_thread_times *thread;
	struct task_struct *task;

	(void)unused;
	if (nth >= XDPFWD_TIMED_THREADS)
		return 1;
	thread = &threads[nth];
	task = bpf_task_from_pid(thread->thread);
	thread->found = task != 0;
	if (!task)
		return 0;
	thread->started_ns = task->start_time;
	thread->ran_ns = task->se.sum_exec_runtime;
	thread->waited_ns = task->sched_info.run_delay;
	thread->time_ns = bpf_ktime_get_ns();
	bpf_task_release(task);
	return 0;
}

SEC("syscall")
int xdpfwd_thread_times(void *ctx)
{
	(void)ctx;
	bpf_loop(asked, read_thread, 0, 0);
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
