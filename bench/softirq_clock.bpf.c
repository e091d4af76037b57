// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Time spent in softirqs on one CPU, who had it otherwise, and what NAPI did there, counted where it happens. The
 * kernel's own accounting looks once a tick, and sees what runs in step with the tick always or never.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "bench/softirq_clock.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
struct ns_common {
	unsigned int inum;
};
struct net {
	struct ns_common ns;
};
typedef struct {
	struct net *net;
} possible_net_t;
struct net_device {
	possible_net_t nd_net;
};
struct napi_struct {
	struct net_device *dev;
};
struct task_struct {
	int pid;
	int tgid;
	unsigned int flags;
	char comm[16];
};
#pragma clang attribute pop

/* One row a CPU; read by mapping. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, BENCH_MAX_CPUS);
	__type(key, __u32);
	__type(value, struct softirq_row);
} rows SEC(".maps");

/* Processes of the contender whose turn it is, by number. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, BENCH_MAX_FOLLOWED);
	__type(key, __u32);
	__type(value, __u8);
} followed SEC(".maps");

__u32 watched_netns; /* NAPI counts only devices of this network namespace */

static __always_inline struct softirq_row *row_here(void)
{
	__u32 cpu = bpf_get_smp_processor_id();

	return bpf_map_lookup_elem(&rows, &cpu);
}

SEC("tp_btf/softirq_entry")
int softirq_entry(__u64 *ctx __attribute__((unused)))
{
	struct softirq_row *row = row_here();

	if (row)
		row->entered_ns = bpf_ktime_get_ns();
	return 0;
}

SEC("tp_btf/softirq_exit")
int softirq_exit(__u64 *ctx)
{
	struct softirq_row *row = row_here();
	__u64 vector = ctx[0];
	__u64 took;

	if (!row || !row->entered_ns || vector >= BENCH_SOFTIRQS)
		return 0;
	took = bpf_ktime_get_ns() - row->entered_ns;
	row->ns[vector] += took;
	row->softirqs_ns += took;
	row->entered_ns = 0;
	return 0;
}

#define PF_KTHREAD 0x00200000

static __always_inline __u64 kind_of(struct task_struct *task)
{
	__u32 process = task->tgid;

	if (!task->pid)
		return BENCH_TASK_IDLE;
	if (task->flags & PF_KTHREAD)
		return __builtin_memcmp(task->comm, "napi/up", 7) ? BENCH_TASK_KERNEL : BENCH_TASK_NAPI;
	if (bpf_map_lookup_elem(&followed, &process))
		return BENCH_TASK_CONTENDER;
	if (!__builtin_memcmp(task->comm, "bench-", 6))
		return BENCH_TASK_HARNESS;
	if (!__builtin_memcmp(task->comm, "xdpfwd", sizeof("xdpfwd")))
		return BENCH_TASK_DAEMON;
	if (!__builtin_memcmp(task->comm, "xdpfwd-poller", sizeof("xdpfwd-poller")))
		return BENCH_TASK_POLLER;
	return BENCH_TASK_PROCESS;
}

SEC("tp_btf/sched_switch")
int sched_switch(__u64 *ctx) /* preempt, prev, next */
{
	struct softirq_row *row = row_here();
	__u64 now = bpf_ktime_get_ns();

	if (!row)
		return 0;
	if (row->switched_ns && row->running < BENCH_TASKS)
		row->task_ns[row->running] += now - row->switched_ns - (row->softirqs_ns - row->softirqs_ns_before);
	row->running = kind_of((void *)ctx[2]);
	row->switched_ns = now;
	row->softirqs_ns_before = row->softirqs_ns;
	row->switches++;
	return 0;
}

SEC("tp_btf/napi_poll")
int napi_poll(__u64 *ctx) /* napi, work, budget */
{
	struct softirq_row *row = row_here();
	struct napi_struct *napi = (void *)ctx[0];
	struct net_device *dev = napi->dev;
	int work = ctx[1];

	if (!row || !dev || dev->nd_net.net->ns.inum != watched_netns)
		return 0;
	row->polls++;
	if (work > 0)
		row->packets += work;
	else
		row->empty_polls++;
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
