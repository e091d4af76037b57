/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * What xdpfwd-poller and its counting program (bpf/poller.bpf.c) share: a row of counts for each queue.
 */
#ifndef XDPFWD_POLLER_ABI_H
#define XDPFWD_POLLER_ABI_H

#include <linux/types.h>

#define XDPFWD_POLLER_QUEUES 16
#define XDPFWD_POLLER_SHARED_TURN 0xffffffffu

struct xdpfwd_poller_row {
	__u64 own_polls;   /* by the poller itself */
	__u64 own_worked;  /* of these, polls that found packets */
	__u64 own_packets; /* that its polls found */
	__u64 other_polls; /* by softirqs, NAPI threads, other pollers */
	__u64 other_packets;
};

#endif
