/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What poll_work.bpf.c and the daemon share. It lives as long as the daemon: no version is needed. */
#ifndef XDPFWD_BPF_POLL_WORK_ABI_H
#define XDPFWD_BPF_POLL_WORK_ABI_H

#include <linux/types.h>

#define XDPFWD_COUNTED_NAPIS 1024 /* at once at most */

/* Each in a cache line of its own: neighbours are polled on different CPUs. */
struct xdpfwd_poll_work {
	__u64 polls;
	__u64 packets; /* that they took */
} __attribute__((aligned(64)));

#endif /* XDPFWD_BPF_POLL_WORK_ABI_H */
