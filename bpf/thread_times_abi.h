/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What thread_times.bpf.c and the daemon share. It lives as long as the daemon: no version is needed. */
#ifndef XDPFWD_BPF_THREAD_TIMES_ABI_H
#define XDPFWD_BPF_THREAD_TIMES_ABI_H

#include <linux/types.h>

#define XDPFWD_TIMED_THREADS 1024 /* in one call at most */

struct xdpfwd_thread_times {
	__u64 started_ns; /* tells a thread from whoever has its number later */
	__u64 ran_ns;
	__u64 waited_ns; /* for a CPU */
	__u64 time_ns;	 /* CLOCK_MONOTONIC, when this was read */
	__s32 thread;	 /* asked for, by its number */
	__u32 found;
};

#endif /* XDPFWD_BPF_THREAD_TIMES_ABI_H */
