/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/* What polls.bpf.c and the daemon share. Its maps live only as long as somebody looks: no version is needed. */
#ifndef XDPFWD_BPF_POLLS_ABI_H
#define XDPFWD_BPF_POLLS_ABI_H

#include <linux/types.h>

#define XDPFWD_POLLS_NICS 256 /* watched at most */
#define XDPFWD_POLLS_ROWS 4096
#define XDPFWD_POLLS_DELIVERIES 16384
#define XDPFWD_POLLS_PENDING 16 /* taps that one poll delivers to; what comes on top is uncounted */

/* How many packets a poll took: 0, 1, 2, 3, then 4-7, 8-15, 16-31, 32-63, and 64 or more. */
#define XDPFWD_POLLS_BUCKETS 9

struct xdpfwd_polls_key {
	__u32 ifindex;
	__u32 napi;
};

struct xdpfwd_polls_row {
	__u64 packets;
	__u64 by_work[XDPFWD_POLLS_BUCKETS];
};

struct xdpfwd_delivery_key {
	__u32 ifindex; /* that the frames came in by */
	__u32 napi;
	__u32 to; /* ifindex */
};

struct xdpfwd_delivery_row {
	__u64 taken;
	__u64 lost;
};

struct xdpfwd_polls_cpu {
	__u64 net_entered_ns; /* 0 = not in a network softirq */
	__u64 net_ns;
	__u64 uncounted; /* polls or deliveries that found no row */
	__u32 pending;
	__u32 pad;
	struct {
		__u32 from;
		__u32 to;
		__u32 taken;
		__u32 lost;
	} delivered[XDPFWD_POLLS_PENDING];
};

#endif /* XDPFWD_BPF_POLLS_ABI_H */
