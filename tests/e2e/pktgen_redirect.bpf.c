// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The least forwarder that the generator can be tested against: pops one tag, and redirects by destination MAC. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u32);
} taps SEC(".maps");

/* Each n-th frame is spoilt in the way named; 0 = none is. */
volatile __u32 drop_every, flip_every;
__u32 seen;

SEC("xdp")
int redirect(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	__u64 key = 0;
	__u32 *ifindex, count;

	if (data + ETH_HLEN + 4 > end)
		return XDP_DROP;
	for (int i = 0; i < 6; i++)
		key = key << 8 | data[i];
	ifindex = bpf_map_lookup_elem(&taps, &key);
	if (!ifindex)
		return XDP_PASS;
	count = __sync_fetch_and_add(&seen, 1) + 1; /* both members may be here at once */
	if (drop_every && count % drop_every == 0)
		return XDP_DROP;
	if (flip_every && count % flip_every == 0 && data + 60 <= end)
		data[59] ^= 0x10;
	if (*(__be16 *)(data + 12) == bpf_htons(ETH_P_8021Q) || *(__be16 *)(data + 12) == bpf_htons(ETH_P_8021AD)) {
		for (int i = 11; i >= 0; i--)
			data[i + 4] = data[i];
		if (bpf_xdp_adjust_head(ctx, 4))
			return XDP_DROP;
	}
	return bpf_redirect(*ifindex, 0);
}

char _license[] SEC("license") = "Dual BSD/GPL";
