// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * Counts the polls of the NAPI instances that one xdpfwd-poller serves: its own, and those that others make. A poll
 * tells the process that asked for it nothing, and a queue that others poll is how a poller that has backed off
 * learns of work. Both sides use plain loads and stores of this program's mapped variables.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/poller_abi.h"

/* The poller's thread, as the host numbers it. */
const volatile __u32 poller_tid = 0;

__u32 napi_ids[XDPFWD_POLLER_QUEUES]; /* 0 = none at the moment */
struct xdpfwd_poller_row rows[XDPFWD_POLLER_QUEUES];
/*
 * Whose turn it is, + 1; 0 = nobody's; XDPFWD_POLLER_SHARED_TURN: that of all queues that io_uring polls. A softirq that
 * interrupts the poller's thread runs as that thread; only in the queue's turn is the poll the poller's. In a shared
 * turn its budget tells: io_uring's is 8 (BUSY_POLL_BUDGET), a softirq's the driver's weight, 64 for nearly all.
 */
__u32 turn;

#define URING_BUDGET 8

struct napi_struct {
	unsigned int napi_id;
} __attribute__((preserve_access_index));

/*
 * napi_poll(napi, work, budget): a poll has ended. One CPU at a time polls an instance, but it is told of it after it
 * has let the instance go, when another CPU may be polling already. The poller's own are told by one thread.
 */
SEC("tp_btf/napi_poll")
int xdpfwd_poller_poll(__u64 *ctx)
{
	const struct napi_struct *napi = (const void *)ctx[0];
	__u32 id = napi->napi_id;
	int work = (int)ctx[1];
	int shared = turn == XDPFWD_POLLER_SHARED_TURN && (int)ctx[2] == URING_BUDGET;

	if (!id)
		return 0;
	for (__u32 i = 0; i < XDPFWD_POLLER_QUEUES; i++) {
		if (napi_ids[i] != id)
			continue;
		if ((shared || turn == i + 1) && (__u32)bpf_get_current_pid_tgid() == poller_tid) {
			rows[i].own_polls++;
			if (work > 0) {
				rows[i].own_worked++;
				rows[i].own_packets += work;
			}
		} else {
			__sync_fetch_and_add(&rows[i].other_polls, 1);
			if (work > 0)
				__sync_fetch_and_add(&rows[i].other_packets, work);
		}
		return 0;
	}
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
