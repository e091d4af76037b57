/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only */
/*
 * Keeps the bridge behind us from forgetting. A bridge (or OVS) learns where a sender is from the frames that it
 * sees, and forgets it after its ageing time, 300 s by default; then it floods what guests answer. Forwarded frames
 * never get there. So now and then one frame of each sender passes to the stack, which delivers it as it would
 * without us.
 */
#ifndef XDPFWD_BPF_RELEARN_H
#define XDPFWD_BPF_RELEARN_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/abi.h"
#include "bpf/parse.h"

/* When a frame of a sender (its MAC and VLAN, a word of xdpfwd_key_word) last passed for this reason. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, XDPFWD_MAX_SENDERS);
	__type(key, __u64);
	__type(value, __u64); /* ns, CLOCK_MONOTONIC_COARSE */
} senders SEC(".maps");

/*
 * One frame in eight is looked at: a sender whose time has come is found within a few frames, and the others cost
 * nothing. The high bits of the count times 2^32 over the golden ratio, so that senders in a fixed rotation all get
 * their turn. It also bounds what invented senders can do: seven of eight of their frames are forwarded.
 */
XDPFWD_INLINE bool relearn_looks_at(__u64 packets)
{
	return (__u32)packets * 0x9e3779b9U < 1U << 29;
}

static __noinline bool relearn_is_due(__u64 sender, __u32 seconds)
{
	__u64 now = bpf_ktime_get_coarse_ns();
	const __u64 *passed = bpf_map_lookup_elem(&senders, &sender);

	if (passed && now - *passed < (__u64)seconds * 1000000000)
		return false;
	/* Not remembered, it would pass again and again. */
	return !bpf_map_update_elem(&senders, &sender, &now, BPF_ANY);
}

#endif /* XDPFWD_BPF_RELEARN_H */
