// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0-only
/* The least that can be done with a frame: redirect it to a constant port, or drop it. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 1);
} target SEC(".maps");

SEC("xdp.frags")
int floor_redirect(struct xdp_md *ctx __attribute__((unused)))
{
	return bpf_redirect_map(&target, 0, 0);
}

struct {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__type(key, __u32);
	__type(value, __u32);
	__uint(max_entries, 256);
} targets SEC(".maps");

/* The least for several ports: the last byte of the destination says which. */
SEC("xdp.frags")
int floor_redirect_many(struct xdp_md *ctx)
{
	__u8 *data = (void *)(long)ctx->data;

	if (data + 6 > (__u8 *)(long)ctx->data_end)
		return XDP_DROP;
	return bpf_redirect_map(&targets, data[5], 0);
}

SEC("xdp.frags")
int floor_drop(struct xdp_md *ctx __attribute__((unused)))
{
	return XDP_DROP;
}

char _license[] SEC("license") = "Dual BSD/GPL";
