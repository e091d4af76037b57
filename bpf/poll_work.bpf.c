// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * How often NAPI instances were polled, and what that took: two numbers for each of those that the daemon packs, which
 * it reads without a system call. Attached as long as there is one; polls.bpf.c tells more, to who looks.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/poll_work_abi.h"

struct xdpfwd_poll_work work[XDPFWD_COUNTED_NAPIS];

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, XDPFWD_COUNTED_NAPIS);
	__type(key, __u32);   /* id of a NAPI instance: the kernel's are host-wide */
	__type(value, __u32); /* its place in work */
} places SEC(".maps");

/* The one field that we read of the kernel's structure, found by name at load time. */
struct napi_struct {
	unsigned int napi_id;
} __attribute__((preserve_access_index));

/*
 * napi_poll(napi, work, budget): a poll has ended. One CPU at a time polls an instance, but it is told of it after it has
 * let the instance go, when another CPU may be polling already.
 */
SEC("tp_btf/napi_poll")
int xdpfwd_count_poll(__u64 *ctx)
{
	const struct napi_struct *napi = (const void *)ctx[0];
	__u32 id = napi->napi_id;
	int taken = (int)ctx[1];
	const __u32 *place = bpf_map_lookup_elem(&places, &id);
	__u64 at;

	if (!place)
		return 0;
	at = *place;
	/* Read once: the verifier must see that it is this value which is in bounds. */
	asm volatile("" : "+r"(at));
	if (at >= XDPFWD_COUNTED_NAPIS)
		return 0;
	__sync_fetch_and_add(&work[at].polls, 1);
	if (taken > 0)
		__sync_fetch_and_add(&work[at].packets, taken);
	return 0;
}

char _license[] SEC("license") = "Dual BSD/GPL";
