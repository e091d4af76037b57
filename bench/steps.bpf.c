// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/*
 * What each step costs that a layer-2 redirect into VMs cannot do without, one program a step: take the tag
 * off; find the (VLAN, MAC) in the kernel's hash table; or in a table of our own. No counters, no checks of
 * port, length or member.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "bpf/parse.h"
#include "bpf/rewrite.h"

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 256);
} targets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__type(key, __u64);   /* a word of xdpfwd_key_word */
	__type(value, __u32); /* index into targets */
	__uint(max_entries, 65536);
} rows SEC(".maps");

/* A cache line: four rows. A key's bucket is in the high bits of its product with 2^64 over the golden ratio.
 */
#define BUCKET_BITS 15
#define BUCKET_ROWS 4
struct bucket {
	struct {
		__u64 key;
		__u64 target;
	} rows[BUCKET_ROWS];
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__type(key, __u32);
	__type(value, struct bucket);
	__uint(max_entries, 1 << BUCKET_BITS);
} buckets SEC(".maps");

/* False: there is no tag, or no room to take it off. */
XDPFWD_INLINE bool pop(struct xdp_md *ctx)
{
	char *data = (char *)(long)ctx->data;

	if (data + XDPFWD_ETH_LEN + XDPFWD_TAG_LEN > (char *)(long)ctx->data_end)
		return false;
	xdpfwd_pop_tag(data);
	return !bpf_xdp_adjust_head(ctx, XDPFWD_TAG_LEN);
}

/* The key of a tagged frame; 0: it has no tag. */
XDPFWD_INLINE __u64 key_of(struct xdp_md *ctx)
{
	const char *data = (const char *)(long)ctx->data;

	if (data + XDPFWD_ETH_LEN + XDPFWD_TAG_LEN > (const char *)(long)ctx->data_end ||
	    xdpfwd_load_be16(data + XDPFWD_MACS_LEN) != XDPFWD_TPID_8021Q)
		return 0;
	return xdpfwd_key_word(xdpfwd_load_mac(data),
			       xdpfwd_load_be16(data + XDPFWD_ETH_LEN) & XDPFWD_VLAN_ID_MASK);
}

SEC("xdp.frags")
int step_pop(struct xdp_md *ctx)
{
	if (!key_of(ctx))
		return XDP_PASS;
	return pop(ctx) ? bpf_redirect_map(&targets, 0, XDP_PASS) : XDP_PASS;
}

SEC("xdp.frags")
int step_hash(struct xdp_md *ctx)
{
	__u64 key = key_of(ctx);
	const __u32 *target;

	if (!key)
		return XDP_PASS;
	target = bpf_map_lookup_elem(&rows, &key);
	if (!target)
		return XDP_PASS;
	return pop(ctx) ? bpf_redirect_map(&targets, *target, XDP_PASS) : XDP_PASS;
}

SEC("xdp.frags")
int step_table(struct xdp_md *ctx)
{
	__u64 key = key_of(ctx);
	__u32 index = (key * 0x9e3779b97f4a7c15ULL) >> (64 - BUCKET_BITS);
	const struct bucket *bucket;
	__u64 target = 0;

	if (!key)
		return XDP_PASS;
	bucket = bpf_map_lookup_elem(&buckets, &index);
	if (!bucket)
		return XDP_PASS;
	if (bucket->rows[0].key == key)
		target = bucket->rows[0].target;
	else if (bucket->rows[1].key == key)
		target = bucket->rows[1].target;
	else if (bucket->rows[2].key == key)
		target = bucket->rows[2].target;
	else if (bucket->rows[3].key == key)
		target = bucket->rows[3].target;
	else
		return XDP_PASS;
	return pop(ctx) ? bpf_redirect_map(&targets, target, XDP_PASS) : XDP_PASS;
}

char _license[] SEC("license") = "Dual BSD/GPL";
